namespace Postrider.Mail.Dns;

/// <summary>One query as it is sent, and which messages may be its answer.</summary>
public readonly record struct DnsQuery(ushort Id, DnsQuestion Question, bool WithEdns)
{
    /// <summary>
    /// What passes through nearly every network unfragmented: the number of DNS flag day 2020, within what RFC 9715 advises.
    /// </summary>
    public const ushort UdpPayloadOctets = 1232;

    const int MaxOctets = DnsHeader.Octets + DnsName.MaxOctets + 4 + 11;    // with an OPT record

    public byte[] ToOctets()
    {
        var octets = new byte[MaxOctets];
        var writer = new DnsWriter(octets);
        DnsHeader.ForQuery(Id, WithEdns).Write(ref writer);
        writer.WriteQuestion(Question);
        if (WithEdns)
            writer.WriteOpt(UdpPayloadOctets);
        return octets[..writer.Position];
    }

    /// <summary>RFC 5452 §9.1: the id and the question come back. (The socket is connected, so the source is right.)</summary>
    /// <remarks>A refusal may come without its question: some servers answer what they cannot read with a header alone.</remarks>
    public bool IsAnsweredBy(ReadOnlySpan<byte> message)
    {
        var reader = new DnsReader(message);
        if (!DnsHeader.TryRead(ref reader, out var header) || header.Id != Id || !header.IsResponse || !header.IsStandardQuery)
            return false;
        if (header.Questions == 0)
            return header.ResponseCode is not (DnsResponseCode.NoError or DnsResponseCode.NXDomain);
        return header.Questions == 1 && reader.TryQuestion(out var question) && question == Question;
    }
}
