namespace Postrider.Mail.Smtp.Client;

/// <summary>How this machine speaks to others.</summary>
public sealed record SmtpClientOptions
{
    /// <summary>What EHLO says: a name that resolves to this machine, since many hosts check (RFC 5321 §4.1.4).</summary>
    public required string HostName { get; init; }

    public IConnector Connector { get; init; } = SocketConnector.Instance;

    /// <summary>Use STARTTLS where it is offered (RFC 3207).</summary>
    public bool UseTls { get; init; } = true;

    /// <summary>Refuse a certificate that is not valid for the host; for use with <see cref="SmtpTarget.RequireTls"/>. Off by default:
    /// without DANE or MTA-STS a name found in DNS proves nothing, and hosts that fail would only get their mail in clear.</summary>
    public bool VerifyCertificate { get; init; }

    public SmtpTimeouts Timeouts { get; init; } = new();
}

/// <summary>How long to wait for each answer, whole replies and not single octets: RFC 5321 §4.5.3.2.</summary>
public sealed record SmtpTimeouts
{
    /// <summary>A guess; RFC 5321 names none, and the next MX host waits.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>RFC 5321 §4.5.3.2.1.</summary>
    public TimeSpan Greeting { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>EHLO, STARTTLS, MAIL, RCPT, DATA, RSET: RFC 5321 §4.5.3.2.2 to §4.5.3.2.4.</summary>
    public TimeSpan Command { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A guess: a handshake is a few round trips and one signature.</summary>
    public TimeSpan TlsHandshake { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Each block of the message to be taken by the peer: RFC 5321 §4.5.3.2.5.</summary>
    public TimeSpan DataBlock { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>The reply to the final dot. Giving up early makes duplicates: RFC 5321 §4.5.3.2.6.</summary>
    public TimeSpan EndOfData { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Nothing depends on the reply to QUIT.</summary>
    public TimeSpan Quit { get; init; } = TimeSpan.FromSeconds(2);
}
