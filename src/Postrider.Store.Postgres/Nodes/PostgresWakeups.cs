using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Postgres.Nodes;

/// <summary>
/// Tells other nodes what waits, and hears it from them. A node that is idle tells at once; a busy one tells what gathered, each backlog
/// once, with its earliest due time.
/// </summary>
/// <remarks>
/// Told after the commit. What is lost on the way the dispatcher finds by looking at the store itself: it is told to whenever listening
/// begins anew.
/// </remarks>
public sealed class PostgresWakeups : IAsyncDisposable
{
    const string Topic = "postrider_queue";

    /// <summary>Between two sends, so that a busy node does not wake the others for every message. A guess.</summary>
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>What a stop gives the last wake-ups, which tell of what this node has just given back. A guess.</summary>
    static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    readonly NodeChannel _channel;
    readonly PostgresStore _store;
    readonly Lock _lock = new();
    readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly CancellationTokenSource _stop = new();
    readonly Task _work;
    Dictionary<BacklogKey, DateTimeOffset> _gathered = [];

    /// <param name="channel">Not started yet.</param>
    /// <param name="noted">Called for each backlog another node tells of; must not wait. <see cref="IQueueWakeup.Due"/> is meant.</param>
    public PostgresWakeups(NodeChannel channel, PostgresStore store, Action<Backlog> noted)
    {
        (_channel, _store) = (channel, store);
        channel.Hear(Topic, lines => Read(lines, noted));
        store.Waiting += Gather;
        _work = channel.RepeatAsync(SendAsync, _stop.Token);
    }

    /// <summary>Tells what has gathered first.</summary>
    public async ValueTask DisposeAsync()
    {
        _store.Waiting -= Gather;
        await _stop.CancelAsync();
        await _work;
        using (var farewell = new CancellationTokenSource(Farewell, _channel.Time))
        {
            try
            {
                await SendGatheredAsync(farewell.Token).WaitAsync(farewell.Token);
            }
            catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
            {
                // The others find it in their own time.
            }
        }
        _stop.Dispose();
    }

    void Gather(Backlog backlog)
    {
        lock (_lock)
        {
            if (!_gathered.TryGetValue(backlog.Key, out var due) || backlog.NextDueAt < due)
                _gathered[backlog.Key] = backlog.NextDueAt;
        }
        _signal.Writer.TryWrite(true);
    }

    async Task SendAsync(CancellationToken cancel)
    {
        await _signal.Reader.ReadAsync(cancel);
        await SendGatheredAsync(cancel);
        await Task.Delay(Pause, _channel.Time, cancel);
    }

    async Task SendGatheredAsync(CancellationToken cancel)
    {
        Dictionary<BacklogKey, DateTimeOffset> gathered;
        lock (_lock) (gathered, _gathered) = (_gathered, []);
        try
        {
            foreach (var text in Write(gathered))
                await _channel.SayAsync(Topic, text, cancel);
        }
        catch
        {
            foreach (var (key, due) in gathered)
                Gather(new Backlog(key, due));      // the next send tells it; twice does no harm
            throw;
        }
    }

    /// <summary>A line a backlog: lane, tenant, due time in Unix milliseconds, domain.</summary>
    static IEnumerable<string> Write(Dictionary<BacklogKey, DateTimeOffset> backlogs)
    {
        var text = new StringBuilder();
        foreach (var (key, due) in backlogs)
        {
            var line = string.Create(
                CultureInfo.InvariantCulture, $"{Lane.Of(key.Tenant)} {key.Tenant.Value:N} {due.ToUnixTimeMilliseconds()} {key.Domain}");
            if (text.Length + 1 + line.Length > NodeChannel.LongestText)
            {
                yield return text.ToString();
                text.Clear();
            }
            if (text.Length > 0)
                text.Append('\n');
            text.Append(line);
        }
        if (text.Length > 0)
            yield return text.ToString();
    }

    /// <summary>What is not understood, as from a newer node, is passed over: it would be found later anyway.</summary>
    static void Read(string[] lines, Action<Backlog> noted)
    {
        foreach (var line in lines)
        {
            if (line.Split(' ') is [_, var tenant, var due, var domain]
                && Guid.TryParseExact(tenant, "N", out var id)
                && long.TryParse(due, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds)
                && milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds()
                && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
                noted(new Backlog(new BacklogKey(new TenantId(id), domain), DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)));
        }
    }
}
