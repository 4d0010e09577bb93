namespace Postrider.Mail.Smtp.Client;

/// <summary>
/// Opens sessions, with one more try in clear for a host whose STARTTLS does not work: opportunistic TLS must not stop mail that
/// plain SMTP would deliver (RFC 7435 §3). The host is remembered, so that the failing handshake is not repeated.
/// </summary>
public sealed class SmtpConnector(SmtpClientOptions options, BrokenTlsMemory memory, TimeProvider time)
{
    public async Task<SmtpConnectOutcome> ConnectWithFallbackAsync(SmtpTarget target, CancellationToken cancel)
    {
        if (!target.RequireTls && memory.IsBroken(target.Host))
            target = target with { SkipTls = true };

        var outcome = await SmtpClientSession.ConnectAsync(target, options, time, cancel);
        if (target.RequireTls || outcome is not SmtpConnectOutcome.Failed { TlsBroken: true })
            return outcome;

        memory.Remember(target.Host);
        return await SmtpClientSession.ConnectAsync(target with { SkipTls = true }, options, time, cancel);
    }
}
