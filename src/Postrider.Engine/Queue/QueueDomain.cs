using Postrider.Engine.Messages;

namespace Postrider.Engine.Queue;

static class QueueDomain
{
    /// <summary>For messages to several domains: they are claimed together and split when they are rendered.</summary>
    public const string Several = "";

    /// <returns>The A-label domain that all recipients still open share, or <see cref="Several"/>.</returns>
    public static string Of(IReadOnlyList<StoredRecipient> recipients)
    {
        string? shared = null;
        foreach (var recipient in recipients)
        {
            if (recipient.State != RecipientState.Open)
                continue;
            var domain = recipient.Address.Mailbox.Domain.Ascii;
            if (shared is not null && shared != domain)
                return Several;
            shared = domain;
        }
        return shared ?? Several;
    }
}
