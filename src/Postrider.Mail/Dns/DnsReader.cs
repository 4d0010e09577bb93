using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Dns;

/// <summary>A cursor over one DNS message (RFC 1035 §4). Each method reads what it names and returns true, or moves nothing.</summary>
public ref struct DnsReader
{
    const int ClassIn = 1;    // RFC 1035 §3.2.4

    readonly ReadOnlySpan<byte> _message;

    public DnsReader(ReadOnlySpan<byte> message)
    {
        _message = message;
        End = message.Length;
    }

    public int Position { get; private set; }

    /// <summary>Where reading stops: the end of the message, or of one record's data.</summary>
    public int End { get; private init; }

    public readonly int Remaining => End - Position;

    public bool TryUInt16(out ushort value)
    {
        value = 0;
        if (Remaining < 2)
            return false;
        value = BinaryPrimitives.ReadUInt16BigEndian(_message[Position..]);
        Position += 2;
        return true;
    }

    public bool TryUInt32(out uint value)
    {
        value = 0;
        if (Remaining < 4)
            return false;
        value = BinaryPrimitives.ReadUInt32BigEndian(_message[Position..]);
        Position += 4;
        return true;
    }

    public bool TryOctets(int count, out ReadOnlySpan<byte> octets)
    {
        octets = default;
        if (count < 0 || Remaining < count)
            return false;
        octets = _message.Slice(Position, count);
        Position += count;
        return true;
    }

    /// <summary>RFC 1035 §3.3: <c>character-string</c>, one length octet and that many octets.</summary>
    public bool TryCharacterString(out ReadOnlySpan<byte> octets)
    {
        octets = default;
        if (Remaining < 1 || Remaining < 1 + _message[Position])
            return false;
        octets = _message.Slice(Position + 1, _message[Position]);
        Position += 1 + octets.Length;
        return true;
    }

    public bool TryName([NotNullWhen(true)] out DnsName? name)
    {
        if (!DnsName.TryRead(_message[..End], Position, out name, out var consumed))
            return false;
        Position += consumed;
        return true;
    }

    /// <summary>RFC 1035 §4.1.2: <c>QNAME QTYPE QCLASS</c>. Another class than IN is not read.</summary>
    public bool TryQuestion(out DnsQuestion question)
    {
        question = default;
        var ahead = this;
        if (!ahead.TryName(out var name) || !ahead.TryUInt16(out var type) || !ahead.TryUInt16(out var @class) || @class != ClassIn)
            return false;
        question = new DnsQuestion(name, (DnsType)type);
        this = ahead;
        return true;
    }

    /// <summary>
    /// RFC 1035 §4.1.3: <c>NAME TYPE CLASS TTL RDLENGTH RDATA</c>. The data is passed over; <see cref="Data"/> goes back to it.
    /// </summary>
    public bool TryRecord(out DnsRecord record)
    {
        record = default;
        var ahead = this;
        if (!ahead.TryName(out var name) || !ahead.TryUInt16(out var type) || !ahead.TryUInt16(out var @class)
            || !ahead.TryUInt32(out var ttl) || !ahead.TryUInt16(out var length))
            return false;
        var start = ahead.Position;
        if (!ahead.TryOctets(length, out _))
            return false;
        record = new DnsRecord(name, (DnsType)type, @class, ttl, start, length);
        this = ahead;
        return true;
    }

    /// <summary>A cursor over a record's data, which can end nowhere else; names in it may still point back into the message.</summary>
    public readonly DnsReader Data(DnsRecord record) =>
        new(_message) { Position = record.DataStart, End = record.DataStart + record.DataLength };

    /// <returns>False when the data is not exactly one <typeparamref name="T"/>.</returns>
    public readonly bool TryData<T>(DnsRecord record, [NotNullWhen(true)] out T? data) where T : class, IDnsData<T>
    {
        var reader = Data(record);
        return T.TryRead(ref reader, out data) && reader.Remaining == 0;
    }
}

/// <summary>A resource record of a message, its data not yet read.</summary>
/// <param name="Class">1 is IN; an OPT record has the sender's UDP payload size here (RFC 6891 §6.1.2).</param>
public readonly record struct DnsRecord(DnsName Owner, DnsType Type, ushort Class, uint RawTtl, int DataStart, int DataLength)
{
    public bool IsInternet => Class == 1;

    /// <summary>RFC 2181 §8: a TTL with the highest bit set is zero.</summary>
    public TimeSpan Ttl => TimeSpan.FromSeconds(RawTtl > int.MaxValue ? 0 : RawTtl);
}
