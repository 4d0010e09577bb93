using System.Globalization;
using System.Net;
using System.Text;
using Postrider.Mail.Smtp;
using Postrider.Mail.Smtp.Client;
using Postrider.Mail.Tests.Smtp.Server;
using Postrider.Testing;

namespace Postrider.Mail.Tests.Smtp.Client;

/// <summary>The client on real sockets: against Postfix's smtp-sink, and over TLS against our own server.</summary>
public sealed class RealPeerTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("-c")]                  // everything on
    [InlineData("-p")]                  // no PIPELINING
    [InlineData("-e")]                  // no EHLO at all
    [InlineData("-8")]                  // no 8BITMIME
    public async Task Delivers_to_smtp_sink_byte_for_byte(string mode)
    {
        var folder = Directory.CreateTempSubdirectory("postrider-sink-");
        try
        {
            var (sink, port) = await StartSinkAsync(mode, "-d", Path.Combine(folder.FullName, "m."));
            await using (sink)
            {
                var messages = Enumerable.Range(0, 20).Select(Body).ToArray();
                await using var session = await OpenAsync(port);
                foreach (var message in messages)
                {
                    var outcome = await Peer.SendAsync(session, Peer.Message(message), "b@example.net", "c@example.net");
                    Assert.Equal("accepted-250 accepted-250", Peer.Brief(outcome));
                }
                await session.QuitAsync(Cancel);

                var dumped = folder.GetFiles().Select(file => File.ReadAllText(file.FullName, Encoding.Latin1)).ToArray();
                Assert.Equal(messages.Length, dumped.Length);
                Assert.All(messages, message => Assert.Single(dumped, dump => dump.Contains(
                    message.ReplaceLineEndings("\n").TrimEnd('\n'), StringComparison.Ordinal)));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("-q", "MAIL", "silent-MailFrom")]           // closes
    [InlineData("-q", "DATA", "silent-Data")]
    [InlineData("-q", ".", "silent-EndOfData")]
    [InlineData("-r", "MAIL", "refused-MailFrom-450")]      // refuses for now
    [InlineData("-r", "RCPT", "refused-RcptTo-450")]
    [InlineData("-f", "RCPT", "refused-RcptTo-500")]        // refuses for good
    [InlineData("-f", "DATA", "refused-Data-500")]
    [InlineData("-f", ".", "refused-EndOfData-500")]
    [InlineData("-Q", "MAIL", "refused-MailFrom-421")]      // says 421 and closes
    [InlineData("-Q", "RCPT", "refused-RcptTo-421")]
    [InlineData("-Q", ".", "refused-EndOfData-421")]
    public async Task Tells_what_smtp_sink_does_to_it(string how, string command, string expected)
    {
        var (sink, port) = await StartSinkAsync(how, command);
        await using (sink)
        {
            await using var session = await OpenAsync(port);

            var outcome = await Peer.SendAsync(session);

            Assert.Equal(expected, Peer.Brief(outcome));
        }
    }

    [Fact]
    public async Task Sends_over_TLS_to_a_peer_with_a_certificate_of_its_own_making()
    {
        var receiver = new CapturingReceiver();
        using var certificate = SmtpHost.SelfSigned("mx.example");
        await using var host = await SmtpHost.StartAsync(receiver, new() { HostName = "mx.example", Certificate = certificate });
        await using var session = await OpenAsync(host.EndPoint.Port);

        var outcomes = new List<string>();
        for (var i = 0; i < 3; i++)
            outcomes.Add(Peer.Brief(await Peer.SendAsync(session, Peer.Message(Body(i)), "b@example.net", "550@example.net")));
        await session.QuitAsync(Cancel);

        Assert.Equal("TLSv1.3", session.Tls);
        Assert.Equal(["Greeting", "Ehlo", "StartTls", "Ehlo"], session.Opening.Select(entry => entry.Stage.ToString()));
        Assert.All(outcomes, outcome => Assert.Equal("accepted-250 refused-RcptTo-550", outcome));
        Assert.Equal([Body(0), Body(1), Body(2)], receiver.Messages.Select(message => message.Content));
        Assert.All(receiver.Messages, message => Assert.Equal("TLSv1.3", message.Peer.Tls));
    }

    [Fact]
    public async Task Refuses_a_certificate_that_it_was_told_to_verify()
    {
        using var certificate = SmtpHost.SelfSigned("mx.example");
        var receiver = new CapturingReceiver();
        await using var host = await SmtpHost.StartAsync(receiver, new() { HostName = "mx.example", Certificate = certificate });
        var options = new SmtpClientOptions { HostName = "client.example", VerifyCertificate = true };

        var outcome = await SmtpClientSession.ConnectAsync(
            new SmtpTarget("mx.example", host.EndPoint) { RequireTls = true }, options, TimeProvider.System, Cancel);

        Assert.Equal(SmtpStage.TlsHandshake, Assert.IsType<SmtpConnectOutcome.Failed>(outcome).Stage);
    }

    [Fact]
    public async Task Sends_a_large_message_through_small_socket_buffers()
    {
        var receiver = new CapturingReceiver();
        await using var host = await SmtpHost.StartAsync(receiver);
        await using var session = await OpenAsync(host.EndPoint.Port);
        var text = string.Concat(Enumerable.Repeat(".a line of a large attachment, again and again\r\n", 200_000));

        var outcome = await Peer.SendAsync(session, Peer.Message(text));

        Assert.Equal("accepted-250", Peer.Brief(outcome));
        Assert.True(text == receiver.Messages[0].Content);
    }

    static string Body(int i) => $"Subject: {i}\r\n\r\n.dot {i}\r\n..\r\n.\r\n{new string('x', 900)}\r\n"
        + $"{string.Concat(Enumerable.Repeat("line\r\n", i * 400))}end {i}\r\n";

    static async Task<SmtpClientSession> OpenAsync(int port)
    {
        var outcome = await SmtpClientSession.ConnectAsync(new SmtpTarget("mx.example", new IPEndPoint(IPAddress.Loopback, port)),
            new SmtpClientOptions { HostName = "client.example" }, TimeProvider.System, Cancel);
        return Assert.IsType<SmtpConnectOutcome.Connected>(outcome).Session;
    }

    static async Task<(ExternalProgram Sink, int Port)> StartSinkAsync(params string[] arguments)
    {
        var port = ExternalProgram.FreePort();
        string[] user = Environment.UserName == "root" ? ["-u", "root"] : [];       // it wants to be told
        var listen = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        var sink = ExternalProgram.Start("smtp-sink", [.. user, .. arguments, listen, "100"]);
        await sink.WaitForPortAsync(port, Cancel);
        return (sink, port);
    }
}
