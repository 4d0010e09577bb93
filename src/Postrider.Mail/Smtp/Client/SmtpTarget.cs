using System.Net;

namespace Postrider.Mail.Smtp.Client;

/// <summary>One address of one MX host.</summary>
/// <param name="Host">The host's name, as TLS and logs want it.</param>
public sealed record SmtpTarget(string Host, IPEndPoint EndPoint)
{
    /// <summary>Speak in clear although the host offers STARTTLS: its TLS is known to be broken.</summary>
    public bool SkipTls { get; init; }

    /// <summary>Speak over TLS or not at all.</summary>
    public bool RequireTls { get; init; }

    public override string ToString() => $"{Host} [{EndPoint}]";
}
