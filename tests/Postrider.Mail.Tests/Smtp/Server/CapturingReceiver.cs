using System.Text;
using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Mail.Tests.Smtp.Server;

sealed record Captured(SmtpPeer Peer, IncomingEnvelope Envelope, string Content)
{
    /// <summary>Who to whom, and what.</summary>
    public override string ToString() => $"{Envelope.From} {string.Join(' ', Envelope.Recipients)}: {Content}";
}

/// <summary>Keeps what it is given, and refuses mailboxes whose local-part is the reply to give them: <c>550@example.net</c>.</summary>
sealed class CapturingReceiver : ISmtpReceiver
{
    readonly List<Captured> _messages = [];

    public IReadOnlyList<Captured> Messages
    {
        get { lock (_messages) return [.. _messages]; }
    }

    public int Discarded { get; private set; }

    /// <summary>What the store of this receiver does when a message is to be made durable.</summary>
    public Func<SmtpReply> OnCommit { get; init; } = () => new SmtpReply(250, "2.0.0 Ok: captured");

    public ValueTask<SmtpReply?> CheckSenderAsync(SmtpPeer peer, ReversePath from, CancellationToken cancel) => new(Refusal(from.Mailbox));

    public ValueTask<SmtpReply?> CheckRecipientAsync(SmtpPeer peer, ReversePath from, Mailbox recipient, CancellationToken cancel) =>
        new(Refusal(recipient));

    public ValueTask<IIncomingMessage> BeginAsync(SmtpPeer peer, IncomingEnvelope envelope, CancellationToken cancel) =>
        new(new Message(this, peer, envelope));

    static SmtpReply? Refusal(Mailbox? mailbox) =>
        int.TryParse(mailbox?.LocalPart, out var code) ? new SmtpReply(code, $"{code / 100}.1.1 as you wish") : null;

    sealed class Message(CapturingReceiver receiver, SmtpPeer peer, IncomingEnvelope envelope) : IIncomingMessage
    {
        readonly MemoryStream _content = new();
        bool _committed;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel) => _content.WriteAsync(content, cancel);

        public ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
        {
            var reply = receiver.OnCommit();
            _committed = reply.IsPositive;
            if (_committed)
            {
                lock (receiver._messages)
                    receiver._messages.Add(new(peer, envelope, Encoding.Latin1.GetString(_content.ToArray())));
            }
            return new(reply);
        }

        public ValueTask DisposeAsync()
        {
            receiver.Discarded += _committed ? 0 : 1;
            return _content.DisposeAsync();
        }
    }
}
