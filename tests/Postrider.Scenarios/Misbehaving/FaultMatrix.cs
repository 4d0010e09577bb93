using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>
/// Faults at each stage of a session, each at an MX of its own, and the timeline each leaves: one server sends to all at once.
/// </summary>
/// <remarks>Stalls, closes and plain refusals have files of their own beside this one.</remarks>
public sealed class FaultMatrix
{
    const string Says421 = "421 4.3.2 shutting down";
    const string TooLong = "a reply of more than 65536 octets";

    static readonly string EndlessLine = new('2', 100_000);
    static readonly string EndlessReply = string.Concat(Enumerable.Repeat("250-more\r\n", 10_000));

    /// <summary>
    /// What is no reply ends the session, and so does a reply to something else: none of it is taken for a refusal of the message.
    /// </summary>
    [Fact]
    public Task Gibberish_is_tried_again() => EndAsync(
        Again(MxStage.Greeting, "hello there\r\n", "not a reply: \"hello there\""),
        Again(MxStage.Greeting, "2200 ESMTP\r\n", "not a reply: \"2200 ESMTP\""),
        Again(MxStage.Ehlo, "250-mx.test\r\n550 SIZE\r\n", "a reply that starts as 250 and goes on as 550"),
        InClear(MxStage.StartTls, MxStep.Write("go ahead\r\n")),
        Again(MxStage.Mail, "\r\n", "not a reply: \"\""),
        Again(MxStage.Rcpt, "25\u00000 ok\r\n", "not a reply: \"25?0 ok\""),
        Again(MxStage.Rcpt, "\u00ff\u00fe\u00fd\r\n", "not a reply: \"\ufffd\ufffd\ufffd\""),
        Again(MxStage.Rcpt, "354 go on\r\n", "out of step: 354 go on"),
        Again(MxStage.Data, "999 go on\r\n", "not a reply: \"999 go on\""),
        Again(MxStage.EndOfData, "taken, thanks\r\n", "not a reply: \"taken, thanks\""));

    [Fact]
    public Task Replies_without_end_are_cut_off_and_tried_again() => EndAsync(
        Again(MxStage.Greeting, EndlessLine, TooLong),
        Again(MxStage.Greeting, new string('x', 1_000_000) + "\r\n", TooLong),
        Again(MxStage.Ehlo, EndlessReply, TooLong),
        InClear(MxStage.StartTls, MxStep.Write(EndlessReply)),
        Again(MxStage.Mail, EndlessLine, TooLong),
        Again(MxStage.Mail, EndlessReply, TooLong),
        Again(MxStage.Rcpt, EndlessReply, TooLong),
        Again(MxStage.Data, EndlessLine, TooLong),
        Again(MxStage.EndOfData, EndlessReply, TooLong));

    /// <summary>RFC 5321 §3.8: a server may say 421 to anything and close.</summary>
    [Fact]
    public Task A_421_and_a_close_at_any_stage_are_tried_again() => EndAsync(
        [.. Enum.GetValues<MxStage>().Except([MxStage.Content])
            .Select(stage => new Row(stage, [MxStep.SayAndClose(Says421)], 1, Deferred(Says421, isUncertain: false)))]);

    /// <summary>An EHLO that is not understood is followed by HELO, a STARTTLS that is not answered by a session in clear.</summary>
    [Fact]
    public Task Refusals_before_the_message_comes_up() => EndAsync(
        InClear(MxStage.Ehlo, MxStep.Say("502 5.5.1 what?")),
        new Row(
            MxStage.Ehlo, [MxStep.Say("502 5.5.1 what?"), MxStep.Say("554 5.7.1 not you")], 0,
            "blocked ada@{0} smtp_response=554 5.7.1 not you [status=5.7.1 bounce_type=block category=policy]") { Error = "554 5.7.1 not you" },
        InClear(MxStage.StartTls, MxStep.Say("550 5.7.0 not you")),
        InClear(MxStage.StartTls, MxStep.Stall));

