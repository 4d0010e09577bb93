using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Capture;

/// <summary>
/// The capture MX: takes mail for anybody and keeps it in a folder, so that nothing leaves the machine and everything can be read.
/// </summary>
sealed class CaptureReceiver(CaptureFolder folder, IdGenerator ids, TimeProvider time) : ISmtpReceiver
{
    public ValueTask<SmtpReply?> CheckSenderAsync(SmtpPeer peer, ReversePath from, CancellationToken cancel) => new((SmtpReply?)null);

    public ValueTask<SmtpReply?> CheckRecipientAsync(SmtpPeer peer, ReversePath from, Mailbox recipient, CancellationToken cancel) =>
        new((SmtpReply?)null);

    public ValueTask<IIncomingMessage> BeginAsync(SmtpPeer peer, IncomingEnvelope envelope, CancellationToken cancel) =>
        new(new Incoming(folder, Base32.Format(ids.Next()), peer, envelope, time));

    sealed class Incoming(CaptureFolder folder, string id, SmtpPeer peer, IncomingEnvelope envelope, TimeProvider time) : IIncomingMessage
    {
        readonly FileStream _file = folder.Create(id);
        bool _committed;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel) => _file.WriteAsync(content, cancel);

        public async ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            await _file.FlushAsync(cancel);
            _file.Flush(flushToDisk: true);
            await folder.CommitAsync(
                new CapturedMail
                {
                    Id = id,
                    ReceivedAt = time.GetUtcNow(),
                    From = envelope.From.Mailbox?.ToString() ?? "",
                    To = [.. envelope.Recipients.Select(recipient => recipient.ToString())],
                    Octets = _file.Length,
                    Peer = peer.EndPoint?.ToString(),
                    Tls = peer.Tls,
                    Subject = await ReadSubjectAsync(cancel),
                },
                cancel);
            _committed = true;
            return new SmtpReply(250, $"2.0.0 Captured as {id}");
        }

        async Task<string?> ReadSubjectAsync(CancellationToken cancel)
        {
            _file.Position = 0;
            var head = new byte[Math.Min(_file.Length, 256 * 1024)];
            await _file.ReadExactlyAsync(head, cancel);
            return CaptureReading.SubjectOf(head);
        }

        public async ValueTask DisposeAsync()
        {
            await _file.DisposeAsync();
            if (!_committed)
                folder.Discard(id);
        }
    }
}
