namespace Postrider.Mail.Smtp.Client;

/// <summary>A composed message: header section and body, CRLF line ends, not dot-stuffed.</summary>
public interface IOutgoingMessage
{
    /// <summary>As it will be sent, about: for SIZE= and the peer's limit.</summary>
    long Octets { get; }

    /// <summary>Octets above 127 in a body (RFC 6152).</summary>
    bool Is8Bit { get; }

    /// <summary>Octets above 127 in the header section (RFC 6531); those in the envelope are seen without being told.</summary>
    bool NeedsSmtpUtf8 { get; }

    /// <summary>Writes the whole message. An exception ends the session without the final dot, so the peer takes nothing.</summary>
    ValueTask WriteToAsync(IMessageSink sink, CancellationToken cancel);
}

/// <summary>Where a message writes itself. Pieces may be of any size; a peer that is gone swallows the rest in silence.</summary>
public interface IMessageSink
{
    ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel);
}

/// <summary>A message that is in memory, in one piece or several (a header section of its own and a body shared by many).</summary>
public sealed class SegmentedMessage(params IReadOnlyList<ReadOnlyMemory<byte>> segments) : IOutgoingMessage
{
    public long Octets { get; } = segments.Sum(segment => (long)segment.Length);

    public bool Is8Bit { get; init; }

    public bool NeedsSmtpUtf8 { get; init; }

    public async ValueTask WriteToAsync(IMessageSink sink, CancellationToken cancel)
    {
        for (var i = 0; i < segments.Count; i++)
            await sink.WriteAsync(segments[i], cancel);
    }
}