    static Row Again(MxStage stage, string octets, string detail) => new(
        stage, [MxStep.Write(octets)], 1,
        Deferred(
            stage switch
            {
                MxStage.Greeting or MxStage.Ehlo => $"127.0.0.1 [127.0.0.1:PORT]: {detail}",
                MxStage.Mail => $"127.0.0.1: {detail} (MailFrom)",
                MxStage.Rcpt => $"127.0.0.1: {detail} (RcptTo)",
                _ => $"127.0.0.1: {detail} ({stage})",
            },
            isUncertain: stage == MxStage.EndOfData));

    static Row InClear(MxStage stage, MxStep step) => new(stage, [step], 0);

    static string Deferred(string response, bool isUncertain) =>
        $"deferred ada@{{0}} smtp_response={response} [attempt=1 next_retry_at mx_host=127.0.0.1{(isUncertain ? " uncertain=True" : "")}]";

    static async Task EndAsync(params Row[] rows)
    {
        var hosts = rows.Select(row => ScriptedMx.Start(row.Script)).ToArray();
        try
        {
            var routes = string.Join(',', hosts.Select((mx, i) => $"mx{i}.test=127.0.0.1:{mx.Port}"));
            await using var server = await PostriderServer.StartAsync(
                $"Smtp:Routes={routes}", "Retry:Delays=100ms", "Retry:Jitter=0", "Smtp:Timeouts:Greeting=2s", "Smtp:Timeouts:Command=2s",
                "Smtp:Timeouts:EndOfData=2s", "Smtp:Timeouts:TlsHandshake=2s", "Log:Level=Warning");
            var ids = (await server.Api.PostAsync("/v3/mail/send", Letter.ToEach([.. rows.Select((_, i) => $"ada@mx{i}.test")]))).Texts("message_ids");

            for (var i = 0; i < rows.Length; i++)
            {
                var message = await server.SettledAsync(ids[i]);
                Trial.Shows(rows[i].Timeline($"mx{i}.test"), message, hosts[i]);
                AssertTriedLater(message);
            }
        }
        finally
        {
            foreach (var mx in hosts)
                await mx.DisposeAsync();
        }
    }

    /// <summary>What a deferral tells of the next attempt came true.</summary>
    static void AssertTriedLater(Message message)
    {
        var events = message.Events.ToArray();
        foreach (var (deferred, next) in events.Zip(events.Skip(1)).Where(pair => pair.First.GetProperty("event_type").GetString() == "deferred"))
        {
            var retryAt = deferred.GetProperty("metadata").GetProperty("next_retry_at").GetDateTimeOffset();
            Assert.True(deferred.GetProperty("timestamp").GetDateTimeOffset() <= retryAt, message.Timeline);
            Assert.True(retryAt <= next.GetProperty("timestamp").GetDateTimeOffset(), message.Timeline);
        }
        Assert.Equal(events.Count(one => one.GetProperty("event_type").GetString() == "deferred"), message.RetryCount);
    }

    /// <param name="Retries">How many attempts come to nothing for now.</param>
    /// <param name="Event">Of the attempt that met the fault, {0} the domain; null when it delivered all the same.</param>
    sealed record Row(MxStage Stage, MxStep[] Steps, int Retries, string? Event = null)
    {
        /// <summary>What the message ends with; null for delivered.</summary>
        public string? Error { get; init; }

        public MxScript Script => new MxScript().Offers(Stage == MxStage.StartTls ? ["PIPELINING", "STARTTLS"] : ["PIPELINING"]).At(Stage, Steps);

        public string Timeline(string domain)
        {
            var came = (Stage == MxStage.EndOfData ? 1 : 0) + (Error is null ? 1 : 0);
            string[] lines =
            [
                Error is null ? $"delivered, retry_count {Retries}" : $"bounced, retry_count {Retries}, error: {Error}",
                $"processed ada@{domain}",
                .. Event is null ? [] : (string[])[Event.Replace("{0}", domain, StringComparison.Ordinal)],
                .. Error is not null ? [] : (string[])[$"delivered ada@{domain} smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]"],
                $"mx: {came} came, {(Error is null ? 1 : 0)} taken",
            ];
            return string.Join('\n', lines);
        }
    }
}
