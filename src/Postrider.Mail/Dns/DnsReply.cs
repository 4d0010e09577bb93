namespace Postrider.Mail.Dns;

/// <summary>What one message from one server says to one question.</summary>
public abstract record DnsReply<T> where T : class, IDnsData<T>
{
    DnsReply()
    {
    }

    public sealed record Records(IReadOnlyList<T> Data, TimeSpan Ttl) : DnsReply<T>;

    /// <summary>The name is an alias, and what is at its end must be asked for.</summary>
    /// <param name="Links">CNAMEs passed on the way.</param>
    public sealed record Alias(DnsName Target, int Links, TimeSpan Ttl) : DnsReply<T>;

    /// <param name="Ttl">How long to believe it (RFC 2308 §5); zero without a SOA record.</param>
    public sealed record NoData(TimeSpan Ttl) : DnsReply<T>;

    /// <param name="Ttl">How long to believe it (RFC 2308 §5); zero without a SOA record.</param>
    public sealed record NoSuchDomain(TimeSpan Ttl) : DnsReply<T>;

    /// <summary>To be asked for again over TCP.</summary>
    public sealed record Truncated : DnsReply<T>;

    /// <summary>The server may not know EDNS: to be asked again without (RFC 6891 §7).</summary>
    public sealed record NotUnderstood(DnsResponseCode ResponseCode) : DnsReply<T>;

    public sealed record Failed(string Detail) : DnsReply<T>;
}

/// <summary>Reads a reply's meaning: RFC 1035 §4, RFC 2308 for what is absent, RFC 6604 for the RCODE after a CNAME chain.</summary>
static class DnsReplies
{
    /// <summary>More links than any honest chain has; the number is a guess (others allow 8 to 16).</summary>
    public const int MaxLinks = 8;

    /// <summary>
    /// How many records of one answer are kept. A guess: no mail site needs more, and a cache must not hold a stranger's thousands.
    /// </summary>
    public const int MaxRecords = 100;

    static readonly TimeSpan Longest = TimeSpan.FromSeconds(int.MaxValue);

    /// <param name="message">One for which <see cref="DnsQuery.IsAnsweredBy"/> is true.</param>
    public static DnsReply<T> Read<T>(ReadOnlySpan<byte> message, DnsName name) where T : class, IDnsData<T>
    {
        var reader = new DnsReader(message);
        if (!DnsHeader.TryRead(ref reader, out var header))
            return Malformed<T>();
        if (header.IsTruncated)
            return new DnsReply<T>.Truncated();
        if (!DnsSections.TryRead(ref reader, header, out var sections))
            return header.ResponseCode is DnsResponseCode.NoError or DnsResponseCode.NXDomain
                ? Malformed<T>()
                : new DnsReply<T>.Failed($"the server answered {header.ResponseCode}");

        var code = sections.ResponseCode;
        switch (code)
        {
            case DnsResponseCode.NoError or DnsResponseCode.NXDomain:
                break;
            case DnsResponseCode.FormErr or DnsResponseCode.NotImp or DnsResponseCode.BadVers:
                return new DnsReply<T>.NotUnderstood(code);
            default:
                return new DnsReply<T>.Failed($"the server answered {code.ToString().ToUpperInvariant()}");
        }

        var (end, links, ttl) = sections.FollowAliases(reader, name, T.Type);
        if (links > MaxLinks)
            return TooManyLinks<T>();

        var found = new List<T>();
        foreach (var record in sections.Answers)
        {
            if (record.Type != T.Type || !record.IsInternet || !record.Owner.Equals(end))
                continue;
            if (!reader.TryData<T>(record, out var data))
                return Malformed<T>();
            ttl = Shorter(ttl, record.Ttl);
            if (found.Count < MaxRecords)
                found.Add(data);
        }

        if (found.Count > 0)
            return new DnsReply<T>.Records(found, ttl);

        var hasSoa = sections.TryNegativeTtl(reader, end, out var negativeTtl);
        // One that neither owns the name nor asks others for us cannot know that something is absent (a lame or a closed server).
        if (!hasSoa && !header.IsAuthoritative && !header.IsRecursionAvailable)
            return new DnsReply<T>.Failed("the server does not answer for this name");
        if (code == DnsResponseCode.NXDomain)
            return new DnsReply<T>.NoSuchDomain(Shorter(ttl, negativeTtl));
        if (hasSoa)
            return new DnsReply<T>.NoData(Shorter(ttl, negativeTtl));
        if (links > 0)
            return new DnsReply<T>.Alias(end, links, ttl);
        return sections.IsReferral
            ? new DnsReply<T>.Failed("the server only refers to others")    // RFC 2308 §2.2: not a NODATA
            : new DnsReply<T>.NoData(TimeSpan.Zero);
    }

