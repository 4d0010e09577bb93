namespace Postrider.Engine.Queue;

public sealed record QueueOptions
{
    /// <summary>Messages a node holds leased at most: what memory holds of the queue. 1 to 100,000, default 2,000.</summary>
    public int MaxLeased { get; init; } = 2_000;

    /// <summary>Messages leased of one backlog at a time. Default 100.</summary>
    public int ClaimPage { get; init; } = 100;

    /// <summary>
    /// How long a lease holds unless renewed. Default 45 s, so that a dead node's messages are taken over within a minute.
    /// </summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>How often leases are renewed; a third of <see cref="Lease"/> lets two renewals fail. Default 15 s.</summary>
    public TimeSpan RenewInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often ended leases of dead nodes are looked for. Default 5 s.</summary>
    public TimeSpan RescueInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often the dispatcher looks at the whole queue in case a wake-up was lost. Default 30 s.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often messages past their lifetime are looked for behind destinations that are left alone. Default 10 min.</summary>
    public TimeSpan ExpiryInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a shutdown waits for what is under way. Default 25 s, within the 30 s most supervisors give.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(25);
}
