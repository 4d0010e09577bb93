using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Queue;

public sealed class NodePresenceTests : INodeStore, IDisposable
{
    static readonly Node Me = new(new NodeId(new Guid("01987f00-0000-7000-8000-000000000001")), "here:1", DateTimeOffset.UnixEpoch);

    readonly ManualTime _time = new(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
    readonly List<NodeId> _left = [];
    readonly NodePresence _presence;
    Func<NodeCensus> _answer;
    (DateTimeOffset Now, DateTimeOffset DeadBefore) _asked;

    public NodePresenceTests()
    {
        _presence = new NodePresence(this, Me, _time, NullLogger<NodePresence>.Instance);
        _answer = () => new NodeCensus(3, _time.GetUtcNow());
    }

    [Fact]
    public async Task A_node_is_one_of_those_that_were_seen_lately()
    {
        Assert.Equal(1, _presence.LiveNodes);

        await _presence.BeatAsync(CancellationToken.None);

        Assert.Equal(3, _presence.LiveNodes);
        Assert.Equal((_time.GetUtcNow(), _time.GetUtcNow().AddSeconds(-20)), _asked);
    }

    [Fact]
    public async Task The_last_number_stands_while_the_store_is_away_and_a_node_is_never_none()
    {
        await _presence.BeatAsync(CancellationToken.None);
        _answer = () => throw new StoreUnavailableException("away");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _presence.BeatAsync(CancellationToken.None));
        Assert.Equal(3, _presence.LiveNodes);

        _answer = () => new NodeCensus(0, _time.GetUtcNow());
        await _presence.BeatAsync(CancellationToken.None);

        Assert.Equal(1, _presence.LiveNodes);
    }

    [Fact]
    public async Task The_clock_is_compared_with_the_stores_half_way_through_the_look()
    {
        _answer = () =>
        {
            var stored = _time.GetUtcNow() + TimeSpan.FromSeconds(1) - TimeSpan.FromSeconds(9);
            _time.Advance(TimeSpan.FromSeconds(2));
            return new NodeCensus(1, stored);
        };

        await _presence.BeatAsync(CancellationToken.None);

        Assert.Equal(TimeSpan.FromSeconds(9), _presence.Skew);
    }

    /// <summary>Else a node whose clock is set ahead takes what others are sending for abandoned, until it looks the next time.</summary>
    [Theory]
    [InlineData(3600)]
    [InlineData(-3600)]
    public async Task What_the_clock_is_set_by_counts_before_the_next_look(int seconds)
    {
        _answer = () => new NodeCensus(1, _time.GetUtcNow() - TimeSpan.FromSeconds(2));
        await _presence.BeatAsync(CancellationToken.None);

        _time.Advance(TimeSpan.FromSeconds(3));
        _time.SetWallClock(TimeSpan.FromSeconds(seconds));

        Assert.Equal(TimeSpan.FromSeconds(2 + seconds), _presence.Skew);
    }

    [Fact]
    public async Task A_node_that_stops_says_so_and_starts_although_the_store_is_away()
    {
        _answer = () => throw new StoreUnavailableException("away");

        await _presence.StartAsync(CancellationToken.None);
        await _presence.StopAsync(CancellationToken.None);

        Assert.Equal([Me.Id], _left);
    }

    Task<NodeCensus> INodeStore.BeatAsync(Node node, DateTimeOffset now, DateTimeOffset deadBefore, CancellationToken cancel)
    {
        Assert.Equal(Me, node);
        _asked = (now, deadBefore);
        return Task.FromResult(_answer());
    }

    Task INodeStore.LeaveAsync(NodeId node, CancellationToken cancel)
    {
        _left.Add(node);
        return Task.CompletedTask;
    }

    public void Dispose() => _presence.Dispose();
}
