using System.Buffers;
using System.IO.Compression;

namespace Postrider.Engine.Messages;

/// <summary>How a chunk is stored; the numbers are in the stores' rows.</summary>
public enum ContentCodec
{
    None = 0,
    Brotli = 1,
}

/// <summary>
/// A content as every store keeps it, and so as it moves from one to another: chunks of 256 KiB, each compressed on its own, so that one
/// can be read without the others.
/// </summary>
public static class ContentEncoding
{
    public const int ChunkOctets = 256 << 10;

    /// <summary>Below this a compressed body saves less than a page.</summary>
    public const int WorthCompressing = 4 << 10;

    /// <summary>Brotli's fastest but one: most of the gain at a tenth of the default's cost.</summary>
    const int Quality = 1;
    const int WindowBits = 18;    // 256 KiB: a chunk

    public readonly record struct Chunk(int Octets, ContentCodec Codec, ReadOnlyMemory<byte> Data);

    public static Chunk[] Encode(ReadOnlyMemory<byte> content)
    {
        var chunks = new Chunk[Math.Max(1, (content.Length + ChunkOctets - 1) / ChunkOctets)];
        for (var i = 0; i < chunks.Length; i++)
        {
            var from = i * ChunkOctets;
            chunks[i] = EncodeChunk(content.Slice(from, Math.Min(ChunkOctets, content.Length - from)));
        }
        return chunks;
    }

    public static byte[] Decode(int octets, ContentCodec codec, ReadOnlySpan<byte> data)
    {
        if (codec == ContentCodec.None)
            return data.ToArray();
        var content = new byte[octets];
        return BrotliDecoder.TryDecompress(data, content, out var written) && written == octets
            ? content
            : throw new InvalidDataException("A stored content does not decompress.");
    }

    /// <summary>Compressed when that saves an eighth; images and archives do not.</summary>
    static Chunk EncodeChunk(ReadOnlyMemory<byte> plain)
    {
        if (plain.Length < WorthCompressing)
            return new Chunk(plain.Length, ContentCodec.None, plain);
        var limit = plain.Length - (plain.Length / 8);
        var buffer = ArrayPool<byte>.Shared.Rent(limit);
        try
        {
            return BrotliEncoder.TryCompress(plain.Span, buffer.AsSpan(0, limit), out var written, Quality, WindowBits)
                ? new Chunk(plain.Length, ContentCodec.Brotli, buffer.AsSpan(0, written).ToArray())
                : new Chunk(plain.Length, ContentCodec.None, plain);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
