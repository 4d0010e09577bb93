using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>One node tells the others what waits; none of these looks at the whole queue by itself before the hour is over.</summary>
public sealed class Hears
{
    const string NoSweep = "Queue:SweepInterval=1h";

    [Fact]
    public async Task Of_what_the_one_that_took_it_has_no_room_for()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.EndOfData, MxStep.Wait));
        await using var group = await StartFullAsync(mx);
        var other = await group.AddAsync(Hasty.Settings(mx, NoSweep));
        await UntilListeningAsync(group, 2);

        var message = await group[0].SendAndSettleAsync(Letter.To("bob@peer.test"));

        Assert.Equal("delivered", message.Status);
        Assert.Equal(1, await other.MetricAsync("""postrider_recipient_events_total{type="delivered"}"""));
    }

    [Fact]
    public async Task Of_what_it_did_not_hear_once_it_hears_again()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.EndOfData, MxStep.Wait));
        await using var group = await StartFullAsync(mx);
        var other = await group.AddAsync(Hasty.Settings(mx, NoSweep));
        await UntilListeningAsync(group, 2);
        var ids = new List<string>();

        for (var i = 0; i < 5; i++)
        {
            await group.QueryAsync("select count(pg_terminate_backend(pid)) from pg_stat_activity where query like 'listen %'");
            ids.Add(await group[0].SendAsync(Letter.To($"r{i}@peer.test")));
        }

        foreach (var id in ids)
            Assert.Equal("delivered", (await other.SettledAsync(id)).Status);
    }

    [Fact]
    public async Task Of_what_one_that_stops_gives_back()
    {
        const int messages = 20;
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.EndOfData, MxStep.Wait));
        await using var group = await NodeGroup.StartAsync(
            1, Hasty.Settings(mx, "Delivery:Concurrency=1", "Delivery:InitialConcurrency=1", "Queue:Drain=20s"));
        var sent = await group[0].Api.PostAsync(
            "/v3/mail/send", Letter.ToEach([.. Enumerable.Range(0, messages).Select(i => $"r{i}@peer.test")]));
        await Eventually.SeesAsync(() => group[0].MetricAsync("postrider_messages_leased"), held => held == messages, "all are held");
        var other = await group.AddAsync(Hasty.Settings(mx, NoSweep));
        await UntilListeningAsync(group, 2);

        await group[0].TerminateAsync();
        await Eventually.IsTrueAsync(() => mx.Taken.Count() == messages, "the other has them");
        mx.Release();
        var end = await group[0].EndAsync();

        Assert.True(end.ExitCode == 0, end.Errors);
        foreach (var id in sent.Texts("message_ids"))
        {
            var message = await other.SettledAsync(id);
            Assert.Equal(["processed", "delivered"], message.EventTypes);
        }
        Assert.Equal(messages, mx.Mail.Count);
    }

    /// <summary>A node that may hold one message, and holds one.</summary>
    static async Task<NodeGroup> StartFullAsync(ScriptedMx mx)
    {
        var group = await NodeGroup.StartAsync(1, Hasty.Settings(mx, NoSweep, "Queue:MaxLeased=1"));
        await group[0].SendAsync(Letter.To("ada@peer.test"));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == 1, "it has come to its final dot");
        return group;
    }

    static async Task UntilListeningAsync(NodeGroup group, int nodes) => await Eventually.SeesAsync(
        () => group.QueryAsync("select count(*) from pg_stat_activity where query like 'listen %'"),
        listening => listening.Trim() == $"{nodes}", "the nodes listen");
}
