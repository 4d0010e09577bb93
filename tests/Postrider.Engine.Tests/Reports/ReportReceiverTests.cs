using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Reports;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp.Server;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Reports;

/// <summary>What a reporting host is answered, and that 250 is never said too early.</summary>
public sealed class ReportReceiverTests
{
    const string Report = "X-Failed-Recipients: ada@remote.test\r\n\r\nIt failed.\r\n";

    static readonly Domain Host = Sender.Named("x@bounces.example.com").Mailbox.Domain;
    static readonly SmtpPeer Peer = new(new IPEndPoint(IPAddress.Loopback, 2_525), "mx.remote.test", Extended: true, Tls: null);

    readonly ReturnPaths _paths = new(Sender.Secrets, Host);
    readonly ReportRecorder _store = new();
    readonly ReportReceiver _receiver;
    readonly Mailbox[] _addresses;

    public ReportReceiverTests()
    {
        var ids = new IdGenerator(new ManualTime());
        _addresses = [.. Enumerable.Range(0, 3).Select(_ => _paths.For(new MessageId(ids.Next()), 0).Mailbox!)];
        _receiver = new ReportReceiver(new ReportIntake(
            _store, _store, _paths, BounceRules.BuiltIn, Host, new ManualTime(), NullLogger<ReportIntake>.Instance));
    }

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Says_250_when_the_store_has_it_and_451_when_the_store_is_away()
    {
        Assert.Equal(250, await SendAsync(Report, _addresses[0]));
        Assert.Single(_store.Reports);

        _store.Result = null;

        Assert.Equal(451, await SendAsync(Report, _addresses[0]));
    }

    [Fact]
    public async Task Asks_for_all_of_it_again_when_one_of_several_could_not_be_recorded()
    {
        _store.Refused = 1;

        Assert.Equal(451, await SendAsync(Report, _addresses));
        Assert.Equal(3, _store.Reports.Count);
    }

    [Fact]
    public async Task Reads_the_beginning_of_a_message_of_any_size()
    {
        Assert.Equal(250, await SendAsync(Report + new string('x', 3_000_000), _addresses[0]));
        Assert.Equal(250, await SendAsync(string.Concat(Enumerable.Repeat("X-Other: y\r\n", 60_000)) + Report, _addresses[0]));

        Assert.Single(_store.Reports);
    }

    [Fact]
    public async Task Refuses_every_address_that_is_not_its_own_whoever_sends()
    {
        foreach (var from in (ReversePath[])[ReversePath.Null, new(Sender.From.Mailbox)])
        {
            Assert.Null(await _receiver.CheckSenderAsync(Peer, from, Cancel));
            Assert.Null(await _receiver.CheckRecipientAsync(Peer, from, _addresses[0], Cancel));
            var refusal = await _receiver.CheckRecipientAsync(Peer, from, Sender.From.Mailbox, Cancel);
            Assert.Equal((550, "5.1.1"), (refusal!.Code, refusal.Enhanced.ToString()));
        }
    }

    /// <returns>The code of the reply to the final dot.</returns>
    async Task<int> SendAsync(string mail, params Mailbox[] to)
    {
        await using var incoming = await _receiver.BeginAsync(Peer, new IncomingEnvelope(ReversePath.Null, to, null, false, false), Cancel);
        foreach (var part in Encoding.ASCII.GetBytes(mail).Chunk(4_096))
            await incoming.WriteAsync(part, Cancel);
        return (await incoming.CommitAsync(Cancel)).Code;
    }
}
