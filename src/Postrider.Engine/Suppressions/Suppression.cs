using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Suppressions;

/// <summary>
/// The lists of addresses a tenant's mail is kept from: contracts/scaisend.md §8.5. The numbers are what the stores keep.
/// </summary>
public enum SuppressionList : byte
{
    /// <summary>May hold an address several times, once for each time it bounced.</summary>
    Bounces = 0,
    SpamReports = 1,
    GlobalUnsubscribes = 2,
    GroupUnsubscribes = 3,
}

/// <summary>What a row of the bounce list tells. The numbers are what the stores keep.</summary>
public enum BounceType : byte
{
    /// <summary>There is no such mailbox: the only type that keeps later mail from it.</summary>
    Hard = 0,

    /// <summary>The mailbox is there and did not take the message, for being full for example.</summary>
    Soft = 1,

    /// <summary>Refused for policy or reputation: about the sender or the message.</summary>
    Block = 2,
}

/// <summary>An address on a list, with what put it there.</summary>
public sealed record Suppression
{
    /// <summary>Rows of the bounce list kept for one address and type; the oldest go. A guess at what tells a person something.</summary>
    public const int MostOfOneAddress = 10;

    /// <summary>Of the bounce that caused it the event's id, so that recording it twice makes one row; else a new id.</summary>
    public required Guid Id { get; init; }
    public required SuppressionList List { get; init; }

    /// <summary>Compared by its key, in any case.</summary>
    public required Mailbox Address { get; init; }

    /// <summary>The unsubscribe group; 0 on the other lists.</summary>
    public int Group { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The evidence in words: the reply or the report that caused it, or what whoever added it wrote.</summary>
    public string? Reason { get; init; }

    /// <summary>On the bounce list only.</summary>
    public BounceType? BounceType { get; init; }

    /// <summary>Enhanced status code, e.g. 5.1.1 (RFC 3463).</summary>
    public string? Status { get; init; }

    /// <summary>The message that bounced or was complained about; null when a person or an import added the row.</summary>
    public MessageId? Message { get; init; }
}
