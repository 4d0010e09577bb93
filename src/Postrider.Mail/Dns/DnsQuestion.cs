using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Dns;

/// <summary>RR types: RFC 1035 §3.2.2, RFC 3596 §2.1 (AAAA), RFC 6891 §6.1.1 (OPT).</summary>
public enum DnsType
{
    A = 1,
    NS = 2,
    Cname = 5,
    Soa = 6,
    [SuppressMessage("Naming", "CA1720", Justification = "PTR is the record's name.")]
    Ptr = 12,
    MX = 15,
    Txt = 16,
    Aaaa = 28,
    Opt = 41,
}

/// <summary>What is asked, always in class IN.</summary>
public readonly record struct DnsQuestion(DnsName Name, DnsType Type)
{
    public override string ToString() => $"{Name} {Type}";
}
