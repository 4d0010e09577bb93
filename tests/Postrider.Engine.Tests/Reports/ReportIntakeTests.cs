using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Reports;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Reports;

/// <summary>From a message as it came in to what is asked of the store. Reports are those of tests/Postrider.Mail.Tests/Reports.</summary>
public sealed class ReportIntakeTests
{
    static readonly Domain Host = Sender.Named("x@bounces.example.com").Mailbox.Domain;

    readonly ReturnPaths _paths = new(Sender.Secrets, Host);
    readonly MessageId _message = new(new IdGenerator(new ManualTime()).Next());
    readonly ReportRecorder _store = new();
    readonly ManualTime _time = new();
    readonly ReportIntake _intake;

    public ReportIntakeTests() => _intake = new ReportIntake(
        _store, _store, _paths, BounceRules.BuiltIn, Host, _time, NullLogger<ReportIntake>.Instance);

    [Theory]
    [InlineData("postfix-failed", "hard", "5.1.1", "no-such-mailbox")]
    [InlineData("exim-failed", "hard", "5.1.1", "no-such-mailbox")]
    [InlineData("exchange-2019-full", "soft", "5.2.2", "mailbox-full")]
    [InlineData("sendmail-failed", "block", "5.7.1", "blocklist")]
    [InlineData("zimbra-expired", "soft", "4.4.1", "network")]
    public async Task A_failure_is_a_bounce_by_its_cited_reply_and_status(string sample, string type, string status, string category)
    {
        Assert.Equal(ReportOutcome.Bounce, await TakeAsync(Token(), Sample(sample)));

        var report = Assert.Single(_store.Reports);
        Assert.Equal((_message, 3, EventType.Bounce), (report.Message, report.Recipient, report.Type));
        Assert.Equal(
            (type, category, "dsn"), (report.Data.BounceType, report.Data.Category, report.Data.Source));
        Assert.Equal(status, report.Data.Status);
        Assert.NotNull(report.Data.BounceReason);
        Assert.NotNull(report.Data.SmtpResponse);
    }

    [Theory]
    [InlineData("", "Reported as failed (5.1.1) by mail.example.org", "Reported as failed (5.1.1) by mail.example.org")]
    [InlineData("Diagnostic-Code: x-local; mailbox gone", "5.1.1 mailbox gone", "mailbox gone")]
    [InlineData("Diagnostic-Code: x-local; 5.1.1 mailbox gone", "5.1.1 mailbox gone", "5.1.1 mailbox gone")]
    [InlineData("Diagnostic-Code: smtp; 550 no such user", "550 no such user", "550 no such user")]
    public async Task A_bounce_has_a_response_also_where_the_report_cites_none(string diagnostic, string response, string reason)
    {
        var report = Report($"Final-Recipient: rfc822; gone@other.test\nAction: failed\nStatus: 5.1.1\n{diagnostic}".TrimEnd());

        await TakeAsync(Token(), report);

        Assert.Equal((response, reason), (_store.Reports[0].Data.SmtpResponse, _store.Reports[0].Data.BounceReason));
    }

    [Fact]
    public async Task Of_an_address_that_forwards_to_several_the_mildest_failure_counts()
    {
        var report = Report("""
            Final-Recipient: rfc822; gone@other.test
            Action: failed
            Status: 5.1.1

            Final-Recipient: rfc822; full@other.test
            Action: failed
            Status: 5.2.2
            """);

        Assert.Equal(ReportOutcome.Bounce, await TakeAsync(Token(), report));
        Assert.Equal(("soft", "5.2.2"), (_store.Reports[0].Data.BounceType, _store.Reports[0].Data.Status));
    }

    [Theory]
    [InlineData("delivered")]
    [InlineData("relayed")]
    [InlineData("expanded")]
    public async Task And_none_when_somebody_has_it(string action)
    {
        var report = Report($"""
            Final-Recipient: rfc822; gone@other.test
            Action: failed
            Status: 5.1.1

            Final-Recipient: rfc822; there@other.test
            Action: {action}
            Status: 2.0.0
            """);

        Assert.Equal(ReportOutcome.Ignored, await TakeAsync(Token(), report));
        Assert.Empty(_store.Reports);
    }

    [Theory]
    [InlineData("postfix-delayed")]
    [InlineData("exim-delayed")]
    [InlineData("sendmail-delayed")]
    public async Task A_delay_is_a_deferral_and_the_same_one_each_time_it_is_told(string sample)
    {
        var report = Sample(sample);

        Assert.Equal(ReportOutcome.Deferred, await TakeAsync(Token(), report));
        Assert.Equal(
            ReportOutcome.Deferred,
            await TakeAsync(Token(), report.Replace("Message-I", "Message-Id: <again@x>\nX-I", StringComparison.OrdinalIgnoreCase)));

        Assert.Equal((EventType.Deferred, "dsn"), (_store.Reports[0].Type, _store.Reports[0].Data.Source));
        Assert.Equal(_store.Reports[0].Cause, _store.Reports[1].Cause);
    }

    [Fact]
    public async Task A_failure_is_known_again_by_its_Message_ID_and_without_one_by_what_it_says()
    {
        var report = Sample("postfix-failed");
        var without = report.Replace("Message-Id: <20261120185228.D0665B201E7@mail.example.org>\n", "", StringComparison.Ordinal);
        string[] texts =
        [
            report, $"Received: again\n{report}", report.Replace("D0665B201E7@", "other@", StringComparison.Ordinal), without, without,
            without.Replace("18:52:28 +0000 (UTC)\n\nFinal", "18:52:29 +0000 (UTC)\n\nFinal", StringComparison.Ordinal),
        ];
        foreach (var text in texts)
            await TakeAsync(Token(), text);

        var causes = _store.Reports.Select(one => one.Cause).ToArray();
        Assert.Equal([0, 0, 2, 3, 3, 5], causes.Select(cause => Array.IndexOf(causes, cause)));
    }

