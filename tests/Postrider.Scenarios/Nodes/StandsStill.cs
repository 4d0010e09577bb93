using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>A node's process, or the database's, stands still (SIGSTOP) with everything open, and later goes on.</summary>
[Collection(nameof(Undisturbed))]
public sealed class StandsStill
{
    /// <summary>It held two messages at their final dot and many that it had not begun: the other takes over all of them.</summary>
    [Fact]
    public async Task A_node_past_its_leases_changes_nothing_when_it_goes_on()
    {
        const int underWay = 2;
        const int messages = 30;
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.EndOfData, [.. Enumerable.Repeat(MxStep.Wait, underWay)]));
        await using var group = await NodeGroup.StartAsync(
            1, Hasty.Settings(mx, "Delivery:Concurrency=2", "Delivery:InitialConcurrency=2", "Log:Level=Information"));
        var late = group[0];
        var first = await late.Api.PostAsync(
            "/v3/mail/send", Letter.ToEach([.. Enumerable.Range(0, messages).Select(i => $"r{i}@peer.test")]));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == underWay, "two have come to their final dot");
        await Eventually.SeesAsync(() => HeldByAsync(late), held => held == messages, "the others are held too");

        await late.StandStillAsync();
        var other = await group.AddAsync(Hasty.Settings(mx));
        foreach (var id in first.Texts("message_ids"))
            await other.SettledAsync(id);
        mx.Release();
        await late.GoOnAsync();
        await Eventually.SeesAsync(() => HeldByAsync(late), held => held == 0, "it has let go of all of them");
        var books = await Books.CloseAsync(other, mx);

        Assert.Equal(messages, books.Stored.Count);
        Assert.All(books.Stored.Values, message => Assert.Equal("delivered", message.Status));
        Assert.All(books.Stored.Values, message => Assert.Single(message.EventTypes, type => type == "delivered"));
        Assert.Equal(underWay, books.ArrivedTwice.Count());
        Assert.Equal(
            books.ArrivedTwice.Order(StringComparer.Ordinal),
            books.Stored.Where(stored => stored.Value.HasUncertainEvent).Select(stored => stored.Key).Order(StringComparer.Ordinal));
        Assert.Contains("is no longer ours", late.Errors);
        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    /// <summary>
    /// It takes connections and answers nothing, as behind a network that swallows packets: nobody is left waiting for it.
    /// </summary>
    [Fact]
    public async Task A_database_is_told_as_away_before_clients_give_up()
    {
        var mostClientsWait = TimeSpan.FromSeconds(30);
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartAsync(1, Hasty.Settings(mx));
        var node = group[0];
        await node.SendAndSettleAsync(Letter.To("before@peer.test"));

        await using (await group.Cluster.FreezeAsync())
        {
            var sent = Enumerable.Range(0, 20).Select(i => node.Api.PostAsync("/v3/mail/send", Letter.To($"r{i}@peer.test")));
            foreach (var answer in await Task.WhenAll(sent).WaitAsync(mostClientsWait, TimeProvider.System))
                DatabaseRestarts.AssertAway(answer);
        }
        var id = await Eventually.SeesAsync(
            () => node.Api.PostAsync("/v3/mail/send", Letter.To("after@peer.test")), answer => answer.Status == 202, "mail is taken again",
            TimeSpan.FromSeconds(60));

        Assert.Equal("delivered", (await node.SettledAsync(id.Text("message_id"))).Status);
    }

    static async Task<int> HeldByAsync(PostriderServer node) =>
        (int)await node.MetricAsync("postrider_messages_leased");
}
