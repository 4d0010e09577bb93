namespace Postrider.Bench.Products;

/// <summary>What the table has a column for.</summary>
/// <param name="Name">As <c>--only</c> takes it.</param>
/// <param name="Divisor">A round sends this fraction of <c>--messages</c>: a rate needs so many seconds, not so many messages.</param>
/// <param name="Connections">
/// How many clients submit at once: what suits the product best. Postfix forks a process for each and loses pace beyond 20.
/// </param>
/// <param name="Signed">Must its mail carry a DKIM-Signature?</param>
sealed record Product(
    string Name, string Title, int Divisor, int Connections, bool Signed,
    Func<Destinations, BenchOptions, CancellationToken, Task<IProductUnderTest>> StartAsync)
{
    public static readonly Product Postrider = new(
        "postrider", "postrider", 1, 64, true,
        async (to, options, cancel) => await PostriderUnderTest.OnSqliteAsync(to, options.Tenants, cancel));

    /// <summary>On PostgreSQL, with one node.</summary>
    public static readonly Product OneNode = Postrider with
    {
        Title = "postrider, 1 node",
        StartAsync = async (to, options, cancel) => await PostriderUnderTest.OnPostgresAsync(to, nodes: 1, options.Tenants, cancel),
    };

    public static readonly Product TwoNodes = Postrider with
    {
        Name = "postrider-2-nodes",
        Title = "postrider, 2 nodes",
        StartAsync = async (to, options, cancel) => await PostriderUnderTest.OnPostgresAsync(to, nodes: 2, options.Tenants, cancel),
    };

    public static readonly Product PostfixOpenDkim = new(
        "postfix-opendkim", "Postfix + OpenDKIM", 4, 20, true,
        async (to, _, cancel) => await PostfixUnderTest.StartAsync(to, signed: true, cancel));

    public static readonly Product Postfix = new(
        "postfix", "Postfix unsigned", 4, 20, false,
        async (to, _, cancel) => await PostfixUnderTest.StartAsync(to, signed: false, cancel));

    /// <summary>What the ratios are to.</summary>
    public static Product Reference => PostfixOpenDkim;

    /// <summary>The columns, in their order.</summary>
    public static IReadOnlyList<Product> All(BenchStore store) => store switch
    {
        BenchStore.Sqlite => [Postrider, PostfixOpenDkim, Postfix],
        _ => [OneNode, TwoNodes, PostfixOpenDkim, Postfix],
    };

    /// <summary>Who is given a backlog.</summary>
    public static Product Backlogged(BenchStore store) => store is BenchStore.Sqlite ? Postrider : OneNode;
}