    [Theory]
    [InlineData("arf-aol", "abuse")]
    [InlineData("arf-yahoo", "abuse")]
    public async Task A_complaint_is_proved_by_the_return_path_that_came_back(string sample, string type)
    {
        Assert.Equal(ReportOutcome.SpamReport, await TakeAsync("fbl", Sample(sample)));

        var report = Assert.Single(_store.Reports);
        Assert.Equal((_message, 3, EventType.SpamReport, type), (report.Message, report.Recipient, report.Type, report.Data.FeedbackType));
    }

    [Fact]
    public async Task And_proves_nothing_by_itself()
    {
        var report = Sample("arf-aol").Replace(Token(), Token()[..^1] + (Token()[^1] == 'a' ? 'b' : 'a'), StringComparison.Ordinal);

        Assert.Equal(ReportOutcome.Unproven, await TakeAsync("fbl", report));
        Assert.Equal(ReportOutcome.Unproven, await TakeAsync("fbl", Sample("postfix-failed")));
        Assert.Empty(_store.Reports);
    }

    [Theory]
    [InlineData("arf-not-spam", ReportOutcome.Ignored)]
    [InlineData("arf-auth-failure", ReportOutcome.Ignored)]
    [InlineData("postfix-delivered", ReportOutcome.Ignored)]
    [InlineData("postfix-relayed", ReportOutcome.Ignored)]
    [InlineData("unknown-action", ReportOutcome.Ignored)]
    [InlineData("auto-vacation", ReportOutcome.AutomaticReply)]
    [InlineData("auto-exchange", ReportOutcome.AutomaticReply)]
    [InlineData("auto-receipt", ReportOutcome.AutomaticReply)]
    [InlineData("letter", ReportOutcome.NotAReport)]
    [InlineData("letter-quotes-bounce", ReportOutcome.NotAReport)]
    public async Task What_reports_no_failure_asks_nothing_of_the_store(string sample, ReportOutcome outcome)
    {
        Assert.Equal(outcome, await TakeAsync(Token(), Sample(sample)));
        Assert.Empty(_store.Reports);
    }

    [Fact]
    public async Task The_stores_answer_is_what_became_of_it()
    {
        foreach (var (result, outcome) in new[]
        {
            (ReportResult.Repeated, ReportOutcome.Repeated), (ReportResult.WithoutEffect, ReportOutcome.WithoutEffect),
            (ReportResult.NotFound, ReportOutcome.MessageGone),
        })
        {
            _store.Result = result;
            Assert.Equal(outcome, await TakeAsync(Token(), Sample("postfix-failed")));
        }
        _store.Result = null;
        Assert.Equal(ReportOutcome.StoreAway, await TakeAsync(Token(), Sample("postfix-failed")));
        _store.Tenant = null;
        Assert.Equal(ReportOutcome.MessageGone, await TakeAsync(Token(), Sample("postfix-failed")));
    }

    [Theory]
    [InlineData(2, ReportOutcome.Bounce)]
    [InlineData(100, ReportOutcome.Busy)]
    public async Task A_message_that_is_being_attempted_is_waited_for_a_moment(int times, ReportOutcome outcome)
    {
        _store.BusyTimes = times;

        var taking = TakeAsync(Token(), Sample("postfix-failed"));
        while (!taking.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Yield();
        }

        Assert.Equal(outcome, await taking);
    }

    [Fact]
    public void The_page_for_operators_explains_every_outcome()
    {
        var page = File.ReadAllText(InRepository("docs/operate/bounces.md"));

        Assert.All(BounceWords.Of<ReportOutcome>(), word => Assert.Contains($"`{word}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Only_its_own_addresses_are_ours()
    {
        var token = Token();
        var foreign = new ReturnPaths(new(Enumerable.Repeat((byte)8, 32).ToArray()), Host).For(_message, 3).Mailbox!.LocalPart;

        Assert.All(
            (string[])
            [
                $"{token}@bounces.example.com", $"{token.ToUpperInvariant()}@BOUNCES.example.com", "fbl@bounces.example.com",
                "FBL@bounces.example.com",
            ],
            address => Assert.True(_intake.IsOurs(Parse(address)), address));
        Assert.All(
            (string[])
            [
                $"{token}@example.com", "fbl@example.com", $"{foreign}@bounces.example.com", "b+@bounces.example.com",
                "b@bounces.example.com", "postmaster@bounces.example.com", $"{token}a@bounces.example.com",
            ],
            address => Assert.False(_intake.IsOurs(Parse(address)), address));
    }

    string Token() => _paths.For(_message, 3).Mailbox!.LocalPart;

    Task<ReportOutcome> TakeAsync(string localPart, string mail) => _intake.TakeAsync(
        Parse($"{localPart}@{Host.Ascii}"), MimeReader.Read(Encoding.UTF8.GetBytes(mail)), "192.0.2.1:25",
        TestContext.Current.CancellationToken);

    static Mailbox Parse(string address) => Mailbox.TryParse(address, out var mailbox) ? mailbox : throw new ArgumentException(address);

    static string InRepository(string path, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "../../..", path);

    string Sample(string name) =>
        File.ReadAllText(InRepository($"tests/Postrider.Mail.Tests/Reports/{name}.eml"))
            .ReplaceLineEndings("\n").Replace("b+token", Token(), StringComparison.Ordinal);

    static string Report(string recipients) => $"""
        From: MAILER-DAEMON@mail.example.org
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary=x

        --x
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mail.example.org

        {recipients}

        --x--

        """;
}
