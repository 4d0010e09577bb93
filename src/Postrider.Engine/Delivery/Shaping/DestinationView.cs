namespace Postrider.Engine.Delivery.Shaping;

/// <summary>What keeps a destination's mail from going out faster.</summary>
public enum BindingLimit
{
    /// <summary>Nothing: what is due goes out.</summary>
    None,

    /// <summary>All connections that it is given at present are busy.</summary>
    Concurrency,

    /// <summary>Its rate is used up for the moment.</summary>
    Rate,

    /// <summary>It is left alone after a 421, repeated 4.7.x, silence, or because it cannot be reached.</summary>
    BackOff,

    /// <summary>DNS has no answer for the domain.</summary>
    Dns,

    /// <summary>This node holds as many messages for it as it may.</summary>
    Room,
}

/// <summary>A destination as one node sees it, for the operator.</summary>
/// <param name="Key">Its MX hosts.</param>
/// <param name="Domains">Recipient domains that had mail for it lately; the first <see cref="MostDomains"/>.</param>
/// <param name="Held">Messages waiting or under way on the node; the store has the rest.</param>
/// <param name="Connections">Open.</param>
/// <param name="ConnectionLimit">That it is given at present: what its rules, the nodes' share and its own replies allow.</param>
/// <param name="Until">When the limit that binds is looked at again; null when that depends on the far side.</param>
/// <param name="Reason">In words: the reply or the trouble that made it be left alone, the rate, the connections.</param>
/// <param name="LastReply">The last refusal for now, or what happened instead of a reply.</param>
public sealed record DestinationView(
    string Key, IReadOnlyList<string> Domains, int Held, int Connections, int ConnectionLimit, BindingLimit Binds, DateTimeOffset? Until,
    string? Reason, string? LastReply, DateTimeOffset? LastReplyAt)
{
    public const int MostDomains = 100;

    /// <summary>Characters of <see cref="Reason"/> and <see cref="LastReply"/> at most.</summary>
    public const int MostText = 500;
}
