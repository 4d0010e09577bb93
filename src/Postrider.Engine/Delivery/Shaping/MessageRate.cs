using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Postrider.Engine.Delivery.Shaping;

/// <summary>So many messages in a period, as <c>20/s</c>, <c>600/min</c>, <c>5000/h</c> or <c>20000/d</c>.</summary>
public readonly record struct MessageRate
{
    /// <summary>A guess: far above what anybody sends to one destination. <see cref="MessageBudget"/> counts in 64 bits.</summary>
    public const int MostMessages = 1_000_000;

    static readonly (string Unit, TimeSpan Period)[] Units =
    [
        ("s", TimeSpan.FromSeconds(1)), ("min", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1)),
    ];

    MessageRate(int messages, TimeSpan period) => (Messages, Period) = (messages, period);

    /// <summary>1 to <see cref="MostMessages"/>.</summary>
    public int Messages { get; }

    /// <summary>A second, a minute, an hour or a day.</summary>
    public TimeSpan Period { get; }

    public static bool TryParse(string text, out MessageRate rate)
    {
        rate = default;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 1 || !int.TryParse(text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out var messages)
            || messages is < 1 or > MostMessages)
            return false;
        foreach (var (unit, period) in Units)
        {
            if (text.AsSpan(slash + 1).SequenceEqual(unit))
            {
                rate = new MessageRate(messages, period);
                return true;
            }
        }
        return false;
    }

    /// <summary>Several, separated by commas: all of them hold. <c>unlimited</c> is none.</summary>
    public static bool TryParseAll(string text, [NotNullWhen(true)] out IReadOnlyList<MessageRate>? rates)
    {
        rates = null;
        if (text == "unlimited")
        {
            rates = [];
            return true;
        }
        var parsed = new List<MessageRate>();
        foreach (var part in text.Split(','))
        {
            if (!TryParse(part, out var rate))
                return false;
            parsed.Add(rate);
        }
        rates = parsed;
        return true;
    }

    public override string ToString()
    {
        var period = Period;
        return string.Create(CultureInfo.InvariantCulture, $"{Messages}/{Array.Find(Units, unit => unit.Period == period).Unit}");
    }
}
