using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Engine.Composing;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dns;
using Postrider.Mail.Smtp.Client;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Rig;

/// <summary>The whole engine over fakes of its ports: a store, a DNS and MX hosts in memory, and a clock that the test moves.</summary>
/// <remarks>Time-outs of SMTP go by the real clock, so that a test may let hours pass while a message is under way.</remarks>
sealed class EngineRig : IAsyncDisposable
{
    /// <summary>Long, so that a test that lets time pass does not outrun the renewals of a busy machine.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromMinutes(20);

    readonly MessageIntake _intake;
    bool _stopped;

    /// <param name="othersAreDead">False for a node among several.</param>
    public EngineRig(
        QueueOptions? queue = null, Func<DeliveryOptions, DeliveryOptions>? delivery = null, SmtpTimeouts? timeouts = null,
        Func<int>? nodes = null, bool othersAreDead = true)
    {
        Store = new MemoryStore(Watch);
        Zone = new Zone();
        Peer = new Peer(Zone, Watch);
        Ids = new IdGenerator(Time);
        Assert.True(Domain.TryParse("bounce.sender.example", out var returnHost));
        var options = new DeliveryOptions
        {
            HostName = "out.sender.example",
            ReturnPathDomain = returnHost,
            AllowPrivateTargets = true,
            Retry = new RetryOptions { Jitter = 0 },
        };
        options = delivery?.Invoke(options) ?? options;
        var random = new Random(1);
        var domains = new SenderDomains(Tenants, Time);
        var connector = new SmtpConnector(
            new SmtpClientOptions { HostName = options.HostName, Connector = Peer, UseTls = false, Timeouts = timeouts ?? new() },
            new BrokenTlsMemory(Time), TimeProvider.System);
        ReturnPaths = new ReturnPaths(Sender.Secrets, returnHost);
        Engine = new MailEngine(
            new EngineParts(
                Store, Store, Store, domains, new DkimKeys(Sender.Secrets), ReturnPaths,
                new MxLookup(Zone, new Random(2), new MxLookupOptions()),
                connector, Ids, othersAreDead) { Control = Store, Attempts = Attempts, LiveNodes = nodes ?? (() => 1) },
            options, queue ?? new QueueOptions { Lease = Lease }, random, Time, NullLogger<MailEngine>.Instance);
        Control = new MessageControl(Store, Attempts, Others, Engine, Ids, Time, new ControlOptions());
        _intake = new MessageIntake(Store, domains, Store, Engine, Ids, Time, new IntakeOptions());
    }

    public Watch Watch { get; } = new();

    public OtherNodes Others { get; } = new();

    public ManualTime Time { get; } = new();

    public MemoryStore Store { get; }

    public MemoryTenants Tenants { get; } = Sender.Tenants();

    public Zone Zone { get; }

    public Peer Peer { get; }

    public IdGenerator Ids { get; }

    public ReturnPaths ReturnPaths { get; }

    public MailEngine Engine { get; }

    public RunningAttempts Attempts { get; } = new();

    public MessageControl Control { get; }

    public Task<ControlOutcome> CancelAsync(MessageId id) => Control.CancelAsync(Sender.Tenant, id, CancellationToken.None);

    public Task<ControlOutcome> RetryAsync(MessageId id) => Control.RetryAsync(Sender.Tenant, id, CancellationToken.None);

    public Task<ControlOutcome> FailAsync(MessageId id) => Control.FailAsync(Sender.Tenant, id, null, CancellationToken.None);

    public static async Task<EngineRig> StartAsync(
        QueueOptions? queue = null, Func<DeliveryOptions, DeliveryOptions>? delivery = null, SmtpTimeouts? timeouts = null,
        Func<int>? nodes = null)
    {
        var rig = new EngineRig(queue, delivery, timeouts, nodes);
        await rig.Engine.StartAsync(CancellationToken.None);
        return rig;
    }

    public Task<MessageId> SubmitAsync(params string[] recipients) => SubmitAsync(Sender.Tenant, recipients);

    public async Task<MessageId> SubmitAsync(TenantId tenant, params string[] recipients) =>
        (await SubmitManyAsync(tenant, [recipients]))[0];

    public async Task<MessageId> SubmitAsync(MessageSettings settings, params string[] recipients) =>
        (await SubmitManyAsync(Sender.Tenant, [recipients], settings))[0];

    /// <summary>One request with a message for each of <paramref name="messages"/>.</summary>
    public async Task<IReadOnlyList<MessageId>> SubmitManyAsync(
        TenantId tenant, IEnumerable<string[]> messages, MessageSettings? settings = null, DateTimeOffset? sendAt = null)
    {
        var outcome = await SubmitDraftAsync(tenant, messages, settings, sendAt);
        return Assert.IsType<SubmitOutcome.Accepted>(outcome).Messages;
    }

    public Task<SubmitOutcome> TrySubmitAsync(MessageSettings settings, params string[] recipients) =>
        SubmitDraftAsync(Sender.Tenant, [recipients], settings, null);

    Task<SubmitOutcome> SubmitDraftAsync(TenantId tenant, IEnumerable<string[]> messages, MessageSettings? settings, DateTimeOffset? sendAt)
    {
        var body = Sender.Body("Hello.\r\n");
        return _intake.SubmitAsync(
            new Draft
            {
                Tenant = tenant,
                Messages = [.. messages.Select(recipients => new MessageDraft
                {
                    From = Sender.From,
                    Recipients = [.. recipients.Select(recipient => new RecipientDraft(RecipientKind.To, Sender.Named(recipient)))],
                    Subject = "Hello",
                    Body = body,
                    Settings = settings ?? MessageSettings.None,
                    SendAt = sendAt,
                })],
            },
            CancellationToken.None);
    }

    public Task UntilStatusAsync(MessageId id, MessageStatus status) =>
        Watch.UntilAsync(() => Store.StatusOf(id) == status, $"{id} is {status}");

    public Task UntilWaitingAsync(MessageId id) => Watch.UntilAsync(() => Store.IsWaitingAgain(id), $"{id} waits to be tried again");

    public Task UntilNothingIsLeasedAsync() => Watch.PollAsync(() => Engine.Leased == 0, "nothing is leased");

    /// <summary>Lets time pass, a bit at a time, until something holds.</summary>
    public Task PassTimeUntilAsync(Func<bool> holds, string what, TimeSpan? step = null, TimeSpan? failSafe = null) =>
        Watch.PollAsync(holds, what, () => Time.Advance(step ?? TimeSpan.FromSeconds(2)), failSafe);

    public async Task StopAsync()
    {
        _stopped = true;
        await Engine.StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopped)
        {
            Store.FaultAt = _ => Fault.None;
            var stopping = Engine.StopAsync(CancellationToken.None);
            await Watch.PollAsync(() => stopping.IsCompleted, "the engine stops", () => Time.Advance(TimeSpan.FromSeconds(1)));
            await stopping;
        }
        await Engine.DisposeAsync();
    }
}
