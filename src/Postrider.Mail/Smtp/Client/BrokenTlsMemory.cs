namespace Postrider.Mail.Smtp.Client;

/// <summary>
/// Hosts that offer STARTTLS and then cannot speak it, so that each is tried in vain once a day and not once a message.
/// Lives in memory: after a restart they are found out again.
/// </summary>
/// <param name="capacity">Hosts remembered; when full, the one to be forgotten soonest goes.</param>
public sealed class BrokenTlsMemory(TimeProvider time, TimeSpan? forgetAfter = null, int capacity = 10_000)
{
    readonly Lock _lock = new();
    readonly Dictionary<string, DateTimeOffset> _until = new(StringComparer.OrdinalIgnoreCase);
    readonly TimeSpan _forgetAfter = forgetAfter ?? TimeSpan.FromDays(1);

    public bool IsBroken(string host)
    {
        lock (_lock)
            return _until.TryGetValue(host, out var until) && until > time.GetUtcNow();
    }

    public void Remember(string host)
    {
        lock (_lock)
        {
            if (_until.Count >= capacity && !_until.ContainsKey(host))
                MakeRoom_UnderLock();
            _until[host] = time.GetUtcNow() + _forgetAfter;
        }
    }

    void MakeRoom_UnderLock()
    {
        var now = time.GetUtcNow();
        foreach (var (host, until) in _until)
        {
            if (until <= now)
                _until.Remove(host);
        }
        if (_until.Count >= capacity)
            _until.Remove(_until.MinBy(entry => entry.Value).Key);
    }
}
