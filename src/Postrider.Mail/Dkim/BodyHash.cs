using System.Security.Cryptography;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Dkim;

/// <summary>SHA-256 of a body in relaxed canonicalization (RFC 6376 §3.7): made once for a body, however many messages have it.</summary>
public readonly record struct BodyHash
{
    readonly ReadOnlyMemory<byte> _sha256;

    internal BodyHash(ReadOnlyMemory<byte> sha256) => _sha256 = sha256;

    public ReadOnlySpan<byte> Sha256 => _sha256.Span;

    /// <param name="body">Everything after the empty line, with CRLF line ends.</param>
    public static BodyHash Relaxed(ReadOnlySpan<byte> body)
    {
        var end = RelaxedBodyHasher.LengthWithoutTrailingLines(body);
        if (end + 2 <= body.Length && RelaxedBodyHasher.IsCanonical(body[..(end + 2)]))
            return new BodyHash(SHA256.HashData(end == 0 ? [] : body[..(end + 2)]));

        using var hasher = new RelaxedBodyHasher();
        hasher.Append(body);
        return hasher.Finish();
    }

    /// <summary>Of a composed message's body, streamed or not.</summary>
    public static async ValueTask<BodyHash> RelaxedAsync(ComposedMessage message, CancellationToken cancel)
    {
        if (message.IsContiguous)
            return Relaxed(message.Body.Span);

        using var hasher = new RelaxedBodyHasher();
        await foreach (var chunk in message.ReadBodyAsync(cancel))
            hasher.Append(chunk.Span);
        return hasher.Finish();
    }

    public bool Equals(BodyHash other) => Sha256.SequenceEqual(other.Sha256);

    public override int GetHashCode() => Sha256.IsEmpty ? 0 : BitConverter.ToInt32(Sha256);

    /// <summary>Base64, as in <c>bh=</c>.</summary>
    public override string ToString() => Convert.ToBase64String(Sha256);
}
