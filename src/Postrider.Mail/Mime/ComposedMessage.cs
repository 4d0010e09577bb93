using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Postrider.Mail.Mime;

/// <summary>A message's octets. A DKIM-Signature field goes in front of them, and nothing else changes.</summary>
/// <remarks>
/// Small messages are one buffer. Of larger ones the attachments are encoded anew each time the body is read, so memory stays bounded.
/// </remarks>
public sealed class ComposedMessage
{
    /// <summary>Of an attachment at a time; a multiple of 57, which makes whole base64 lines.</summary>
    const int ChunkOctets = 57 * 512;

    readonly ReadOnlyMemory<byte> _buffer;
    readonly IReadOnlyList<EntityWriter.Hole> _holes;

    internal ComposedMessage(
        ReadOnlyMemory<byte> buffer, int headerOctets, IReadOnlyList<EntityWriter.Hole> holes, bool is8Bit, bool needsSmtpUtf8)
    {
        (_buffer, _holes, Is8Bit, NeedsSmtpUtf8) = (buffer, holes, is8Bit, needsSmtpUtf8);
        HeaderSection = buffer[..headerOctets];
        BodyOctets = buffer.Length - headerOctets - 2L;
        foreach (var hole in holes)
            BodyOctets += TextPart.Base64Octets(hole.Content.Octets);
    }

    /// <summary>All fields, each ending in CRLF, without the empty line after them.</summary>
    public ReadOnlyMemory<byte> HeaderSection { get; }

    public long BodyOctets { get; }

    /// <summary>For MAIL's SIZE (RFC 1870 §3): header section, empty line, body. A signature in front comes on top.</summary>
    public long Octets => HeaderSection.Length + 2 + BodyOctets;

    /// <summary>Whether <see cref="Body"/> and <see cref="Whole"/> can be had, which is so when nothing is to be streamed.</summary>
    public bool IsContiguous => _holes.Count == 0;

    /// <summary>Header section, empty line and body, when <see cref="IsContiguous"/>.</summary>
    public ReadOnlyMemory<byte> Whole =>
        IsContiguous ? _buffer : throw new InvalidOperationException($"This body is streamed: use {nameof(ReadBodyAsync)}.");

    /// <summary>What follows the empty line, when <see cref="IsContiguous"/>.</summary>
    public ReadOnlyMemory<byte> Body => Whole[(HeaderSection.Length + 2)..];

    /// <summary>The body holds octets over 127, so the peer must offer 8BITMIME (RFC 6152).</summary>
    public bool Is8Bit { get; }

    /// <summary>The header section holds UTF-8 addresses, so the peer must offer SMTPUTF8 (RFC 6531).</summary>
    public bool NeedsSmtpUtf8 { get; }

    /// <summary>The body in chunks, each good until the next is asked for. May be read any number of times.</summary>
    /// <exception cref="InvalidDataException">An attachment's stream is not as long as it was said to be.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadBodyAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var position = HeaderSection.Length + 2;
        foreach (var hole in _holes)
        {
            yield return _buffer[position..hole.Position];
            position = hole.Position;
            await foreach (var chunk in EncodeAsync(hole.Content, cancel))
                yield return chunk;
        }
        if (position < _buffer.Length)
            yield return _buffer[position..];
    }

    /// <summary>Writes the body as it is: no dot-stuffing, no empty line before it.</summary>
    public async Task WriteBodyAsync(PipeWriter writer, CancellationToken cancel)
    {
        await foreach (var chunk in ReadBodyAsync(cancel))
        {
            var flushed = await writer.WriteAsync(chunk, cancel);
            if (flushed.IsCompleted)
                break;      // nobody reads any more; who writes the rest of the message will see it too
        }
    }

    /// <inheritdoc cref="WriteBodyAsync(PipeWriter, CancellationToken)"/>
    public async Task WriteBodyAsync(Stream stream, CancellationToken cancel)
    {
        await foreach (var chunk in ReadBodyAsync(cancel))
            await stream.WriteAsync(chunk, cancel);
    }

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> EncodeAsync(
        AttachmentContent content, [EnumeratorCancellation] CancellationToken cancel)
    {
        var plain = ArrayPool<byte>.Shared.Rent(ChunkOctets);
        var encoded = new OctetWriter((int)TextPart.Base64Octets(ChunkOctets) + 128);
        try
        {
            await using var stream = content is AttachmentContent.Streamed streamed ? streamed.Open() : null;
            for (var left = content.Octets; left > 0;)
            {
                var take = (int)Math.Min(ChunkOctets, left);
                if (stream is not null
                    && await stream.ReadAtLeastAsync(plain.AsMemory(0, take), take, throwOnEndOfStream: false, cancel) < take)
                    throw new InvalidDataException($"An attachment ended {left} octets early, or less.");

                encoded.Clear();
                TextPart.WriteBase64(
                    encoded,
                    content is AttachmentContent.InMemory memory
                        ? memory.Content.Span.Slice((int)(content.Octets - left), take) : plain.AsSpan(0, take));
                left -= take;
                yield return encoded.WrittenMemory;
            }
            if (stream is not null && await stream.ReadAsync(plain.AsMemory(0, 1), cancel) > 0)
                throw new InvalidDataException("An attachment goes on past its length.");
        }
        finally
        {
            encoded.Dispose();
            ArrayPool<byte>.Shared.Return(plain);
        }
    }
}
