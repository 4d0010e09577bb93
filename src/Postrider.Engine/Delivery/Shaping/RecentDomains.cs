namespace Postrider.Engine.Delivery.Shaping;

/// <summary>Which recipient domains had mail for a destination lately: a few, however many it hosts.</summary>
sealed class RecentDomains(TimeProvider time)
{
    static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    readonly Dictionary<string, long> _seen = new(StringComparer.Ordinal);

    public void Note(string domain)
    {
        if (_seen.Count < DestinationView.MostDomains || _seen.ContainsKey(domain))
            _seen[domain] = time.GetTimestamp();
    }

    public IReadOnlyList<string> List()
    {
        foreach (var (domain, at) in _seen)
        {
            if (time.GetElapsedTime(at) >= Remembered)
                _seen.Remove(domain);
        }
        return [.. _seen.Keys.Order(StringComparer.Ordinal)];
    }
}
