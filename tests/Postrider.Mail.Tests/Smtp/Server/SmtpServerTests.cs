using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Postrider.Testing;

namespace Postrider.Mail.Tests.Smtp.Server;

/// <summary>The server on a real socket, spoken to by programs that we did not write.</summary>
public sealed class SmtpServerTests
{
    readonly CapturingReceiver _receiver = new();

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Takes_mail_from_swaks()
    {
        await using var host = await SmtpHost.StartAsync(_receiver);

        var (exitCode, output) = await SwaksAsync(
            host, "--to", "b@example.net,\"quo ted\"@example.net", "--body", ".dot\n..dots\nend", "--pipeline");

        Assert.True(exitCode == 0, output);
        var message = Assert.Single(_receiver.Messages);
        Assert.Equal(["b@example.net", "\"quo ted\"@example.net"], message.Envelope.Recipients.Select(mailbox => mailbox.ToString()));
        Assert.Contains("\r\n\r\n.dot\r\n..dots\r\nend\r\n", message.Content, StringComparison.Ordinal);
        Assert.Equal(("client.example", true, null), (message.Peer.Name, message.Peer.Extended, message.Peer.Tls));
    }

    [Theory]
    [InlineData("tlsv1_2", "TLSv1.2")]
    [InlineData("tlsv1_3", "TLSv1.3")]
    public async Task Takes_mail_from_swaks_over_TLS(string protocol, string expected)
    {
        using var certificate = SmtpHost.SelfSigned("mx.example");
        await using var host = await SmtpHost.StartAsync(_receiver, new() { HostName = "mx.example", Certificate = certificate });

        var (exitCode, output) = await SwaksAsync(host, "--to", "b@example.net", "--tls", "--tls-protocol", protocol);

        Assert.True(exitCode == 0, output);
        Assert.Equal(expected, Assert.Single(_receiver.Messages).Peer.Tls);
    }

    [Fact]
    public async Task Tells_swaks_why_a_recipient_is_refused()
    {
        await using var host = await SmtpHost.StartAsync(_receiver);

        var (exitCode, output) = await SwaksAsync(host, "--to", "550@example.net");

        Assert.Equal(24, exitCode);     // swaks(1): no recipients were accepted
        Assert.Contains("550 5.1.1 as you wish", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_many_messages_from_smtp_source()
    {
        await using var host = await SmtpHost.StartAsync(_receiver);

        var (exitCode, output) = await ExternalProgram.RunAsync(
            "smtp-source",
            ["-s", "8", "-m", "400", "-l", "3000", "-r", "3", "-d", "-f", "a@example.org", "-t", "b@example.net",
                $"127.0.0.1:{host.EndPoint.Port}"],
            Cancel);

        Assert.True(exitCode == 0, output);
        Assert.Equal((400, 1200), (_receiver.Messages.Count, _receiver.Messages.Sum(message => message.Envelope.Recipients.Count)));
        Assert.All(_receiver.Messages, message => Assert.InRange(message.Content.Length, 3000, 4000));
    }

    [Theory]
    [InlineData("\n.\n")]
    [InlineData("\n.\r\n")]
    [InlineData("\r\n.\n")]
    [InlineData("\r.\r")]
    [InlineData("\r\n.\r")]
    public async Task Does_not_let_a_second_message_be_smuggled_in(string end)
    {
        await using var host = await SmtpHost.StartAsync(_receiver);

        var replies = await SayAsync(host, "EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
            + $"Subject: one\r\n\r\nx{end}MAIL FROM:<ceo@example.org>\r\n"
            + "RCPT TO:<b@example.net>\r\nDATA\r\nSubject: two\r\n\r\n.\r\nQUIT\r\n");

        Assert.Contains("\r\n550 5.6.0", replies, StringComparison.Ordinal);
        Assert.Empty(_receiver.Messages);
    }

    [Fact]
    public async Task Ends_a_session_that_says_more_behind_STARTTLS()
    {
        using var certificate = SmtpHost.SelfSigned("mx.example");
        await using var host = await SmtpHost.StartAsync(_receiver, new() { HostName = "mx.example", Certificate = certificate });

        var replies = await SayAsync(host, "EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil@example.org>\r\n");

        Assert.EndsWith("421 4.7.0 Commands in clear behind STARTTLS, closing\r\n", replies, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(null, 1)]
    public async Task Turns_away_who_comes_beyond_the_sessions_it_bears_until_one_has_ended(int? sessions, int? perAddress)
    {
        await using var host = await SmtpHost.StartAsync(
            _receiver, new() { HostName = "mx.example", MaxSessions = sessions, MaxSessionsPerAddress = perAddress });
        using var first = new TcpClient();
        await first.ConnectAsync(host.EndPoint, Cancel);
        using var reader = new StreamReader(first.GetStream(), Encoding.ASCII);
        var greeting = await reader.ReadLineAsync(Cancel);

        var second = await SayAsync(host, "");
        await first.GetStream().WriteAsync("QUIT\r\n"u8.ToArray(), Cancel);
        await reader.ReadToEndAsync(Cancel);
        var third = await SayUntilTakenAsync(host);

        Assert.StartsWith("220 ", greeting, StringComparison.Ordinal);
        Assert.Equal("421 4.7.0 Too many connections, try again\r\n", second);
        Assert.StartsWith("220 ", third, StringComparison.Ordinal);
    }

    /// <summary>The end of a session is seen by its peer a moment before it is counted.</summary>
    static async Task<string> SayUntilTakenAsync(SmtpHost host)
    {
        while (true)
        {
            var replies = await SayAsync(host, "QUIT\r\n");
            if (!replies.StartsWith("421", StringComparison.Ordinal))
                return replies;
        }
    }

    static async Task<string> SayAsync(SmtpHost host, string text)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host.EndPoint, Cancel);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), Cancel);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await reader.ReadToEndAsync(Cancel);
    }

    static Task<(int ExitCode, string Output)> SwaksAsync(SmtpHost host, params string[] arguments) => ExternalProgram.RunAsync(
        "swaks",
        ["--server", "127.0.0.1", "--port", host.EndPoint.Port.ToString(CultureInfo.InvariantCulture),
            "--ehlo", "client.example", "--from", "a@example.org", .. arguments],
        Cancel);
}
