using System.Net;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Smtp.Client;

/// <summary>
/// A session with one MX host (RFC 5321), opened by <see cref="ConnectAsync"/> and reused for one transaction after another.
/// </summary>
/// <remarks>
/// Owns its connection. What the peer or the network does comes back as a value, never as an exception; after a fault, a 421 or a
/// cancellation <see cref="CanReuse"/> is false and the session is only good for disposing. Not for two callers at a time.
/// </remarks>
public sealed class SmtpClientSession : IAsyncDisposable
{
    readonly SmtpWire _wire;
    readonly SmtpTimeouts _timeouts;
    bool _needsReset;

    internal SmtpClientSession(
        SmtpWire wire, SmtpTarget target, SmtpTimeouts timeouts, SmtpCapabilities capabilities,
        IReadOnlyList<TranscriptEntry> opening)
    {
        (_wire, _timeouts) = (wire, timeouts);
        Tls = wire.Tls is { } tls ? TlsNames.Of(tls.SslProtocol) : null;
        (Host, RemoteEndPoint, Capabilities, Opening) = (target.Host, target.EndPoint, capabilities, opening);
    }

    public string Host { get; }

    public IPEndPoint RemoteEndPoint { get; }

    public SmtpCapabilities Capabilities { get; }

    /// <summary>"TLSv1.2" or "TLSv1.3"; null in clear.</summary>
    public string? Tls { get; }

    /// <summary>The replies from the greeting to the last EHLO.</summary>
    public IReadOnlyList<TranscriptEntry> Opening { get; }

    /// <summary>Transactions begun on this session.</summary>
    public int Transactions { get; private set; }

    /// <summary>Whether another transaction may be tried; the peer may still have closed meanwhile.</summary>
    public bool CanReuse => _wire.Fault is null;

    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was cancelled.</exception>
    public static Task<SmtpConnectOutcome> ConnectAsync(
        SmtpTarget target, SmtpClientOptions options, TimeProvider time, CancellationToken cancel) =>
        new SmtpOpening(target, options, time).RunAsync(cancel);

    /// <summary>One transaction, MAIL to end-of-data. What the peer's limits already rule out is refused without asking it.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was cancelled; the peer may have taken the message if
    /// that was while its reply to the final dot was awaited.</exception>
    public async Task<SmtpTransactionOutcome> SendAsync(
        ReversePath from, IReadOnlyList<Mailbox> recipients, IOutgoingMessage message, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfZero(recipients.Count);
        var envelope = new SmtpEnvelope(from, recipients, message, Capabilities);
        if (envelope.Refusal is { } refusal)
            return Everyone(recipients.Count, new RecipientOutcome.Refused(SmtpStage.MailFrom, refusal));
        if (_wire.Fault is { } fault)
            return Everyone(recipients.Count, new RecipientOutcome.NoAnswer(SmtpStage.MailFrom, fault)) with { SessionWasStale = true };

        using var stop = _wire.StopOn(cancel);
        var transaction = new SmtpTransaction(_wire, envelope, _timeouts, _needsReset, reused: Transactions++ > 0);
        try
        {
            var outcome = await transaction.RunAsync(cancel);
            _needsReset = transaction.LeavesEnvelope;
            return outcome;
        }
        catch
        {
            _wire.Break("a transaction was left half done");
            throw;
        }
    }

    /// <summary>Says QUIT, waits a moment for the answer, closes.</summary>
    public async Task QuitAsync(CancellationToken cancel)
    {
        if (CanReuse)
        {
            using var stop = _wire.StopOn(cancel);
            await _wire.AppendAsync("QUIT\r\n", _timeouts.Quit);
            await _wire.FlushAsync(_timeouts.Quit);
            await _wire.ReadReplyAsync(_timeouts.Quit);
        }
        await DisposeAsync();
    }

    /// <summary>Closes without QUIT.</summary>
    public ValueTask DisposeAsync() => _wire.DisposeAsync();

    static SmtpTransactionOutcome Everyone(int recipients, RecipientOutcome outcome)
    {
        var outcomes = new RecipientOutcome[recipients];
        Array.Fill(outcomes, outcome);
        return new SmtpTransactionOutcome(outcomes, []);
    }
}
