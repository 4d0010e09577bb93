namespace Postrider.Mail.Addresses;

/// <summary>MAIL FROM. <see cref="Null"/> is a value, not a missing one: reports go out with it (RFC 5321 §4.5.5).</summary>
public sealed record ReversePath(Mailbox? Mailbox)
{
    public static ReversePath Null { get; } = new((Mailbox?)null);

    /// <summary>With its angle brackets, as MAIL FROM has it.</summary>
    public override string ToString() => Mailbox is null ? "<>" : $"<{Mailbox}>";
}
