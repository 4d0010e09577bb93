using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;

namespace Postrider.Mail.Dns;

/// <summary>The RDATA of one RR type.</summary>
public interface IDnsData<TSelf> where TSelf : class, IDnsData<TSelf>
{
    static abstract DnsType Type { get; }

    /// <summary>Reads the data; the caller checks that nothing is left over.</summary>
    static abstract bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out TSelf? data);

    void Write(ref DnsWriter writer);
}

/// <summary>RFC 1035 §3.4.1: four octets.</summary>
public sealed record AData(IPAddress Address) : IDnsData<AData>
{
    public static DnsType Type => DnsType.A;

    public static bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out AData? data)
    {
        data = reader.TryOctets(4, out var octets) ? new AData(new IPAddress(octets)) : null;
        return data is not null;
    }

    public void Write(ref DnsWriter writer) => writer.WriteOctets(Address.GetAddressBytes());
}

/// <summary>RFC 3596 §2.2: sixteen octets.</summary>
public sealed record AaaaData(IPAddress Address) : IDnsData<AaaaData>
{
    public static DnsType Type => DnsType.Aaaa;

    public static bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out AaaaData? data)
    {
        data = reader.TryOctets(16, out var octets) ? new AaaaData(new IPAddress(octets)) : null;
        return data is not null;
    }

    public void Write(ref DnsWriter writer) => writer.WriteOctets(Address.GetAddressBytes());
}

/// <summary>
/// RFC 1035 §3.3.9: <c>PREFERENCE EXCHANGE</c>. The lower preference is tried first; an exchange of <c>.</c> is RFC 7505's.
/// </summary>
public sealed record MxData(int Preference, DnsName Exchange) : IDnsData<MxData>
{
    public static DnsType Type => DnsType.MX;

    public static bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out MxData? data)
    {
        data = reader.TryUInt16(out var preference) && reader.TryName(out var exchange) ? new MxData(preference, exchange) : null;
        return data is not null;
    }

    public void Write(ref DnsWriter writer)
    {
        writer.WriteUInt16(Preference);
        writer.WriteName(Exchange);
    }
}

/// <summary>
/// RFC 1035 §3.3.14: character-strings, joined without a separator as DKIM, SPF and DMARC ask (RFC 6376 §3.6.2.2, RFC 7208 §3.3).
/// </summary>
/// <param name="Text">One character an octet (Latin-1), so nothing is lost; what is UTF-8 inside is the reader's to decode.</param>
public sealed record TxtData(string Text) : IDnsData<TxtData>
{
    const int MaxStringOctets = 255;

    public static DnsType Type => DnsType.Txt;

    /// <remarks>Laxer than the RFC, which asks for at least one string: none is read as an empty text.</remarks>
    public static bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out TxtData? data)
    {
        data = null;
        var text = new StringBuilder();
        while (reader.Remaining > 0)
        {
            if (!reader.TryCharacterString(out var octets))
                return false;
            text.Append(Encoding.Latin1.GetString(octets));
        }
        data = new TxtData(text.ToString());
        return true;
    }

    public void Write(ref DnsWriter writer)
    {
        ReadOnlySpan<byte> rest = Encoding.Latin1.GetBytes(Text);
        do
        {
            var length = Math.Min(rest.Length, MaxStringOctets);
            writer.WriteCharacterString(rest[..length]);
            rest = rest[length..];
        }
        while (!rest.IsEmpty);
    }
}

/// <summary>RFC 1035 §3.3.1.</summary>
public sealed record CnameData(DnsName Target) : IDnsData<CnameData>
{
    public static DnsType Type => DnsType.Cname;

    public static bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out CnameData? data)
    {
        data = reader.TryName(out var target) ? new CnameData(target) : null;
        return data is not null;
    }

    public void Write(ref DnsWriter writer) => writer.WriteName(Target);
}

/// <summary>RFC 1035 §3.3.12.</summary>
public sealed record PtrData(DnsName Target) : IDnsData<PtrData>
{
    public static DnsType Type => DnsType.Ptr;

    public static bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out PtrData? data)
    {
        data = reader.TryName(out var target) ? new PtrData(target) : null;
        return data is not null;
    }

    public void Write(ref DnsWriter writer) => writer.WriteName(Target);
}

/// <summary>RFC 1035 §3.3.13: <c>MNAME RNAME SERIAL REFRESH RETRY EXPIRE MINIMUM</c>.</summary>
/// <param name="Minimum">How long an absence may be believed, in seconds (RFC 2308 §4).</param>
public sealed record SoaData(DnsName Primary, DnsName Mailbox, uint Serial, uint Refresh, uint Retry, uint Expire, uint Minimum)
    : IDnsData<SoaData>
{
    public static DnsType Type => DnsType.Soa;

    public static bool TryRead(ref DnsReader reader, [NotNullWhen(true)] out SoaData? data)
    {
        data = null;
        if (!reader.TryName(out var primary) || !reader.TryName(out var mailbox) || !reader.TryUInt32(out var serial)
            || !reader.TryUInt32(out var refresh) || !reader.TryUInt32(out var retry)
            || !reader.TryUInt32(out var expire) || !reader.TryUInt32(out var minimum))
            return false;
        data = new SoaData(primary, mailbox, serial, refresh, retry, expire, minimum);
        return true;
    }

    public void Write(ref DnsWriter writer)
    {
        writer.WriteName(Primary);
        writer.WriteName(Mailbox);
        writer.WriteUInt32(Serial);
        writer.WriteUInt32(Refresh);
        writer.WriteUInt32(Retry);
        writer.WriteUInt32(Expire);
        writer.WriteUInt32(Minimum);
    }
}
