using Postrider.Store.Postgres.Writing;
using Postrider.Testing;

namespace Postrider.Store.Conformance.Postgres;

public sealed class LaneQueueTests : IDisposable
{
    static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    readonly ManualTime _time = new();
    readonly LaneQueue<Write> _queue;

    public LaneQueueTests() => _queue = new LaneQueue<Write>(capacity: 100, groupLimit: 4, groupOctets: 1_000, Pace, _time);

    public void Dispose() => _queue.Dispose();

    sealed class Write(short lane, int patience) : PendingWrite<bool>(lane, CancellationToken.None)
    {
        public override TimeSpan Patience => TimeSpan.FromMilliseconds(patience);
    }

    async Task AddAsync(short lane = 3, int patience = 0, int count = 1)
    {
        for (var i = 0; i < count; i++)
            await _queue.AddAsync(new Write(lane, patience), CancellationToken.None);
    }

    /// <returns>How many writes the lane's group had.</returns>
    async Task<int> TakeAsync(short lane = 3)
    {
        Assert.Equal(lane, await _queue.NextLaneAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        var group = new List<Write>();
        _queue.Take(lane, group);
        return group.Count;
    }

    /// <summary>Of the lanes that the test is about: turns come in the order they were given, and one given now is the first.</summary>
    async Task AssertNoTurnAsync()
    {
        await AddAsync(lane: 60);
        Assert.Equal(1, await TakeAsync(lane: 60));
    }

    [Fact]
    public async Task A_lane_that_has_rested_gets_its_turn_at_once()
    {
        await AddAsync();
        Assert.Equal(1, await TakeAsync());

        _time.Advance(Pace);
        await AddAsync();
        Assert.Equal(1, await TakeAsync());
    }

    [Fact]
    public async Task What_comes_within_the_pace_of_the_last_group_waits_for_its_end_and_is_one_group()
    {
        await AddAsync();
        await TakeAsync();

        await AddAsync();
        _time.Advance(Pace / 2);
        await AddAsync();
        await AssertNoTurnAsync();
        _time.Advance(Pace / 2);

        Assert.Equal(2, await TakeAsync());
    }

    [Fact]
    public async Task A_full_group_does_not_wait()
    {
        await AddAsync();
        await TakeAsync();

        await AddAsync(count: 5);

        Assert.Equal(4, await TakeAsync());
        Assert.Equal(1, await TakeAsync());
    }

    [Fact]
    public async Task A_patient_write_goes_with_the_next_impatient_one_of_its_lane()
    {
        await AddAsync(patience: 20);
        await AssertNoTurnAsync();
        await AddAsync();
        Assert.Equal(2, await TakeAsync());

        // The turn that it would have had finds nothing.
        _time.Advance(TimeSpan.FromMilliseconds(20));
        await AssertNoTurnAsync();
    }

    [Fact]
    public async Task A_patient_write_goes_alone_when_its_patience_ends()
    {
        await AddAsync(patience: 20);
        _time.Advance(TimeSpan.FromMilliseconds(19));
        await AssertNoTurnAsync();
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(1, await TakeAsync());
    }

    [Fact]
    public async Task What_waits_when_it_is_closed_is_taken_at_once_and_then_it_ends()
    {
        await AddAsync();
        await TakeAsync();
        await AddAsync();
        await AddAsync(lane: 4, patience: 20);

        _queue.Close();

        Assert.Equal(1, await TakeAsync(lane: 3));
        Assert.Equal(1, await TakeAsync(lane: 4));
        Assert.Null(await _queue.NextLaneAsync());
    }
}
