namespace Postrider.Bench.Products;

/// <summary>What the table has a column for.</summary>
/// <param name="Name">As <c>--only</c> takes it.</param>
/// <param name="Divisor">A round sends this fraction of <c>--messages</c>: a rate needs so many seconds, not so many messages.</param>
/// <param name="Connections">
/// How many clients submit at once: what suits the product best. Postfix forks a process for each and loses pace beyond 20.
/// </param>
/// <param name="Signed">Must its mail carry a DKIM-Signature?</param>
sealed record Product(
    string Name, string Title, int Divisor, int Connections, bool Signed, Func<Destinations, CancellationToken, Task<IProductUnderTest>> StartAsync)
{
    public static readonly Product Postrider = new(
        "postrider", "postrider", 1, 64, true, async (to, cancel) => await PostriderUnderTest.StartAsync(to, cancel));

    public static readonly Product PostfixOpenDkim = new(
        "postfix-opendkim", "Postfix + OpenDKIM", 4, 20, true, async (to, cancel) => await PostfixUnderTest.StartAsync(to, signed: true, cancel));

    public static readonly Product Postfix = new(
        "postfix", "Postfix unsigned", 4, 20, false, async (to, cancel) => await PostfixUnderTest.StartAsync(to, signed: false, cancel));

    public static readonly IReadOnlyList<Product> All = [Postrider, PostfixOpenDkim, Postfix];

    /// <summary>What the ratios are to.</summary>
    public static Product Reference => PostfixOpenDkim;
}
