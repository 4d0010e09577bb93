namespace Postrider.Engine.Bounces;

/// <summary>Why a delivery failed, or waits. Each has its row in docs/operate/bounces.md; a test holds the two together.</summary>
public enum BounceCategory : byte
{
    Other,
    NoSuchMailbox,
    NoSuchDomain,
    MailboxDisabled,
    MailboxFull,
    MessageTooLarge,

    /// <summary>What the message holds: spam, a virus, an attachment.</summary>
    Content,

    /// <summary>A rule of theirs that none of the others names.</summary>
    Policy,

    /// <summary>Our address or a domain of the message is on a list.</summary>
    Blocklist,

    /// <summary>What they think of our address or domain, without a list.</summary>
    Reputation,
    Throttled,
    Greylisted,

    /// <summary>SPF, DKIM, DMARC, or an address without a PTR record.</summary>
    Authentication,
    RelayDenied,
    Protocol,
    Network,
}

public static class BounceCategories
{
    /// <summary>By category: <c>no-such-mailbox</c>.</summary>
    public static IReadOnlyList<string> Words { get; } = BounceWords.Of<BounceCategory>();

    public static string Word(this BounceCategory category) => Words[(int)category];

    /// <summary>Says something about the recipient's mailbox, which nobody can before RCPT has named it.</summary>
    internal static bool IsAboutTheMailbox(this BounceCategory category) =>
        category is BounceCategory.MailboxFull || category.MayBeHard();

    /// <summary>
    /// Whether mail to the recipient may be stopped for it. All others are about us, the message or the way, and never do that.
    /// </summary>
    internal static bool MayBeHard(this BounceCategory category) =>
        category is BounceCategory.NoSuchMailbox or BounceCategory.NoSuchDomain or BounceCategory.MailboxDisabled;
}

/// <summary>What is done about it.</summary>
public enum BounceAction : byte
{
    /// <summary>Tried again; used up, it ends as a soft bounce.</summary>
    Retry,

    /// <summary>Tried again, the destination slower; used up, it ends as failed.</summary>
    RetryThrottled,

    /// <summary>A bounce at once; the recipient is mailed again next time.</summary>
    Soft,

    /// <summary>Refused for what we are or send; the recipient is mailed again next time.</summary>
    Block,

    /// <summary>A bounce at once, and the recipient is suppressed.</summary>
    Hard,
}

static class BounceWords
{
    /// <summary>The names of an enum as configuration and JSON write them: <c>NoSuchMailbox</c> is <c>no-such-mailbox</c>.</summary>
    public static string[] Of<T>() where T : struct, Enum => Array.ConvertAll(Enum.GetNames<T>(), Word);

    public static bool TryRead<T>(string word, out T value) where T : struct, Enum
    {
        var index = Array.IndexOf(Of<T>(), word);
        value = index < 0 ? default : Enum.GetValues<T>()[index];
        return index >= 0;
    }

    static string Word(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) ? $"{(i > 0 ? "-" : "")}{char.ToLowerInvariant(c)}" : $"{c}"));
}
