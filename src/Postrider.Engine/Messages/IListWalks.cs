namespace Postrider.Engine.Messages;

/// <summary>
/// Remembers where the pages of a list ended, so that page n goes on where page n−1 stopped although rows have left the list since: the
/// published cancel loop walks pages of queued messages while it cancels them (contracts/scaisend.md, D8).
/// </summary>
/// <remarks>
/// Where several nodes serve, a walk's pages come from any of them, so they remember it together. What is lost is found by offset.
/// </remarks>
public interface IListWalks
{
    /// <returns>The last message of a page; null when nobody remembers it, or it was served before <paramref
    /// name="servedAfter"/>.</returns>
    ValueTask<MessageId?> EndOfAsync(ListWalk walk, int page, DateTimeOffset servedAfter, CancellationToken cancel);

    /// <summary>Page 1 begins the walk afresh: what was remembered of it is forgotten.</summary>
    ValueTask RememberAsync(ListWalk walk, int page, MessageId last, DateTimeOffset now, CancellationToken cancel);
}

/// <param name="Filter">Of all filters of the list.</param>
public readonly record struct ListWalk(TenantId Tenant, ApiKeyId Key, ContentHash Filter, int PageSize);
