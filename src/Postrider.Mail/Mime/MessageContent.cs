using Postrider.Mail.Addresses;

namespace Postrider.Mail.Mime;

/// <summary>
/// What a message says, before it is octets. The same content always composes to the same octets, so a retry sends what was sent.
/// </summary>
public sealed record MessageContent
{
    /// <summary>So that the field fits one line of 998.</summary>
    public const int MaxMessageIdOctets = 900;

    readonly string _messageId = "";

    public required NamedMailbox From { get; init; }

    public NamedMailbox? Sender { get; init; }

    public IReadOnlyList<NamedMailbox> ReplyTo { get; init; } = [];

    public IReadOnlyList<NamedMailbox> To { get; init; } = [];

    public IReadOnlyList<NamedMailbox> Cc { get; init; } = [];

    /// <summary>Any text; control characters become spaces. Null writes no Subject field.</summary>
    public string? Subject { get; init; }

    public required DateTimeOffset Date { get; init; }

    /// <summary>Without its angle brackets: <c>0199…@example.org</c>.</summary>
    /// <exception cref="ArgumentException">It holds what RFC 5322 §3.6.4 does not allow: ours is made by us, so that is a bug.</exception>
    public required string MessageId
    {
        get => _messageId;
        init => _messageId = value.Length <= MaxMessageIdOctets && HeaderText.IsIdentifier(value)
            ? value : throw new ArgumentException("Not a message id.", nameof(value));
    }

    /// <summary>Written in this order after the composer's own.</summary>
    public IReadOnlyList<HeaderField> ExtraFields { get; init; } = [];

    /// <summary>UTF-8; any line ends. Null for no such part.</summary>
    public ReadOnlyMemory<byte>? Text { get; init; }

    /// <summary>UTF-8; any line ends. Null for no such part.</summary>
    public ReadOnlyMemory<byte>? Html { get; init; }

    public IReadOnlyList<MimeAttachment> Attachments { get; init; } = [];

    /// <summary>What the boundaries are made from. Null takes <see cref="MessageId"/>; messages that share a body give the same seed, so
    /// that it is hashed and stored once.</summary>
    public string? BoundarySeed { get; init; }
}
