using System.Buffers;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;
using Postrider.Mail.Smtp;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Engine.Reports;

/// <summary>
/// The inbound listener's receiver. Takes mail for the return-path domain's own addresses alone, from anybody, and says 250 when its effect
/// is committed; what cannot be recorded now is refused for now, so that the reporter keeps it and tries again.
/// </summary>
public sealed class ReportReceiver(ReportIntake intake) : ISmtpReceiver
{
    /// <summary>
    /// Of a message; the rest is taken and dropped, for refusing it would lose the report. Hosts that return the whole message put it last,
    /// and of what comes before, reports have some kilobytes.
    /// </summary>
    const int MaxOctetsRead = 512 * 1024;

    static readonly SmtpReply NoSuchMailbox = new(550, "5.1.1 No such mailbox here");
    static readonly SmtpReply Noted = new(250, "2.0.0 Ok");
    static readonly SmtpReply TryAgain = new(451, "4.3.0 Not now, try again");

    /// <summary>Whether mail to it is taken.</summary>
    public bool IsOurs(Mailbox recipient) => intake.IsOurs(recipient);

    public ValueTask<SmtpReply?> CheckSenderAsync(SmtpPeer peer, ReversePath from, CancellationToken cancel) => new((SmtpReply?)null);

    public ValueTask<SmtpReply?> CheckRecipientAsync(SmtpPeer peer, ReversePath from, Mailbox recipient, CancellationToken cancel)
    {
        if (intake.IsOurs(recipient))
            return new((SmtpReply?)null);
        EngineMetrics.Count(ReportOutcome.NotOurs);
        return new(NoSuchMailbox);
    }

    public ValueTask<IIncomingMessage> BeginAsync(SmtpPeer peer, IncomingEnvelope envelope, CancellationToken cancel) =>
        new(new Incoming(intake, peer, envelope));

    sealed class Incoming(ReportIntake intake, SmtpPeer peer, IncomingEnvelope envelope) : IIncomingMessage
    {
        readonly ArrayBufferWriter<byte> _read = new();

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            var room = MaxOctetsRead - _read.WrittenCount;
            if (room > 0)
                _read.Write(content.Span[..Math.Min(room, content.Length)]);
            return ValueTask.CompletedTask;
        }

        public async ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            var mail = MimeReader.Read(_read.WrittenMemory);
            var reply = Noted;
            // All of them, also behind one that could not be: what is recorded is not recorded again.
            foreach (var recipient in envelope.Recipients)
            {
                var outcome = await intake.TakeAsync(recipient, mail, peer.EndPoint?.ToString(), cancel);
                if (outcome is ReportOutcome.Busy or ReportOutcome.StoreAway)
                    reply = TryAgain;
            }
            return reply;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
