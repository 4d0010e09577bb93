using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>Two nodes asked for the same thing at the same time.</summary>
public sealed class AskedAtOnce
{
    [Fact]
    public async Task Make_one_message_of_one_idempotency_key()
    {
        const int keys = 20;
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartAsync(2, Hasty.Settings(mx));

        var answers = await Task.WhenAll(Enumerable.Range(0, keys * 4).Select(i => group[i % 2].Api.PostAsync(
            "/v3/mail/send", Letter.To($"r{i / 4}@peer.test"), ("Idempotency-Key", $"order-{i / 4}"))));

        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
        Assert.All(answers.Chunk(4), same => Assert.Single(same.Select(answer => answer.Text("message_id")).Distinct()));
        Assert.All(answers.Chunk(4), same => Assert.Equal(3, same.Count(answer => answer.Headers.Contains("Idempotent-Replayed"))));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == keys, "they arrive");
        Assert.Equal(keys, (await group[0].Api.GetAsync("/v3/messages")).Body.GetProperty("total").GetInt32());
        Assert.Equal(keys, mx.Mail.SelectMany(mail => mail.To).Distinct().Count());
    }

    [Fact]
    public async Task Count_a_batch_together()
    {
        const int requests = 20;
        const int each = 10;
        await using var mx = ScriptedMx.Start(
            new MxScript().AlwaysFor("no", MxStep.Say("550 5.1.1 no such user")).Always(MxStage.EndOfData, MxStep.Wait));
        // With less room than there is mail, and none of it through: neither node can have all of it before the other has come to take any.
        await using var group = await NodeGroup.StartAsync(2, Hasty.Settings(mx, $"Queue:MaxLeased={requests}"));
        var batch = (await group[0].Api.PostAsync("/v3/mail/batch", new JsonObject())).Text("batch_id");

        var answers = await Task.WhenAll(Enumerable.Range(0, requests).Select(i => group[i % 2].Api.PostAsync(
            "/v3/mail/send",
            Letter.ToEach([$"no@d{i}.test", .. Enumerable.Range(1, each - 1).Select(j => $"r{j}@d{i}.test")]).With("batch_id", batch))));
        Assert.All(answers, answer => Assert.True(answer.Status == 202, answer.ToString()));
        foreach (var node in group.Nodes)
            await Eventually.SeesAsync(() => node.MetricAsync("postrider_messages_leased"), leased => leased > 0, "each has some");
        mx.Release();
        var complete = await Eventually.SeesAsync(
            () => group[1].Api.GetAsync($"/v3/mail/batch/{batch}"), seen => seen.Body.GetProperty("is_complete").GetBoolean(), "the batch is complete");

        var counts = complete.Body.GetProperty("status_counts");
        Assert.Equal(requests * each, complete.Body.GetProperty("total_messages").GetInt32());
        Assert.Equal(requests * (each - 1), counts.GetProperty("delivered").GetInt32());
        Assert.Equal(requests, counts.GetProperty("bounced").GetInt32());
        foreach (var node in group.Nodes)
            Assert.True(await node.MetricAsync("""postrider_recipient_events_total{type="delivered"}""") > 0, "Both nodes took part.");
        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }
}
