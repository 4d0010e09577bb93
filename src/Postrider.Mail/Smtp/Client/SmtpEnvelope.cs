using Postrider.Mail.Addresses;

namespace Postrider.Mail.Smtp.Client;

/// <summary>What MAIL and RCPT say, given what the peer offers.</summary>
sealed class SmtpEnvelope(ReversePath from, IReadOnlyList<Mailbox> recipients, IOutgoingMessage message, SmtpCapabilities peer)
{
    readonly bool _smtpUtf8 = message.NeedsSmtpUtf8 || NeedsSmtpUtf8(from, recipients);

    public IReadOnlyList<Mailbox> Recipients => recipients;

    public IOutgoingMessage Message => message;

    public bool Pipelining => peer.Pipelining;

    /// <summary>What the peer would say, so it need not be asked. Null when it may take the message.</summary>
    public SmtpReply? Refusal
    {
        get
        {
            if (message.Octets > peer.MaxMessageOctets)         // RFC 1870 §6.1
                return Local(552, $"5.3.4 The message has {message.Octets} octets, the peer takes {peer.MaxMessageOctets}");
            if (_smtpUtf8 && !peer.SmtpUtf8)                    // RFC 6531 §3.2, §3.5
                return Local(553, "5.6.7 The peer does not take internationalized addresses or headers");
            if (message.Is8Bit && !peer.EightBitMime)           // RFC 6152 §3
                return Local(554, "5.6.3 The peer does not take 8-bit bodies");
            return null;
        }
    }

    /// <summary>RFC 5321 §4.1.1.2, RFC 1870 §3, RFC 6152 §2, RFC 6531 §3.4.</summary>
    public string MailCommand
    {
        get
        {
            var size = peer.Size ? $" SIZE={message.Octets}" : "";
            var body = peer.EightBitMime && message.Is8Bit ? " BODY=8BITMIME" : "";
            return $"MAIL FROM:{from}{size}{body}{(_smtpUtf8 ? " SMTPUTF8" : "")}\r\n";
        }
    }

    public static string RcptCommand(Mailbox recipient) => $"RCPT TO:<{recipient}>\r\n";

    /// <summary>Domains go out as A-labels, so only a local-part can ask for it.</summary>
    static bool NeedsSmtpUtf8(ReversePath from, IReadOnlyList<Mailbox> recipients)
    {
        if (from.Mailbox is { NeedsSmtpUtf8: true })
            return true;
        for (var i = 0; i < recipients.Count; i++)
        {
            if (recipients[i].NeedsSmtpUtf8)
                return true;
        }
        return false;
    }

    static SmtpReply Local(int code, string text) => new(code, text) { IsLocal = true };
}
