using Postrider.Engine.Messages;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests.Queue;

/// <summary>Somebody sets the wall clock while mail flows; the clock that timers go by does not leap.</summary>
public sealed class ClockWatchTests
{
    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>On a busy machine the test's clock runs ahead of the work. What was not noticed would take half an hour or more.</summary>
    static readonly TimeSpan WellBelowAnHour = TimeSpan.FromMinutes(20);

    [Fact]
    public async Task Set_back_what_waits_goes_out_and_a_retry_waits_no_longer_than_before()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnMail = _ => "451 4.3.0 later";
        var retried = await rig.SubmitAsync("retried@a.example");
        await rig.UntilWaitingAsync(retried);
        rig.Peer.OnMail = _ => "250 2.1.0 ok";
        var scheduled = (await rig.SubmitManyAsync(Sender.Tenant, [["scheduled@b.example"]], sendAt: rig.Time.GetUtcNow() + Hour / 2))[0];
        var started = rig.Time.GetTimestamp();

        rig.Time.SetWallClock(-Hour);
        var late = await rig.SubmitAsync("after@b.example");
        await rig.UntilStatusAsync(late, MessageStatus.Delivered);
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(retried) == MessageStatus.Delivered, "it is tried again");

        Assert.InRange(rig.Time.GetElapsedTime(started), TimeSpan.FromSeconds(50), WellBelowAnHour);
        Assert.Equal(MessageStatus.Queued, rig.Store.StatusOf(scheduled));
        await rig.PassTimeUntilAsync(
            () => rig.Store.StatusOf(scheduled) == MessageStatus.Delivered, "its time comes", TimeSpan.FromSeconds(30));
        Assert.InRange(rig.Time.GetElapsedTime(started), 1.5 * Hour - TimeSpan.FromMinutes(1), 1.5 * Hour + WellBelowAnHour);
    }

    [Fact]
    public async Task Set_ahead_what_is_due_by_it_goes_out_at_once()
    {
        await using var rig = await EngineRig.StartAsync();
        var scheduled = (await rig.SubmitManyAsync(Sender.Tenant, [["scheduled@b.example"]], sendAt: rig.Time.GetUtcNow() + Hour / 2))[0];
        var started = rig.Time.GetTimestamp();

        rig.Time.SetWallClock(Hour);
        await rig.PassTimeUntilAsync(
            () => rig.Store.StatusOf(scheduled) == MessageStatus.Delivered, "it is sent", TimeSpan.FromMilliseconds(500));

        Assert.InRange(rig.Time.GetElapsedTime(started), TimeSpan.Zero, WellBelowAnHour / 2);
    }

    [Fact]
    public async Task A_destination_that_is_left_alone_is_tried_again_after_the_same_pause()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnMail = _ => "421 4.3.2 closing";
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.Watch.UntilAsync(() => rig.Engine.Destinations.Any(one => one.Until is not null), "it is left alone");
        await rig.UntilNothingIsLeasedAsync();
        var pause = rig.Engine.Destinations.Single().Until - rig.Time.GetUtcNow();
        rig.Peer.OnMail = _ => "250 2.1.0 ok";

        rig.Time.SetWallClock(-Hour);

        Assert.Equal(pause, rig.Engine.Destinations.Single().Until - rig.Time.GetUtcNow());
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "it is tried again");
    }
}
