namespace Postrider.Engine.Delivery.Shaping;

/// <summary>
/// How much a destination shows it can take, of what it is allowed: fewer connections and a lower rate when it asks for less, more with its
/// successes, and nothing at all for a while when it says 421 or cannot be reached.
/// </summary>
/// <remarks>
/// Additive increase and multiplicative decrease, as in TCP. It starts small and each success allows one connection more, as Postfix does;
/// once it was told to slow down, only half of what was too much comes back that fast, and beyond it each round of successes brings one
/// more. Not for several threads: its destination's lock guards it.
/// </remarks>
sealed class Pace(int initialConnections)
{
    /// <summary>
    /// Replies to what was sent before a cut are about the pace before it: within this time they are taken as one. A guess at a round trip.
    /// </summary>
    public static readonly TimeSpan BetweenCuts = TimeSpan.FromSeconds(1);

    /// <summary>A sixteenth of a rate is always made use of: else nobody would notice when it could be more.</summary>
    const int LeastRate = MessageBudget.FullPace / 16;

    double _connections = initialConnections;
    double _fastUpTo = double.MaxValue;
    DateTimeOffset _cutAt = DateTimeOffset.MinValue;
    int _cuts;

    /// <summary>Allowed at present, if no more are allowed at all.</summary>
    public int Connections => (int)_connections;

    /// <summary>How much of the rates to make use of, of <see cref="MessageBudget.FullPace"/>.</summary>
    public int Rate { get; private set; } = MessageBudget.FullPace;

    /// <summary>Times in a row that it had to be left alone.</summary>
    public int Failures { get; private set; }

    public DateTimeOffset LeftAloneUntil { get; private set; }

    /// <summary>What last made it be left alone, or slowed down.</summary>
    public string? Reason { get; private set; }

    /// <param name="most">Connections it may have in all.</param>
    public void Succeeded(int most)
    {
        (Failures, _cuts) = (0, 0);
        _connections = Math.Min(most, _connections + (_connections < _fastUpTo ? 1 : 1 / _connections));
        Rate = Math.Min(MessageBudget.FullPace, Rate + 1);
    }

    /// <summary>It said no, but it is there.</summary>
    public void Answered() => Failures = 0;

    /// <summary>It asks for less: half of everything.</summary>
    /// <returns>False when there is no less, and nothing has succeeded since it was last slowed down: it is to be left alone.</returns>
    public bool TrySlowDown(DateTimeOffset now, string reason)
    {
        if (now - _cutAt < BetweenCuts)
            return true;
        if (Connections == 1 && _cuts > 0)
            return false;
        Cut(now);
        Reason = reason;
        return true;
    }

    /// <summary>More connections than are open cannot be had.</summary>
    public void KeepTo(int connections) => _connections = _fastUpTo = Math.Max(1, connections);

    /// <param name="isThrottled">It is there, and asks for less: what it is given afterwards is less, too.</param>
    /// <param name="pause">By the failures in a row, this one included.</param>
    /// <returns>Null when it is left alone already.</returns>
    public TimeSpan? LeaveAlone(DateTimeOffset now, string reason, bool isThrottled, Func<int, TimeSpan> pause)
    {
        if (LeftAloneUntil > now)
            return null;
        if (isThrottled)
            Cut(now);
        var length = pause(++Failures);
        (LeftAloneUntil, Reason) = (now + length, reason);
        _connections = 1;
        return length;
    }

    void Cut(DateTimeOffset now)
    {
        _cutAt = now;
        _cuts++;
        _connections = _fastUpTo = Math.Max(1, Connections / 2);
        Rate = Math.Max(LeastRate, Rate / 2);
    }
}
