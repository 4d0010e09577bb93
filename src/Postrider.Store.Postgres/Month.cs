using System.Globalization;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres;

/// <summary>A calendar month in UTC: what a partition holds.</summary>
readonly record struct Month(int Year, int Number) : IComparable<Month>
{
    public static Month Of(DateTimeOffset at) => new(at.UtcDateTime.Year, at.UtcDateTime.Month);

    public DateTimeOffset Begin => new(Year, Number, 1, 0, 0, 0, TimeSpan.Zero);

    public Month Next => Of(Begin.AddMonths(1));

    /// <summary>The first id that can be made in it.</summary>
    public Guid FirstId => IdRange.FirstAt(Begin);

    public int CompareTo(Month other) => Begin.CompareTo(other.Begin);

    /// <summary>As in a partition's name: <c>2026_11</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Year:D4}_{Number:D2}");

    public static bool TryParse(ReadOnlySpan<char> text, out Month month)
    {
        month = default;
        if (text is not [_, _, _, _, '_', _, _]
            || !int.TryParse(text[..4], NumberStyles.None, CultureInfo.InvariantCulture, out var year)
            || !int.TryParse(text[5..], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number is < 1 or > 12)
            return false;
        month = new Month(year, number);
        return true;
    }
}
