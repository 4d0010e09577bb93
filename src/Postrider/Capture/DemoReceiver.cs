using Postrider.Engine.Reports;
using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Capture;

/// <summary>
/// The demo's one SMTP port: reports to our own return paths take effect as in production, and all other mail is captured.
/// </summary>
sealed class DemoReceiver(CaptureReceiver capture, ReportReceiver reports) : ISmtpReceiver
{
    public ValueTask<SmtpReply?> CheckSenderAsync(SmtpPeer peer, ReversePath from, CancellationToken cancel) => new((SmtpReply?)null);

    public ValueTask<SmtpReply?> CheckRecipientAsync(SmtpPeer peer, ReversePath from, Mailbox recipient, CancellationToken cancel) =>
        new((SmtpReply?)null);

    public async ValueTask<IIncomingMessage> BeginAsync(SmtpPeer peer, IncomingEnvelope envelope, CancellationToken cancel)
    {
        var parts = envelope.Recipients.ToLookup(reports.IsOurs);
        var taken = new List<IIncomingMessage>();
        if (parts[true].Any())
            taken.Add(await reports.BeginAsync(peer, envelope with { Recipients = [.. parts[true]] }, cancel));
        if (parts[false].Any())
            taken.Add(await capture.BeginAsync(peer, envelope with { Recipients = [.. parts[false]] }, cancel));
        return taken is [var one] ? one : new Both(taken);
    }

    /// <summary>Reports first: what was captured twice, because a report has to come again, harms nobody.</summary>
    sealed class Both(List<IIncomingMessage> messages) : IIncomingMessage
    {
        public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            foreach (var message in messages)
                await message.WriteAsync(content, cancel);
        }

        public async ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            var reply = await messages[0].CommitAsync(cancel);
            return reply.IsPositive ? await messages[1].CommitAsync(cancel) : reply;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var message in messages)
                await message.DisposeAsync();
        }
    }
}
