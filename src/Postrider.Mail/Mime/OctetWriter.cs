using System.Buffers;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>Octets put one after the other into a pooled buffer that grows, with the column that folding needs to know.</summary>
sealed class OctetWriter(int capacity) : IBufferWriter<byte>, IDisposable
{
    byte[] _buffer = ArrayPool<byte>.Shared.Rent(capacity);
    int _lineStart;

    public int Length { get; private set; }

    /// <summary>Octets since the last line end.</summary>
    public int Column => Length - _lineStart;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public void Write(ReadOnlySpan<byte> octets)
    {
        octets.CopyTo(GetSpan(octets.Length));
        Length += octets.Length;
    }

    public void Write(byte octet)
    {
        GetSpan(1)[0] = octet;
        Length++;
    }

    /// <summary>Lone surrogates become U+FFFD.</summary>
    public void Write(ReadOnlySpan<char> text) =>
        Length += Encoding.UTF8.GetBytes(text, GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length)));

    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, Length);

    public void Clear() => (Length, _lineStart) = (0, 0);

    public void EndLine()
    {
        Write("\r\n"u8);
        _lineStart = Length;
    }

    /// <summary>Goes on in the next line of the same header field (RFC 5322 §2.2.3).</summary>
    public void Fold()
    {
        EndLine();
        Write((byte)' ');
    }

    /// <summary>A space, or a fold when <paramref name="octets"/> more would pass column 78 (RFC 5322 §2.1.1).</summary>
    public void SpaceOrFold(int octets)
    {
        if (Column + 1 + octets > 78)
            Fold();
        else
            Write((byte)' ');
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(Length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(Length);
    }

    public void Advance(int count) => Length += count;

    public byte[] ToArray() => Written.ToArray();

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    void Reserve(int octets)
    {
        octets = Math.Max(octets, 1);
        if (_buffer.Length - Length >= octets)
            return;

        var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(_buffer.Length * 2, Length + octets)));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
