using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using Postrider.Store.Conformance.Lifecycle;

namespace Postrider.Store.Conformance;

/// <summary>
/// No schedule of events breaks the totals, the leases or the rules of who may do what: a model is compared with the store after each step.
/// </summary>
/// <param name="schedules">As many as take a few seconds.</param>
public abstract class LifecycleConformance<TFixture>(int schedules) : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    const int Steps = 40;

    /// <summary>The same schedules in every run; another seed is another few hundred.</summary>
    static readonly Replay Seed = new(new Rnd(20_261_120, 1), FSharpOption<int>.None);

    [Fact]
    public void No_schedule_of_events_breaks_the_totals() => Prop.ForAll(Schedules.Of(Steps), RunAsync)
        .Check(Config.QuickThrowOnFailure.WithMaxTest(schedules).WithReplay(FSharpOption<Replay>.Some(Seed)));

    async Task RunAsync(Step[] schedule)
    {
        var model = new Model(Store, Sample, await Sample.AddTenantAsync($"tenant {Store.Ids.Next()}"));
        await model.StartAsync();
        foreach (var step in schedule)
        {
            await model.TakeAsync(step);
            await model.CheckAsync();
        }
        await model.CheckMessagesAsync();
    }
}
