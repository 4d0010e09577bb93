using System.Net;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Smtp.Server;

/// <summary>
/// What stands behind an SMTP listener: a capture MX, bounce intake, submission. Its exceptions are its own faults (a full disk); the
/// peer hears 421 and tries again later, and they are logged.
/// </summary>
public interface ISmtpReceiver
{
    /// <returns>Null to accept, or the refusal, 4yz or 5yz.</returns>
    ValueTask<SmtpReply?> CheckSenderAsync(SmtpPeer peer, ReversePath from, CancellationToken cancel);

    /// <returns>Null to accept, or the refusal, 4yz or 5yz.</returns>
    ValueTask<SmtpReply?> CheckRecipientAsync(SmtpPeer peer, ReversePath from, Mailbox recipient, CancellationToken cancel);

    /// <summary>The peer said DATA, and the envelope is complete.</summary>
    ValueTask<IIncomingMessage> BeginAsync(SmtpPeer peer, IncomingEnvelope envelope, CancellationToken cancel);
}

/// <summary>A message while it comes in. Disposed without having been committed, it never was.</summary>
public interface IIncomingMessage : IAsyncDisposable
{
    /// <summary>More of the message, dots unstuffed, lines ended by CRLF alone.</summary>
    /// <param name="content">Valid until the task ends.</param>
    ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel);

    /// <summary>The message is whole. From a 2yz reply on it is ours (RFC 5321 §6.1), so it must be durable by then.</summary>
    ValueTask<SmtpReply> CommitAsync(CancellationToken cancel);
}

/// <param name="Recipients">At least one; a bare postmaster (RFC 5321 §4.5.1) is at our own domain.</param>
/// <param name="DeclaredOctets">What SIZE= said, which need not be true.</param>
public sealed record IncomingEnvelope(
    ReversePath From, IReadOnlyList<Mailbox> Recipients, long? DeclaredOctets, bool Is8Bit, bool SmtpUtf8);

/// <summary>Who speaks to us, as far as it is known.</summary>
/// <param name="Name">What EHLO or HELO said; anyone can say anything.</param>
/// <param name="Tls">"TLSv1.3"; null in clear.</param>
public sealed record SmtpPeer(EndPoint? EndPoint, string Name, bool Extended, string? Tls);
