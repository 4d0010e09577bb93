using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;

namespace Postrider.Engine.Composing;

/// <summary>
/// Makes a stored message ready to send: checks that its sender still may, puts substitutions and footer into its body, builds the MIME
/// message and hashes its body for DKIM. The same stored message gives the same octets at every attempt.
/// </summary>
sealed class Composer(IContentReader contents, SenderDomains domains, DkimKeys keys)
{
    /// <summary>
    /// An attachment larger than this is read from the store a chunk at a time, for the hash and again for each send. A guess.
    /// </summary>
    const int MaxOctetsInMemory = 128 * 1024;

    /// <exception cref="System.Data.Common.DbException">The store is away; nothing was decided.</exception>
    public async ValueTask<Composition> ComposeAsync(StoredMessage message, CancellationToken cancel)
    {
        if (await domains.FindVerifiedAsync(message.Tenant, message.From.Mailbox.Domain, cancel) is not { } domain)
            return new Composition.Failed("unverified_domain", $"Sender domain {message.From.Mailbox.Domain.Unicode} not verified");

        MessageBody? body = null;
        if (message.Body is { } hash)
        {
            if (await contents.ReadAsync(message.Tenant, hash, cancel) is not { } content)
                return new Composition.Failed("render_failure", "The body is no longer stored");
            body = BodyText.Finish(MessageBody.FromContent(content), message.Settings);
            if (body is null)
                return new Composition.Failed("render_failure", "The body is too long after substitution");
        }

        if (!TryReplyTo(message.Settings, out var replyTo))
            return new Composition.Failed("render_failure", "Reply-To is not a mailbox");
        var attachments = new List<MimeAttachment>();
        foreach (var stored in message.Settings.Attachments ?? [])
        {
            if (await AttachAsync(message.Tenant, stored, cancel) is not { } attachment)
                return new Composition.Failed("render_failure", $"Attachment {stored.FileName} cannot be sent");
            attachments.Add(attachment);
        }

        var composed = MimeComposer.Compose(new MessageContent
        {
            From = message.From,
            ReplyTo = replyTo,
            To = Addressees(message, RecipientKind.To),
            Cc = Addressees(message, RecipientKind.Cc),
            Subject = message.Subject,
            Date = message.DueAt,
            MessageId = $"{message.Id}@{message.From.Mailbox.Domain.Ascii}",
            ExtraFields = ExtraFields(message.Settings),
            Text = body?.Text,
            Html = body?.Html,
            Attachments = attachments,
        });
        return new Composition.Ready(await RenderedMessage.CreateAsync(composed, keys.SignerFor(domain), cancel));
    }

    async ValueTask<MimeAttachment?> AttachAsync(TenantId tenant, SettingsAttachment stored, CancellationToken cancel)
    {
        var hash = ContentHash.From(Convert.FromHexString(stored.Hash));
        AttachmentContent content;
        if (stored.Octets > MaxOctetsInMemory)
            content = new AttachmentContent.Streamed(() => contents.Open(tenant, hash), stored.Octets);
        else if (await contents.ReadAsync(tenant, hash, cancel) is { } octets)
            content = new AttachmentContent.InMemory(octets);
        else
            return null;
        return MimeAttachment.TryCreate(stored.FileName, stored.ContentType, content, stored.ContentId, stored.Inline, out var attachment)
            ? attachment
            : null;
    }

    static NamedMailbox[] Addressees(StoredMessage message, RecipientKind kind) =>
        message.Recipients.Where(recipient => recipient.Kind == kind).Select(recipient => recipient.Address).ToArray();

    static bool TryReplyTo(MessageSettings settings, out IReadOnlyList<NamedMailbox> replyTo)
    {
        replyTo = [];
        if (settings.ReplyTo is not { Count: > 0 } stored)
            return true;
        var read = new List<NamedMailbox>();
        foreach (var address in stored)
        {
            if (!Mailbox.TryParse(address.Email, out var mailbox) || !NamedMailbox.TryCreate(address.Name, mailbox, out var named))
                return false;
            read.Add(named);
        }
        replyTo = read;
        return true;
    }

    static List<HeaderField> ExtraFields(MessageSettings settings)
    {
        var fields = new List<HeaderField>();
        foreach (var (name, value) in settings.Headers ?? [])
        {
            if (HeaderField.TryCreate(name, value, out var field))      // checked at intake
                fields.Add(field);
        }
        return fields;
    }
}

abstract record Composition
{
    Composition() { }

    public sealed record Ready(RenderedMessage Message) : Composition;

    /// <param name="Reason">A word of contracts/scaisend.md §5.2, for the dropped event.</param>
    public sealed record Failed(string Reason, string Detail) : Composition;
}
