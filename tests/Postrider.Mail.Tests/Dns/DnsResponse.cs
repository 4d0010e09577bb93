using Postrider.Mail.Dns;

namespace Postrider.Mail.Tests.Dns;

/// <summary>Builds a response for the fake server, right or wrong.</summary>
sealed class DnsResponse(ushort id, DnsQuestion? question, DnsResponseCode code = DnsResponseCode.NoError)
{
    const ushort Response = 0x8000, Authoritative = 0x0400, Truncated = 0x0200, RecursionAvailable = 0x0080;

    delegate void Writing(ref DnsWriter writer);

    readonly List<byte[]> _answers = [], _authorities = [], _additionals = [];
    ushort _flags = Response | RecursionAvailable;

    public DnsResponse Answer<T>(string owner, T data, uint ttl = 300) where T : class, IDnsData<T> => Add(_answers, owner, data, ttl);

    public DnsResponse Authority<T>(string owner, T data, uint ttl = 300) where T : class, IDnsData<T> =>
        Add(_authorities, owner, data, ttl);

    public DnsResponse Soa(string zone, uint ttl = 300, uint minimum = 300) =>
        Authority(zone, new SoaData(Names.Name("ns.test"), Names.Name("root.test"), 1, 2, 3, 4, minimum), ttl);

    /// <summary>A delegation to a name server, as a server gives that does not ask others for us.</summary>
    public DnsResponse Referral(string zone)
    {
        _authorities.Add(Octets((ref writer) =>
        {
            writer.WriteName(Names.Name(zone));
            writer.WriteUInt16((int)DnsType.NS);
            writer.WriteUInt16(1);
            writer.WriteUInt32(300);
            writer.WriteUInt16(Names.Name("ns.test").Wire.Length);
            writer.WriteName(Names.Name("ns.test"));
        }));
        return this;
    }

    public DnsResponse Opt(byte extendedResponseCode)
    {
        _additionals.Add(Octets((ref writer) => writer.WriteOpt(1232, extendedResponseCode)));
        return this;
    }

    public DnsResponse AsTruncated()
    {
        _flags |= Truncated;
        return this;
    }

    public DnsResponse WithoutRecursion(bool authoritative)
    {
        _flags = (ushort)(Response | (authoritative ? Authoritative : 0));
        return this;
    }

    public byte[] ToOctets() => Octets((ref writer) =>
    {
        new DnsHeader(
            id, (ushort)(_flags | ((int)code & 0xF)), (ushort)(question is null ? 0 : 1),
            (ushort)_answers.Count, (ushort)_authorities.Count, (ushort)_additionals.Count).Write(ref writer);
        if (question is { } asked)
            writer.WriteQuestion(asked);
        foreach (var record in _answers.Concat(_authorities).Concat(_additionals))
            writer.WriteOctets(record);
    });

    DnsResponse Add<T>(List<byte[]> section, string owner, T data, uint ttl) where T : class, IDnsData<T>
    {
        section.Add(Octets((ref writer) => writer.WriteRecord(Names.Name(owner), ttl, data)));
        return this;
    }

    static byte[] Octets(Writing write)
    {
        var buffer = new byte[128 * 1024];
        var writer = new DnsWriter(buffer);
        write(ref writer);
        return buffer[..writer.Position];
    }
}
