using System.Net.Security;
using System.Net.Sockets;

namespace Postrider.Mail.Smtp.Client;

/// <summary>From the TCP connection to a session that can send: greeting, EHLO or HELO, STARTTLS and EHLO again.</summary>
sealed class SmtpOpening(SmtpTarget target, SmtpClientOptions options, TimeProvider time)
{
    readonly List<TranscriptEntry> _transcript = [];
    SmtpCapabilities _capabilities = SmtpCapabilities.None;

    SmtpTimeouts Timeouts => options.Timeouts;

    public async Task<SmtpConnectOutcome> RunAsync(CancellationToken cancel)
    {
        var deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        SmtpWire? wire = null;
        var connected = false;
        try
        {
            var (stream, refusal) = await ConnectAsync(deadline, cancel);
            if (stream is null)
                return Failed(SmtpStage.Connect, null, refusal!);

            wire = new SmtpWire(stream, Timeouts, deadline);
            using var stop = wire.StopOn(cancel);
            if (await GreetAsync(wire) is { } failure)
                return failure;
            connected = true;
            return new SmtpConnectOutcome.Connected(new SmtpClientSession(wire, target, Timeouts, _capabilities, _transcript));
        }
        finally
        {
            if (!connected && wire is not null)
                await wire.DisposeAsync();
            else if (!connected)
                deadline.Dispose();
        }
    }

    async Task<(Stream? Stream, string? Refusal)> ConnectAsync(CancellationTokenSource deadline, CancellationToken cancel)
    {
        using var stop = cancel.UnsafeRegister(static deadline => ((CancellationTokenSource)deadline!).Cancel(), deadline);
        try
        {
            deadline.CancelAfter(Timeouts.Connect);
            var stream = await options.Connector.OpenAsync(target.EndPoint, deadline.Token);
            deadline.CancelAfter(Timeout.InfiniteTimeSpan);
            return (stream, null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (null, $"no connection within {Timeouts.Connect}");
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return (null, e.Message);
        }
    }

    /// <returns>Null when the session is open.</returns>
    async Task<SmtpConnectOutcome.Failed?> GreetAsync(SmtpWire wire)
    {
        var greeting = await ReadAsync(wire, SmtpStage.Greeting, Timeouts.Greeting);
        if (greeting.Reply is not { IsPositive: true })
            return Failed(SmtpStage.Greeting, greeting);
        if (await IntroduceAsync(wire) is { } failure)
            return failure;

        if (options.UseTls && !target.SkipTls && _capabilities.StartTls)
        {
            if (await StartTlsAsync(wire) is { } broken)
                return broken;
        }
        return target.RequireTls && wire.Tls is null
            ? Failed(SmtpStage.StartTls, null, "TLS is required, and the peer does not offer it") : null;
    }

    /// <summary>RFC 5321 §3.2: EHLO, and HELO to those who do not know EHLO.</summary>
    async Task<SmtpConnectOutcome.Failed?> IntroduceAsync(SmtpWire wire)
    {
        _capabilities = SmtpCapabilities.None;
        var ehlo = await AskAsync(wire, SmtpStage.Ehlo, $"EHLO {options.HostName}\r\n");
        if (ehlo.Reply is { IsPositive: true })
        {
            _capabilities = SmtpCapabilities.Read(ehlo.Reply);
            return null;
        }
        if (ehlo.Reply is not { IsPermanent: true })
            return Failed(SmtpStage.Ehlo, ehlo);

        var helo = await AskAsync(wire, SmtpStage.Helo, $"HELO {options.HostName}\r\n");
        return helo.Reply is { IsPositive: true } ? null : Failed(SmtpStage.Helo, helo);
    }

    async Task<SmtpConnectOutcome.Failed?> StartTlsAsync(SmtpWire wire)
    {
        var start = await AskAsync(wire, SmtpStage.StartTls, "STARTTLS\r\n");
        if (!start.Answered || start.Reply.IsClosing)
            return Failed(SmtpStage.StartTls, start, tlsBroken: !start.Answered);
        if (start.Reply.Code != 220)        // e.g. 454: for now it has none, and mail in clear is what was asked for
            return target.RequireTls ? Failed(SmtpStage.StartTls, start) : null;

        // What came in clear behind the 220 was put there by the peer's bug or by someone on the way (RFC 3207 §4.2).
        if (wire.HasUnreadInput)
            return Failed(SmtpStage.StartTls, start.Reply, "text in clear after the reply to STARTTLS", tlsBroken: true);

        if (await wire.HandshakeAsync(ClientAuthentication(), Timeouts.TlsHandshake) is { } fault)
            return Failed(SmtpStage.TlsHandshake, null, fault, tlsBroken: true);
        return await IntroduceAsync(wire) is { } failure ? failure with { TlsBroken = failure.Reply is null } : null;
    }

    SslClientAuthenticationOptions ClientAuthentication() => new()
    {
        TargetHost = target.Host,
        EnabledSslProtocols = TlsNames.Accepted,
        RemoteCertificateValidationCallback = (_, _, _, errors) => !options.VerifyCertificate || errors == SslPolicyErrors.None,
    };

    async Task<WireRead> AskAsync(SmtpWire wire, SmtpStage stage, string command)
    {
        await wire.AppendAsync(command, Timeouts.Command);
        await wire.FlushAsync(Timeouts.Command);
        return await ReadAsync(wire, stage, Timeouts.Command);
    }

    async Task<WireRead> ReadAsync(SmtpWire wire, SmtpStage stage, TimeSpan limit)
    {
        var read = await wire.ReadReplyAsync(limit);
        if (read.Answered)
            _transcript.Add(new(stage, read.Reply));
        return read;
    }

    SmtpConnectOutcome.Failed Failed(SmtpStage stage, WireRead read, bool tlsBroken = false) =>
        Failed(stage, read.Reply, read.Fault ?? read.Reply!.ToString(), tlsBroken);

    SmtpConnectOutcome.Failed Failed(SmtpStage stage, SmtpReply? reply, string detail, bool tlsBroken = false) =>
        new(stage, reply, detail, tlsBroken) { Transcript = _transcript };
}
