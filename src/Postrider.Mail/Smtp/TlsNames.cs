using System.Security.Authentication;

namespace Postrider.Mail.Smtp;

/// <summary>Which TLS we speak (RFC 8996 retired what came before 1.2), and what timelines call it.</summary>
static class TlsNames
{
    public const SslProtocols Accepted = SslProtocols.Tls12 | SslProtocols.Tls13;

    public static string Of(SslProtocols protocol) => protocol switch
    {
        SslProtocols.Tls12 => "TLSv1.2",
        SslProtocols.Tls13 => "TLSv1.3",
        var other => other.ToString(),
    };
}
