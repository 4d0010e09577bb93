using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Delivery.Shaping;

public sealed class RateGateTests : IQueueWakeup
{
    readonly ManualTime _time = new();
    readonly Queue<BacklogKey> _due = new();

    void IQueueWakeup.Due(Backlog backlog) => _due.Enqueue(backlog.Key);

    [Fact]
    public void Tenants_that_wait_get_equal_shares_however_many_backlogs_they_have()
    {
        var gate = Gate("10/s");
        var (big, small) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        foreach (var key in Enumerable.Range(0, 50).Select(i => Key(big, $"d{i}.example")).Append(Key(small, "one.example")))
            _due.Enqueue(key);

        var taken = RunFor(gate, TimeSpan.FromMinutes(1), _ => 1_000);

        Assert.InRange(taken[small], 290, 310);
        Assert.InRange(taken[big], 290, 310);
    }

    [Fact]
    public void A_thousand_backlogs_of_one_message_each_use_all_of_the_rate()
    {
        var gate = Gate("600/min");
        foreach (var i in Enumerable.Range(0, 1_000))
            _due.Enqueue(Key(Guid.Empty, $"d{i}.example"));
        var left = Enumerable.Range(0, 1_000).ToDictionary(i => $"d{i}.example", _ => 1);

        var taken = RunFor(gate, TimeSpan.FromSeconds(60), key => left[key.Domain], (key, count) => left[key.Domain] -= count);

        Assert.InRange(taken[Guid.Empty], 540, 660);
    }

    [Fact]
    public void A_high_rate_is_reached_with_few_calls()
    {
        var gate = Gate("5000/s");
        _due.Enqueue(Key(Guid.Empty, "a.example"));
        var rounds = 0;

        var taken = RunFor(gate, TimeSpan.FromSeconds(10), _ => 1_000_000, (_, count) => rounds += count > 0 ? 1 : 0);

        Assert.InRange(taken[Guid.Empty], 49_500, 50_500);
        Assert.InRange(rounds, 495, 550);      // a page of 100 each, as the dispatcher claims
    }

    [Fact]
    public void Nodes_that_join_and_leave_count_at_once()
    {
        var nodes = 1;
        var gate = Gate("100/s", () => nodes);
        _due.Enqueue(Key(Guid.Empty, "a.example"));

        var alone = RunFor(gate, TimeSpan.FromSeconds(10), _ => 1_000)[Guid.Empty];
        nodes = 4;
        var among = RunFor(gate, TimeSpan.FromSeconds(10), _ => 1_000)[Guid.Empty];

        Assert.InRange(alone, 980, 1_010);
        Assert.InRange(among, 240, 262);
    }

    [Fact]
    public void Nobody_waits_and_nothing_rings_when_there_is_no_rate()
    {
        var gate = new RateGate(new MessageBudget([], _time), () => 1, this, _time, CancellationToken.None);

        Assert.Equal(100_000, gate.Take(Key(Guid.Empty, "a.example"), 100_000));
        Assert.Null(gate.Wait);
    }

    /// <summary>Serves what is due, as the dispatcher does; whoever is served and has more is due again.</summary>
    Dictionary<Guid, int> RunFor(RateGate gate, TimeSpan time, Func<BacklogKey, int> left, Action<BacklogKey, int>? served = null)
    {
        var taken = new Dictionary<Guid, int>();
        for (var end = _time.GetUtcNow() + time; _time.GetUtcNow() < end; _time.Advance(TimeSpan.FromMilliseconds(5)))
        {
            for (var rounds = _due.Count; rounds > 0; rounds--)
            {
                var key = _due.Dequeue();
                var granted = gate.Take(key, 100);
                var count = Math.Min(granted, left(key));
                gate.Return(granted - count);
                taken[key.Tenant.Value] = taken.GetValueOrDefault(key.Tenant.Value) + count;
                served?.Invoke(key, count);
                if (granted > 0 && left(key) > 0)
                    _due.Enqueue(key);
            }
        }
        return taken;
    }

    RateGate Gate(string rate, Func<int>? nodes = null) => new(
        new MessageBudget([MessageRate.TryParse(rate, out var parsed) ? parsed : throw new ArgumentException(rate, nameof(rate))], _time),
        nodes ?? (() => 1), this, _time, CancellationToken.None);

    static BacklogKey Key(Guid tenant, string domain) => new(new TenantId(tenant), domain);
}
