using Postrider.Mail.Addresses;

namespace Postrider.Mail.Mime;

/// <summary>A message as it was read, to show or to search for reports.</summary>
public sealed class ParsedMessage
{
    internal ParsedMessage(MimeEntity root, bool isComplete)
    {
        (Root, IsComplete) = (root, isComplete);
        var attachments = new List<MimeEntity>();
        foreach (var leaf in Leaves(root))
        {
            if (leaf.IsAttachment)
                attachments.Add(leaf);
            else if (TextPart is null && leaf.MediaType.Is("text", "plain"))
                TextPart = leaf;
            else if (HtmlPart is null && leaf.MediaType.Is("text", "html"))
                HtmlPart = leaf;
            else
                attachments.Add(leaf);
        }
        Attachments = attachments;
    }

    public MimeEntity Root { get; }

    /// <summary>False when something was beyond <see cref="MimeLimits"/> and so was not looked at.</summary>
    public bool IsComplete { get; }

    public ParsedFields Fields => Root.Fields;

    public string? Subject => Fields["Subject"];

    public IReadOnlyList<NamedMailbox> From => Fields.Mailboxes("From");

    public IReadOnlyList<NamedMailbox> To => Fields.Mailboxes("To");

    public IReadOnlyList<NamedMailbox> Cc => Fields.Mailboxes("Cc");

    public IReadOnlyList<NamedMailbox> ReplyTo => Fields.Mailboxes("Reply-To");

    /// <summary>Without its angle brackets; null when there is none.</summary>
    public string? MessageId => Fields.Find("Message-ID")?.RawValue.Trim(' ', '\t', '<', '>');

    /// <summary>Null when there is none or it cannot be read.</summary>
    public DateTimeOffset? Date => Fields.Find("Date") is { } found && MailDate.TryParse(found.RawValue, out var date) ? date : null;

    /// <summary>The first text/plain part that is not an attachment, or null.</summary>
    public MimeEntity? TextPart { get; }

    /// <summary>The first text/html part that is not an attachment, or null.</summary>
    public MimeEntity? HtmlPart { get; }

    public string? Text => TextPart?.DecodeText();

    /// <summary>As it was sent: whoever shows it makes it harmless.</summary>
    public string? Html => HtmlPart?.DecodeText();

    /// <summary>Every other leaf, inline parts among them; in order.</summary>
    public IReadOnlyList<MimeEntity> Attachments { get; }

    static IEnumerable<MimeEntity> Leaves(MimeEntity root)
    {
        var open = new Stack<MimeEntity>([root]);
        while (open.TryPop(out var entity))
        {
            if (entity.Parts.Count == 0)
                yield return entity;
            for (var i = entity.Parts.Count - 1; i >= 0; i--)
                open.Push(entity.Parts[i]);
        }
    }
}
