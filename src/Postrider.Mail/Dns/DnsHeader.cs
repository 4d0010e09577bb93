namespace Postrider.Mail.Dns;

/// <summary>RCODEs: RFC 1035 §4.1.1; those from 16 on need an OPT record (RFC 6891 §6.1.3).</summary>
public enum DnsResponseCode
{
    NoError = 0,
    FormErr = 1,
    ServFail = 2,
    NXDomain = 3,
    NotImp = 4,
    Refused = 5,
    BadVers = 16,
}

/// <summary>RFC 1035 §4.1.1. The four counts are claims: whoever reads sections stops where the octets do.</summary>
public readonly record struct DnsHeader(ushort Id, ushort Flags, ushort Questions, ushort Answers, ushort Authorities, ushort Additionals)
{
    public const int Octets = 12;

    const ushort ResponseFlag = 0x8000, AuthoritativeFlag = 0x0400, TruncatedFlag = 0x0200, RecursionDesiredFlag = 0x0100;
    const ushort RecursionAvailableFlag = 0x0080, OpcodeMask = 0x7800, ResponseCodeMask = 0x000F;

    public bool IsResponse => (Flags & ResponseFlag) != 0;

    public bool IsStandardQuery => (Flags & OpcodeMask) == 0;

    public bool IsAuthoritative => (Flags & AuthoritativeFlag) != 0;

    /// <summary>TC: the rest is to be had over TCP (RFC 2181 §9).</summary>
    public bool IsTruncated => (Flags & TruncatedFlag) != 0;

    public bool IsRecursionAvailable => (Flags & RecursionAvailableFlag) != 0;

    /// <summary>The lower four bits; an OPT record may hold eight more.</summary>
    public DnsResponseCode ResponseCode => (DnsResponseCode)(Flags & ResponseCodeMask);

    /// <summary>One question, recursion desired.</summary>
    public static DnsHeader ForQuery(ushort id, bool withEdns) => new(id, RecursionDesiredFlag, 1, 0, 0, (ushort)(withEdns ? 1 : 0));

    public static bool TryRead(ref DnsReader reader, out DnsHeader header)
    {
        header = default;
        if (!reader.TryUInt16(out var id) || !reader.TryUInt16(out var flags)
            || !reader.TryUInt16(out var questions) || !reader.TryUInt16(out var answers)
            || !reader.TryUInt16(out var authorities) || !reader.TryUInt16(out var additionals))
            return false;
        header = new DnsHeader(id, flags, questions, answers, authorities, additionals);
        return true;
    }

    public void Write(ref DnsWriter writer)
    {
        writer.WriteUInt16(Id);
        writer.WriteUInt16(Flags);
        writer.WriteUInt16(Questions);
        writer.WriteUInt16(Answers);
        writer.WriteUInt16(Authorities);
        writer.WriteUInt16(Additionals);
    }
}
