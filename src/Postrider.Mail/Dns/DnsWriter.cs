using System.Buffers.Binary;

namespace Postrider.Mail.Dns;

/// <summary>
/// Writes one DNS message (RFC 1035 §4) into a buffer of the caller's; too small a buffer is the caller's fault and throws.
/// </summary>
/// <remarks>Names are not compressed: a query holds one name.</remarks>
public ref struct DnsWriter(Span<byte> buffer)
{
    const ushort ClassIn = 1;

    readonly Span<byte> _buffer = buffer;

    public int Position { get; private set; }

    public void WriteUInt16(int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[Position..], checked((ushort)value));
        Position += 2;
    }

    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer[Position..], value);
        Position += 4;
    }

    public void WriteOctets(scoped ReadOnlySpan<byte> octets)
    {
        octets.CopyTo(_buffer[Position..]);
        Position += octets.Length;
    }

    public void WriteCharacterString(scoped ReadOnlySpan<byte> octets)
    {
        _buffer[Position++] = checked((byte)octets.Length);
        WriteOctets(octets);
    }

    public void WriteName(DnsName name) => WriteOctets(name.Wire);

    public void WriteQuestion(DnsQuestion question)
    {
        WriteName(question.Name);
        WriteUInt16((int)question.Type);
        WriteUInt16(ClassIn);
    }

    public void WriteRecord<T>(DnsName owner, uint ttl, T data) where T : class, IDnsData<T>
    {
        WriteName(owner);
        WriteUInt16((int)T.Type);
        WriteUInt16(ClassIn);
        WriteUInt32(ttl);
        var length = Position;
        WriteUInt16(0);
        data.Write(ref this);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[length..], checked((ushort)(Position - length - 2)));
    }

    /// <summary>An OPT record that says how large a UDP answer may be (RFC 6891 §6.1.2).</summary>
    public void WriteOpt(ushort payloadOctets, byte extendedResponseCode = 0)
    {
        WriteName(DnsName.Root);
        WriteUInt16((int)DnsType.Opt);
        WriteUInt16(payloadOctets);
        WriteUInt32((uint)extendedResponseCode << 24);
        WriteUInt16(0);
    }
}
