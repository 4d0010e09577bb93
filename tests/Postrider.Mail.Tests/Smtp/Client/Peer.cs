using System.Net;
using System.Text;
using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp.Client;
using Postrider.Testing;

namespace Postrider.Mail.Tests.Smtp.Client;

/// <summary>Words shared by the tests of the client.</summary>
static class Peer
{
    public static readonly SmtpTarget Target = new("mx.example.net", new IPEndPoint(IPAddress.Loopback, 25));

    public static readonly Exchange Greeting = new("", "220 mx.example.net ESMTP\r\n");
    public static readonly Exchange Pipelining = new("EHLO client.example", "250-mx.example.net\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n");
    public static readonly Exchange Plain = new("EHLO client.example", "250-mx.example.net\r\n250 SIZE 1000000\r\n");
    public static readonly Exchange MailFrom = new("MAIL FROM:<", "250 2.1.0 Ok\r\n");
    public static readonly Exchange Rcpt = new("RCPT TO:<", "250 2.1.5 Ok\r\n");
    public static readonly Exchange Data = new("DATA", "354 End data with <CR><LF>.<CR><LF>\r\n");
    public static readonly Exchange Dot = new(".", "250 2.0.0 Ok: queued as 4F3\r\n");
    public static readonly Exchange Reset = new("RSET", "250 2.0.0 Ok\r\n");

    public static SmtpClientOptions Options(IConnector connector) => new() { HostName = "client.example", Connector = connector };

    public static Exchange Ehlo(bool pipelining) => pipelining ? Pipelining : Plain;

    public static async Task<SmtpClientSession> ConnectAsync(ReplayStream peer, TimeProvider? time = null)
    {
        var outcome = await SmtpClientSession.ConnectAsync(
            Target, Options(peer), time ?? new ManualTime(), TestContext.Current.CancellationToken);
        return Assert.IsType<SmtpConnectOutcome.Connected>(outcome).Session;
    }

    public static Mailbox Mailbox(string text) =>
        Postrider.Mail.Addresses.Mailbox.TryParse(text, out var mailbox) ? mailbox : throw new FormatException(text);

    public static SegmentedMessage Message(string text = "Subject: hello\r\n\r\nHello.\r\n") => new(Encoding.Latin1.GetBytes(text));

    public static Task<SmtpTransactionOutcome> SendAsync(SmtpClientSession session, params string[] recipients) =>
        SendAsync(session, Message(), recipients);

    public static Task<SmtpTransactionOutcome> SendAsync(SmtpClientSession session, IOutgoingMessage message, params string[] recipients)
    {
        var to = recipients is [] ? ["b@example.net"] : recipients;
        return session.SendAsync(
            new ReversePath(Mailbox("a@example.org")), [.. to.Select(Mailbox)], message, TestContext.Current.CancellationToken);
    }

    /// <summary>One word a recipient: how it ended, where, and the code.</summary>
    public static string Brief(SmtpTransactionOutcome outcome) => string.Join(' ', outcome.Recipients.Select(recipient => recipient switch
    {
        RecipientOutcome.Accepted accepted => $"accepted-{accepted.Reply.Code}",
        RecipientOutcome.Refused refused => $"refused-{refused.Stage}-{refused.Reply.Code}",
        RecipientOutcome.NoAnswer silent => $"silent-{silent.Stage}",
        _ => throw new InvalidOperationException(),
    }));
}
