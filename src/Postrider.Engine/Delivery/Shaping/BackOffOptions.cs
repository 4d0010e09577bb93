namespace Postrider.Engine.Delivery.Shaping;

/// <summary>
/// How long a destination is left alone that says 421, keeps saying 4.7.x, is silent or cannot be reached: twice as long each time in a
/// row.
/// </summary>
public sealed record BackOffOptions
{
    static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15);

    /// <summary>The first pause. Null, the default, is half of what a message waits after its first failure: 30 s.</summary>
    public TimeSpan? First { get; init; }

    /// <summary>
    /// No pause is longer. Null, the default, is 15 minutes (a guess: a host that is back is not left waiting for long), or half of what a
    /// message waits in the end, if that is less.
    /// </summary>
    public TimeSpan? Most { get; init; }

    /// <param name="failures">In a row: 1 or more.</param>
    /// <param name="ownFirst">The destination's own first pause, if it has one.</param>
    /// <param name="retry">Its jitter counts here too.</param>
    public TimeSpan Pause(int failures, TimeSpan? ownFirst, RetryOptions retry, Random random)
    {
        var first = ownFirst ?? First ?? retry.Delays[0] / 2;
        var half = retry.Delays[^1] / 2;
        var most = Most ?? (half < Quarter ? half : Quarter);
        var doubled = first * Math.Pow(2, Math.Min(failures, 30) - 1);
        return retry.Jittered(doubled < most ? doubled : first < most ? most : first, random);
    }
}
