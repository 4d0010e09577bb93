using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine.Delivery;

/// <summary>
/// What a worker sends at the moment, one after another: it can be aborted until its final dot, from where on only the answer tells.
/// </summary>
/// <remarks>
/// It stands between the message and the session: the dot is the session's next write after the message's last octet, and before that
/// octet's return it is decided, once, which of the two came first. Aborted, it is only good for disposing, and so is the session.
/// </remarks>
sealed class Transmission(CancellationToken stopping) : IOutgoingMessage, IAsyncDisposable
{
    readonly Lock _lock = new();
    readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    IOutgoingMessage _message = Nothing;
    Task? _aborting;
    bool _isPastDot;

    static SegmentedMessage Nothing { get; } = new();

    /// <summary>The node's last moment, or an abort.</summary>
    public CancellationToken Cancel => _stop.Token;

    public bool IsAborted
    {
        get
        {
            lock (_lock) return _aborting is not null;
        }
    }

    /// <summary>Before anybody else knows of it.</summary>
    public void Begin()
    {
        lock (_lock) (_message, _isPastDot) = (Nothing, false);
    }

    public IOutgoingMessage Of(IOutgoingMessage message)
    {
        _message = message;
        return this;
    }

    /// <summary>Does nothing behind the final dot. Does not wait: what it cuts off goes on elsewhere.</summary>
    public void Abort()
    {
        lock (_lock)
        {
            if (!_isPastDot)
                _aborting ??= _stop.CancelAsync();
        }
    }

    long IOutgoingMessage.Octets => _message.Octets;

    bool IOutgoingMessage.Is8Bit => _message.Is8Bit;

    bool IOutgoingMessage.NeedsSmtpUtf8 => _message.NeedsSmtpUtf8;

    async ValueTask IOutgoingMessage.WriteToAsync(IMessageSink sink, CancellationToken cancel)
    {
        await _message.WriteToAsync(sink, cancel);
        lock (_lock)
        {
            if (_aborting is not null)
                throw new OperationCanceledException(_stop.Token);
            _isPastDot = true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_aborting is { } aborting)
            await aborting;
        _stop.Dispose();
    }
}
