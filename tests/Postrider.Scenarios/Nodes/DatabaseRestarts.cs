using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>The database server crashes and comes back while clients post to both nodes; the nodes' processes stay.</summary>
[Collection(nameof(Undisturbed))]
public sealed class DatabaseRestarts
{
    const int Restarts = 3;

    [Fact]
    public async Task Nodes_say_so_lose_nothing_and_resume_by_themselves()
    {
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartAsync(2, Hasty.Settings(mx));
        await using var load = new Load(group.Nodes, clients: 4);
        var processes = group.Nodes.Select(node => node.ProcessId).ToArray();

        for (var restart = 0; restart < Restarts; restart++)
        {
            var acknowledged = load.Acknowledged.Count;
            await Eventually.IsTrueAsync(() => load.Acknowledged.Count > acknowledged + 50, "mail is taken");
            await group.Cluster.StopAsync(immediately: true);
            foreach (var node in group.Nodes)
                await SaysThatItIsAwayAsync(node);      // the server stays down until it has been said
            await group.Cluster.StartAsync();
            foreach (var node in group.Nodes)
                await Eventually.SeesAsync(() => node.Api.GetAsync("/ready"), ready => ready.Status == 200, "the node is ready again");
        }
        await load.StopAsync();
        var books = await Books.CloseAsync(group[0], mx);

        Assert.All(load.Refused.Values, AssertAway);
        Assert.Empty(load.Unanswered);
        books.AssertKept(load);
        await NodeGroup.AssertTotalsAsync(group.Cluster);
        Assert.Equal(processes, group.Nodes.Select(node => node.ProcessId));
        TestContext.Current.TestOutputHelper!.WriteLine($"{Restarts} restarts, {books.Summary(load)}");
    }

    /// <summary>What was heard from an MX meanwhile is held in memory, and no other node takes it for lost.</summary>
    [Fact]
    public async Task An_outage_longer_than_the_leases_doubles_nothing()
    {
        const int messages = 8;
        await using var mx = ScriptedMx.Start(new MxScript().Always(MxStage.EndOfData, MxStep.Wait));
        await using var group = await NodeGroup.StartAsync(2, Hasty.Settings(mx, "Delivery:InitialConcurrency=20"));
        var ids = new List<string>();
        for (var i = 0; i < messages; i++)
            ids.Add(await group[i % 2].SendAsync(Letter.To($"r{i}@d{i}.test")));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == messages, "all have come to their final dot");

        await group.Cluster.StopAsync(immediately: true);
        mx.Release();
        await Task.Delay(Hasty.Lease * 1.5, TimeProvider.System, TestContext.Current.CancellationToken);       // the leases end, unseen
        await group.Cluster.StartAsync();
        var settled = new List<Message>();
        foreach (var id in ids)
            settled.Add(await group[0].SeesAsync(id, message => message.IsSettled, "it is settled"));

        Assert.All(settled, message => Assert.Equal("delivered", message.Status));
        Assert.All(settled, message => Assert.False(message.HasUncertainEvent, message.Timeline));
        Assert.Equal(messages, mx.Mail.Count);
        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    static async Task SaysThatItIsAwayAsync(PostriderServer node)
    {
        var answer = await Eventually.SeesAsync(
            () => node.Api.PostAsync("/v3/mail/send", Letter.To("nobody@peer.test").With("mail_settings", Sandbox())),
            answer => answer.Status == 503, "a send is answered 503");
        AssertAway(answer);
        Assert.Equal(503, (await node.Api.GetAsync("/ready")).Status);
        Assert.Equal(200, (await node.Api.GetAsync("/health")).Status);
    }

    internal static void AssertAway(ApiAnswer answer)
    {
        Assert.True(answer.Status == 503, answer.ToString());
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        Assert.Equal("Service temporarily unavailable", answer.Body.GetProperty("errors")[0].GetProperty("message").GetString());
        Assert.Equal("Service temporarily unavailable", answer.Text("detail"));
    }

    static System.Text.Json.Nodes.JsonObject Sandbox() =>
        new() { ["sandbox_mode"] = new System.Text.Json.Nodes.JsonObject { ["enable"] = true } };
}
