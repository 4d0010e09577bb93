namespace Postrider.Mail.Smtp.Client;

/// <summary>
/// One transaction: the envelope, as many commands a write as the peer allows (RFC 2920), then the message. Each recipient's
/// outcome is decided once, by the reply that comes first: a refused MAIL is everyone's refusal, a refused RCPT its own.
/// </summary>
sealed class SmtpTransaction(SmtpWire wire, SmtpEnvelope envelope, SmtpTimeouts timeouts, bool reset, bool reused)
{
    // A group's replies must fit in socket buffers, or both sides could wait for the other to read (RFC 2920 §3.1).
    const int MaxRecipientsInGroup = 100;

    readonly RecipientOutcome?[] _outcomes = new RecipientOutcome?[envelope.Recipients.Count];
    readonly List<TranscriptEntry> _transcript = new(envelope.Recipients.Count + 3);
    int _willing;       // recipients with a positive reply to RCPT
    bool _stale;

    /// <summary>The peer still holds this envelope: RSET comes before the next one.</summary>
    public bool LeavesEnvelope { get; private set; }

    public async Task<SmtpTransactionOutcome> RunAsync(CancellationToken cancel)
    {
        var ready = envelope.Pipelining ? await PipelineEnvelopeAsync() : await StepThroughEnvelopeAsync();
        if (ready)
            await SendContentAsync(cancel);
        if (wire.HasUnreadInput)
            wire.Break("the peer said more than it was asked");
        return new SmtpTransactionOutcome(Array.ConvertAll(_outcomes, outcome => outcome!), _transcript) { SessionWasStale = _stale };
    }

    /// <returns>Whether the peer waits for the message; else every recipient's outcome is decided.</returns>
    async ValueTask<bool> PipelineEnvelopeAsync()
    {
        if (reset)
            await WriteAsync("RSET\r\n");
        await WriteAsync(envelope.MailCommand);

        var count = envelope.Recipients.Count;
        for (var first = 0; first < count; first += MaxRecipientsInGroup)
        {
            var end = Math.Min(first + MaxRecipientsInGroup, count);
            for (var i = first; i < end; i++)
                await WriteAsync(SmtpEnvelope.RcptCommand(envelope.Recipients[i]));
            if (end == count)
                await WriteAsync("DATA\r\n");
            await wire.FlushAsync(timeouts.Command);

            if (first == 0 && (reset && !await ReadResetAsync() || !await ReadMailAsync()))
                return false;
            for (var i = first; i < end; i++)
            {
                if (!await ReadRcptAsync(i))
                    return false;
            }
        }
        return await ReadDataAsync();
    }

    /// <returns>As <see cref="PipelineEnvelopeAsync"/>.</returns>
    async ValueTask<bool> StepThroughEnvelopeAsync()
    {
        if (reset)
        {
            await SayAsync("RSET\r\n");
            if (!await ReadResetAsync())
                return false;
        }
        await SayAsync(envelope.MailCommand);
        if (!await ReadMailAsync() || _outcomes[0] is not null)
            return false;
        for (var i = 0; i < _outcomes.Length; i++)
        {
            await SayAsync(SmtpEnvelope.RcptCommand(envelope.Recipients[i]));
            if (!await ReadRcptAsync(i))
                return false;
        }
        if (_willing == 0)
            return false;
        await SayAsync("DATA\r\n");
        return await ReadDataAsync();
    }

    async ValueTask SendContentAsync(CancellationToken cancel)
    {
        wire.BeginContent();
        if (_willing > 0)
            await envelope.Message.WriteToAsync(wire, cancel);
        await wire.FinishContentAsync();        // to nobody: a lone dot, which is refused (RFC 2920 §3.1)

        var (stage, limit) = wire.ContentWasRefused ? (SmtpStage.Content, timeouts.Command) : (SmtpStage.EndOfData, timeouts.EndOfData);
        if (await ReadAsync(stage, limit) is not { } reply)
            return;
        LeavesEnvelope = false;
        if (wire.ContentWasRefused)
            wire.Break("the peer stopped taking the message");

        if (reply.Code >= 400)
            DecideRest(new RecipientOutcome.Refused(stage, reply));
        else if (reply.IsPositive && stage == SmtpStage.EndOfData)
            DecideRest(new RecipientOutcome.Accepted(reply));
        else
            OutOfStep(stage, reply);
    }

    async ValueTask<bool> ReadResetAsync()
    {
        if (await ReadAsync(SmtpStage.Reset, timeouts.Command) is not { } reply)
            return false;
        if (reply.IsPositive)
            return true;
        wire.Break($"RSET was refused: {reply}");
        DecideRest(new RecipientOutcome.NoAnswer(SmtpStage.Reset, wire.Fault!));
        return false;
    }

    async ValueTask<bool> ReadMailAsync()
    {
        if (await ReadAsync(SmtpStage.MailFrom, timeouts.Command) is not { } reply)
            return false;
        LeavesEnvelope = reply.IsPositive;
        if (reply.Code >= 400)
            DecideRest(new RecipientOutcome.Refused(SmtpStage.MailFrom, reply));
        return reply.IsPositive || reply.Code >= 400 || OutOfStep(SmtpStage.MailFrom, reply);
    }

    async ValueTask<bool> ReadRcptAsync(int recipient)
    {
        if (await ReadAsync(SmtpStage.RcptTo, timeouts.Command) is not { } reply)
            return false;
        if (reply.Code >= 400)
            _outcomes[recipient] ??= new RecipientOutcome.Refused(SmtpStage.RcptTo, reply);
        else if (reply.IsPositive && _outcomes[recipient] is null)
            _willing++;
        return reply.IsPositive || reply.Code >= 400 || OutOfStep(SmtpStage.RcptTo, reply);
    }

    async ValueTask<bool> ReadDataAsync()
    {
        if (await ReadAsync(SmtpStage.Data, timeouts.Command) is not { } reply)
            return false;
        if (reply.Code >= 400)
            DecideRest(new RecipientOutcome.Refused(SmtpStage.Data, reply));
        return reply.Code == 354 || reply.Code < 400 && OutOfStep(SmtpStage.Data, reply);
    }

    ValueTask WriteAsync(string command) => wire.AppendAsync(command, timeouts.Command);

    async ValueTask SayAsync(string command)
    {
        await WriteAsync(command);
        await wire.FlushAsync(timeouts.Command);
    }

    /// <returns>Null when the conversation is over, and then everyone's outcome is decided.</returns>
    async ValueTask<SmtpReply?> ReadAsync(SmtpStage stage, TimeSpan limit)
    {
        var read = await wire.ReadReplyAsync(limit);
        if (read.Answered && !read.Reply.IsClosing)
        {
            _transcript.Add(new(stage, read.Reply));
            return read.Reply;
        }

        _stale = reused && _transcript.Count == 0;
        if (read.Answered)
        {
            _transcript.Add(new(stage, read.Reply));
            DecideRest(new RecipientOutcome.Refused(stage, read.Reply));
        }
        else
        {
            DecideRest(new RecipientOutcome.NoAnswer(stage, read.Fault));
        }
        return null;
    }

    /// <summary>A reply that answers something else: from here on nobody knows which reply answers what.</summary>
    bool OutOfStep(SmtpStage stage, SmtpReply reply)
    {
        wire.Break($"out of step: {reply}");
        DecideRest(new RecipientOutcome.NoAnswer(stage, wire.Fault!));
        return false;
    }

    void DecideRest(RecipientOutcome outcome)
    {
        for (var i = 0; i < _outcomes.Length; i++)
            _outcomes[i] ??= outcome;
    }
}
