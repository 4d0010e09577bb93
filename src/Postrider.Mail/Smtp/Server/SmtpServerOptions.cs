using System.Security.Cryptography.X509Certificates;

namespace Postrider.Mail.Smtp.Server;

/// <summary>Who we say we are, and how much of a peer we bear.</summary>
public sealed record SmtpServerOptions
{
    /// <summary>In the greeting and the reply to EHLO; also the domain of a bare &lt;postmaster&gt;.</summary>
    public required string HostName { get; init; }

    /// <summary>Offers STARTTLS when there is one, with its private key.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>SIZE (RFC 1870). Default 25 MiB, what the large providers take.</summary>
    public long MaxMessageOctets { get; init; } = 25 * 1024 * 1024;

    /// <summary>Sessions at a time; whoever comes beyond hears 421 and is to come again. Null, the default, for any number.</summary>
    public int? MaxSessions { get; init; }

    /// <summary>The same from one IP address.</summary>
    public int? MaxSessionsPerAddress { get; init; }

    /// <summary>In one transaction; RFC 5321 §4.5.3.1.8 asks for at least 100.</summary>
    public int MaxRecipients { get; init; } = 1000;

    /// <summary>With its CRLF. RFC 5321 §4.5.3.1.4 asks for 512; SIZE, BODY and SMTPUTF8 add to MAIL.</summary>
    public int MaxCommandOctets { get; init; } = 1024;

    /// <summary>Refused commands until the session is ended. A guess: a peer that errs so often does not listen.</summary>
    public int MaxErrors { get; init; } = 20;

    /// <summary>Commands since the last message until the session is ended. A guess; a full envelope must fit.</summary>
    public int MaxCommandsWithoutMessage { get; init; } = 2000;

    /// <summary>For one whole command: RFC 5321 §4.5.3.2.7.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For the next octets of a message: RFC 5321 §4.5.3.2.5.</summary>
    public TimeSpan DataTimeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>For the handshake. A guess, as on the client's side.</summary>
    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For all of it, so that octets that dribble in end, too. A guess: a peer that has more to send connects again.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromHours(2);
}
