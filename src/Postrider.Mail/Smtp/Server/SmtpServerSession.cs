using System.IO.Pipelines;
using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Smtp.Server;

/// <summary>
/// One session of a peer with us, from the greeting to QUIT, 421 or the loss of the connection (RFC 5321 §3). Owns the conversation, not
/// the connection. Which command may come when is <see cref="SmtpSequence"/>'s; what becomes of mail is the receiver's.
/// </summary>
sealed class SmtpServerSession(
    IDuplexPipe transport, EndPoint? remote, SmtpServerOptions options, ISmtpReceiver receiver, TimeProvider time, ILogger log)
    : IAsyncDisposable
{
    readonly SmtpServerWire _wire = new(transport, options);
    readonly CancellationTokenSource _deadline = new(Timeout.InfiniteTimeSpan, time);
    readonly DateTimeOffset _end = time.GetUtcNow() + options.SessionTimeout;
    readonly List<Mailbox> _recipients = [];
    SmtpState _state = SmtpState.Greeted;
    SmtpPeer _peer = new(remote, "", Extended: false, Tls: null);
    SmtpCommand.Mail? _mail;
    int _errors, _commands;

    /// <summary>Returns when the session is over. The peer's faults end it; the receiver's are answered with 421 and logged.</summary>
    /// <param name="closed">The connection is gone.</param>
    /// <param name="shutdown">Says 421 to an idle peer; a command or message in work is finished first (RFC 5321 §3.8).</param>
    public async Task RunAsync(CancellationToken closed, CancellationToken shutdown)
    {
        using var stop = closed.UnsafeRegister(static deadline => ((CancellationTokenSource)deadline!).Cancel(), _deadline);
        using var wake = shutdown.UnsafeRegister(static wire => ((SmtpServerWire)wire!).Wake(), _wire);
        try
        {
            _wire.Write(new SmtpReply(220, $"{options.HostName} ESMTP"));
            while (_state != SmtpState.Ended && await _wire.ReadCommandAsync(shutdown, Within(options.CommandTimeout)) is { } command)
                await AnswerAsync(command);
            if (shutdown.IsCancellationRequested && _state != SmtpState.Ended)
                End(SmtpReplies.ShuttingDown);
            await _wire.FlushAsync(Within(options.CommandTimeout));
        }
        catch (OperationCanceledException) when (!closed.IsCancellationRequested)
        {
            await SayGoodbyeAsync(SmtpReplies.TimedOut);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or AuthenticationException)
        {
            // The peer is gone, or speaks no TLS. Of a message without our reply it knows that it must send it again.
        }
    }

    /// <summary>Instead of <see cref="RunAsync"/>: says why there is no session.</summary>
    public ValueTask RefuseAsync(SmtpReply reply) => SayGoodbyeAsync(reply);

    public async ValueTask DisposeAsync()
    {
        await _wire.DisposeAsync();
        _deadline.Dispose();
    }

    /// <summary>Whatever comes, it ends when the session must.</summary>
    CancellationToken Within(TimeSpan limit)
    {
        var left = _end - time.GetUtcNow();
        _deadline.CancelAfter(left < limit ? left > TimeSpan.Zero ? left : TimeSpan.Zero : limit);
        return _deadline.Token;
    }

    async ValueTask AnswerAsync(SmtpCommand command)
    {
        _commands++;
        var reply = command is SmtpCommand.Bad bad ? bad.Reply
            : !SmtpSequence.Allows(_state, command.Verb, out var next) ? SmtpReplies.BadSequence
            : await CarryOutAsync(command, next);
        _wire.Write(reply);

        _errors += reply.IsPermanent ? 1 : 0;
        if (reply.IsClosing)
            _state = SmtpState.Ended;
        else if (_errors > options.MaxErrors)
            End(SmtpReplies.TooManyErrors);
        else if (_commands > options.MaxCommandsWithoutMessage)
            End(SmtpReplies.TooManyCommands);
        else if (command.Verb == SmtpVerb.StartTls && reply == SmtpReplies.ReadyForTls)
            await StartTlsAsync();
    }

    /// <summary>A command in its place. It leads to <paramref name="next"/> unless it is refused.</summary>
    async ValueTask<SmtpReply> CarryOutAsync(SmtpCommand command, SmtpState next)
    {
        try
        {
            var reply = command switch
            {
                SmtpCommand.Hello hello => Greet(hello),
                SmtpCommand.Mail mail => await TakeSenderAsync(mail),
                SmtpCommand.Rcpt rcpt => await TakeRecipientAsync(rcpt.To ?? Postmaster),
                { Verb: SmtpVerb.Data } => await TakeMessageAsync(),
                { Verb: SmtpVerb.Rset } => Forget(SmtpReplies.Ok),
                { Verb: SmtpVerb.StartTls } => StartTlsReply(),
                { Verb: SmtpVerb.Vrfy } => SmtpReplies.CannotVerify,
                { Verb: SmtpVerb.Help } => SmtpReplies.Help,
                { Verb: SmtpVerb.Quit } => SmtpReplies.Bye,
                _ => SmtpReplies.Ok,
            };
            if (reply.Code < 400 || command.Verb == SmtpVerb.Data)      // a refused message is over, too
                _state = next;
            return reply;
        }
        catch (Exception e) when (e is not (OperationCanceledException or EndOfStreamException or ConnectionAbortedException))
        {
            log.ReceiverFailed(e);
            return SmtpReplies.LocalError;      // and an end: no telling how much of a message is still to come
        }
    }

    Mailbox Postmaster => Mailbox.TryParse($"postmaster@{options.HostName}", out var mailbox)
        ? mailbox : throw new InvalidOperationException($"\"{options.HostName}\" is no domain.");

    SmtpReply Greet(SmtpCommand.Hello hello)
    {
        _peer = new SmtpPeer(remote, hello.Name, hello.Extended, _wire.Tls);
        Forget(SmtpReplies.Ok);
        if (!hello.Extended)
            return new SmtpReply(250, options.HostName);

        List<string> offers =
            [options.HostName, "PIPELINING", $"SIZE {options.MaxMessageOctets}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
        if (MayStartTls)
            offers.Insert(offers.Count - 1, "STARTTLS");
        return new SmtpReply(250, offers);
    }

    async ValueTask<SmtpReply> TakeSenderAsync(SmtpCommand.Mail mail)
    {
        if (mail.Octets > options.MaxMessageOctets)     // RFC 1870 §6.1
            return SmtpReplies.MessageTooBig;
        if (await receiver.CheckSenderAsync(_peer, mail.From, Within(options.CommandTimeout)) is { } refusal)
            return refusal;
        _mail = mail;
        return SmtpReplies.SenderOk;
    }

    async ValueTask<SmtpReply> TakeRecipientAsync(Mailbox recipient)
    {
        if (recipient.NeedsSmtpUtf8 && !_mail!.SmtpUtf8)
            return SmtpReplies.NeedsSmtpUtf8;
        if (_recipients.Count >= options.MaxRecipients)
            return SmtpReplies.TooManyRecipients;
        if (await receiver.CheckRecipientAsync(_peer, _mail!.From, recipient, Within(options.CommandTimeout)) is { } refusal)
            return refusal;
        _recipients.Add(recipient);
        return SmtpReplies.RecipientOk;
    }

    async ValueTask<SmtpReply> TakeMessageAsync()
    {
        var envelope = new IncomingEnvelope(_mail!.From, [.. _recipients], _mail.Octets, _mail.Is8Bit, _mail.SmtpUtf8);
        Forget(SmtpReplies.Ok);
        await using var message = await receiver.BeginAsync(_peer, envelope, Within(options.CommandTimeout));
        _wire.Write(SmtpReplies.StartData);

        var refusal = await _wire.ReadMessageAsync(message, () => Within(options.DataTimeout), _deadline.Token);
        _commands = 0;
        return refusal ?? await message.CommitAsync(Within(options.DataTimeout));
    }

    SmtpReply Forget(SmtpReply reply)
    {
        _mail = null;
        _recipients.Clear();
        return reply;
    }

    bool MayStartTls => options.Certificate is not null && _wire.Tls is null;

    SmtpReply StartTlsReply() =>
        !MayStartTls ? options.Certificate is null ? SmtpReplies.NotImplemented : SmtpReplies.BadSequence
        : _wire.HasBufferedInput() ? SmtpReplies.TextBeforeTls      // dropped, and the session with it (RFC 3207 §4.2)
        : SmtpReplies.ReadyForTls;

    async ValueTask StartTlsAsync()
    {
        await _wire.FlushAsync(Within(options.CommandTimeout));
        await _wire.StartTlsAsync(Within(options.TlsTimeout));
        _peer = new SmtpPeer(remote, "", Extended: false, _wire.Tls);
    }

    void End(SmtpReply reply)
    {
        _wire.Write(reply);
        _state = SmtpState.Ended;
    }

    /// <summary>Said once, to whom may still listen, without waiting for it: the deadline that ended the session is over.</summary>
    async ValueTask SayGoodbyeAsync(SmtpReply reply)
    {
        using var moment = new CancellationTokenSource(TimeSpan.FromSeconds(1), time);
        try
        {
            _wire.Write(reply);
            await _wire.FlushAsync(moment.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or InvalidOperationException)
        {
            // Nobody listens any more.
        }
    }
}
