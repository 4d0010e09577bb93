using Postrider.Engine.Queue;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Queue;

public sealed class AsyncSignalTests
{
    readonly ManualTime _time = new();
    readonly AsyncSignal _signal;

    public AsyncSignalTests() => _signal = new AsyncSignal(_time);

    [Fact]
    public async Task A_signal_set_before_ends_the_next_wait_and_only_that()
    {
        _signal.Set();
        _signal.Set();
        await _signal.WaitAsync(TimeSpan.FromHours(1), CancellationToken.None);

        Assert.False(_signal.WaitAsync(TimeSpan.FromHours(1), CancellationToken.None).IsCompleted);
    }

    [Fact]
    public async Task A_wait_ends_when_the_time_has_come()
    {
        var waiting = _signal.WaitAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(waiting.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(1));
        await waiting;

        await _signal.WaitAsync(TimeSpan.FromSeconds(-1), CancellationToken.None);
    }

    [Fact]
    public async Task A_wait_is_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        var waiting = _signal.WaitAsync(TimeSpan.FromSeconds(5), cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }
}