    public static DnsReply<T> TooManyLinks<T>() where T : class, IDnsData<T> =>
        new DnsReply<T>.Failed($"the CNAME chain is longer than {MaxLinks}, or a loop");

    public static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    static DnsReply<T> Malformed<T>() where T : class, IDnsData<T> => new DnsReply<T>.Failed("the answer is malformed");

    /// <summary>The records of a message, in memory that grows with its octets and not with its counts.</summary>
    readonly record struct DnsSections(List<DnsRecord> Answers, List<DnsRecord> Authorities, DnsResponseCode ResponseCode)
    {
        public bool IsReferral => Authorities.Exists(record => record.Type == DnsType.NS);

        public static bool TryRead(ref DnsReader reader, DnsHeader header, out DnsSections sections)
        {
            sections = default;
            for (var i = 0; i < header.Questions; i++)
            {
                if (!reader.TryQuestion(out _))
                    return false;
            }

            var (answers, authorities, additionals) = (new List<DnsRecord>(), new List<DnsRecord>(), new List<DnsRecord>());
            if (!TryReadSection(ref reader, header.Answers, answers)
                || !TryReadSection(ref reader, header.Authorities, authorities)
                || !TryReadSection(ref reader, header.Additionals, additionals))
                return false;

            var code = (int)header.ResponseCode;
            foreach (var record in additionals)
            {
                if (record.Type == DnsType.Opt)
                    code |= (int)(record.RawTtl >> 24) << 4;    // RFC 6891 §6.1.3: EXTENDED-RCODE is the first octet of the TTL
            }

            sections = new DnsSections(answers, authorities, (DnsResponseCode)code);
            return true;
        }

        static bool TryReadSection(ref DnsReader reader, int claimed, List<DnsRecord> records)
        {
            for (var i = 0; i < claimed; i++)
            {
                if (!reader.TryRecord(out var record))
                    return false;
                records.Add(record);
            }
            return true;
        }

        /// <summary>
        /// Links may come in any order (RFC 1034 §4.3.2 says only that they are there), so each is looked for from the start.
        /// </summary>
        public (DnsName End, int Links, TimeSpan Ttl) FollowAliases(DnsReader reader, DnsName name, DnsType type)
        {
            var (end, links, ttl) = (name, 0, Longest);
            while (links <= MaxLinks && type != DnsType.Cname && TryLink(reader, end, out var target, out var linkTtl))
                (end, links, ttl) = (target, links + 1, Shorter(ttl, linkTtl));
            return (end, links, ttl);
        }

        bool TryLink(DnsReader reader, DnsName owner, out DnsName target, out TimeSpan ttl)
        {
            foreach (var record in Answers)
            {
                if (record.Type == DnsType.Cname && record.IsInternet && record.Owner.Equals(owner)
                    && reader.TryData<CnameData>(record, out var data))
                {
                    (target, ttl) = (data.Target, record.Ttl);
                    return true;
                }
            }
            (target, ttl) = (owner, default);
            return false;
        }

        /// <summary>RFC 2308 §5: the lesser of the SOA's MINIMUM and its own TTL, of a zone that holds the name.</summary>
        public bool TryNegativeTtl(DnsReader reader, DnsName name, out TimeSpan ttl)
        {
            foreach (var record in Authorities)
            {
                if (record.Type == DnsType.Soa && record.IsInternet && name.IsAtOrBelow(record.Owner)
                    && reader.TryData<SoaData>(record, out var soa))
                {
                    ttl = Shorter(record.Ttl, TimeSpan.FromSeconds(soa.Minimum));
                    return true;
                }
            }
            ttl = TimeSpan.Zero;
            return false;
        }
    }
}
