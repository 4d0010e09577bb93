using System.Globalization;
using System.Net;

namespace Postrider.Configuration;

/// <summary>
/// Reads settings one by one and collects what is wrong with any of them, unknown names included, so that the operator is told everything
/// at once. Every value is text: from a file, the environment and flags alike.
/// </summary>
/// <remarks>Durations are <c>250ms</c>, <c>30s</c>, <c>5m</c>, <c>8h</c>, <c>3d</c>, or <c>[d.]hh:mm:ss</c>.</remarks>
sealed class SettingsReader(IConfiguration configuration)
{
    readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
    readonly List<string> _faults = [];

    public string? Text(string name)
    {
        _known.Add(name);
        return configuration[name] is { Length: > 0 } value ? value.Trim() : null;
    }

    public string Text(string name, string otherwise) => Text(name) ?? otherwise;

    public bool Flag(string name, bool otherwise) =>
        Read(name, otherwise, "true or false", text => bool.TryParse(text, out var value) ? value : null);

    public int Number(string name, int otherwise, int least, int most) => Read(
        name, otherwise, $"a whole number from {least} to {most}",
        text => int.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value : null);

    public double Share(string name, double otherwise, double most) => Read(
        name, otherwise, $"a number from 0 to {most.ToString(CultureInfo.InvariantCulture)}",
        text => double.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= 0 && value <= most ? value : (double?)null);

    public TimeSpan Duration(string name, TimeSpan otherwise, TimeSpan? least = null) => Read(
        name, otherwise, $"a duration such as 250ms, 30s, 5m, 8h or 3d{(least is { } l ? $", at least {l}" : "")}",
        text => TryDuration(text, out var value) && value >= (least ?? TimeSpan.Zero) ? value : (TimeSpan?)null);

    public IReadOnlyList<TimeSpan> Durations(string name, IReadOnlyList<TimeSpan> otherwise)
    {
        if (Text(name) is not { } text)
            return otherwise;
        var durations = new List<TimeSpan>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!TryDuration(part, out var duration) || duration <= TimeSpan.Zero)
                return Fault(name, $"\"{part}\" in it is not a duration such as 250ms, 30s, 5m or 8h", otherwise);
            durations.Add(duration);
        }
        return durations;
    }

    /// <summary>What <paramref name="parse"/> makes of the text, or null with a fault noted.</summary>
    public T Parsed<T>(string name, T otherwise, string expected, Func<string, T?> parse) where T : class =>
        Text(name) is not { } text ? otherwise : parse(text) ?? Fault(name, $"\"{text}\" is not {expected}", otherwise);

    public IPEndPoint? EndPoint(string name, IPEndPoint? otherwise, int defaultPort) =>
        Text(name) is not { } text ? otherwise
        : string.Equals(text, "off", StringComparison.OrdinalIgnoreCase) ? null
        : IPEndPoint.TryParse(text, out var value)
            ? (value.Port == 0 && !text.EndsWith(":0", StringComparison.Ordinal) ? new(value.Address, defaultPort) : value)
        : Fault(name, $"\"{text}\" is not address:port", otherwise);

    public T Fault<T>(string name, string problem, T otherwise)
    {
        _faults.Add($"{name}: {problem}.");
        return otherwise;
    }

    /// <summary>Every fault, those about names nobody asked for included. To be called last.</summary>
    public IReadOnlyList<string> Faults()
    {
        var unknown = configuration.AsEnumerable()
            .Where(pair => pair.Value is not null && !_known.Contains(pair.Key))
            .Select(pair => $"{pair.Key}: there is no such setting.");
        return [.. _faults, .. unknown.Order(StringComparer.Ordinal)];
    }

    T Read<T>(string name, T otherwise, string expected, Func<string, T?> parse) where T : struct =>
        Text(name) is not { } text ? otherwise : parse(text) ?? Fault(name, $"\"{text}\" is not {expected}", otherwise);

    public static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = default;
        var digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits < 0 || text.Contains(':', StringComparison.Ordinal))
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration) && text.Contains(':', StringComparison.Ordinal);
        if (digits is 0 or > 9)
            return false;
        var number = int.Parse(text.AsSpan(0, digits), CultureInfo.InvariantCulture);
        TimeSpan? unit = text[digits..] switch
        {
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            "d" => TimeSpan.FromDays(1),
            _ => null,
        };
        if (unit is not { } u || number > TimeSpan.FromDays(36_500) / u)
            return false;
        duration = number * u;
        return true;
    }
}
