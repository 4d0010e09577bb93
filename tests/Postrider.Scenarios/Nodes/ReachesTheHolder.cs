using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>A node is told to retry or fail what another one is just sending: contract §4.3 to §4.5, whichever node is asked.</summary>
public sealed class ReachesTheHolder
{
    [Fact]
    public async Task Of_a_message_to_retry_or_fail_wherever_it_is_told()
    {
        await using var mx = ScriptedMx.Start(new MxScript()
            .For("before", MxStep.Stall).For("failed", MxStep.Stall).At(MxStage.EndOfData, MxStep.Wait));
        await using var group = await NodeGroup.StartAsync(1, Settings(mx));
        var holder = group[0];
        var behind = await holder.SendAsync(Letter.To("behind@peer.test"));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == 1, "its final dot has come");
        var before = await holder.SendAsync(Letter.To("before@peer.test"));
        var failed = await holder.SendAsync(Letter.To("failed@peer.test"));
        await Eventually.IsTrueAsync(
            () => mx.Script.IsUsedUp(MxStage.Rcpt, "before") && mx.Script.IsUsedUp(MxStage.Rcpt, "failed"), "they stall");
        var other = await group.AddAsync(Settings(mx));
        await Eventually.SeesAsync(
            () => group.QueryAsync("select count(*) from pg_stat_activity where query like 'listen %'"),
            listening => listening.Trim() == "2", "both listen");

        var retried = await other.Api.PostAsync($"/v3/messages/{before}/retry", null);
        var refused = await other.Api.PostAsync($"/v3/messages/{behind}/retry", null);
        var fail = await other.Api.PostAsync($"/v3/messages/{failed}/fail", null);
        var delivered = await other.SettledAsync(before);
        await Eventually.SeesAsync(
            () => holder.MetricAsync("postrider_messages_leased"), leased => leased == 1, "the one that was failed is given up");
        mx.Release();
        var accepted = await other.SettledAsync(behind);

        Assert.Equal((200, "queued"), (retried.Status, retried.Text("status")));
        Assert.Equal(
            (409, $$"""{"message_id":"{{behind}}","status":"sending","message":"Delivery attempt in progress; retry ignored"}"""),
            (refused.Status, refused.Raw));
        Assert.Equal((200, "failed"), (fail.Status, fail.Text("status")));
        Assert.Equal(["processed", "delivered"], delivered.EventTypes);
        Assert.Equal(("delivered", 1), (delivered.Status, delivered.RetryCount));
        Assert.Equal(("delivered", 0), (accepted.Status, accepted.RetryCount));
        Assert.Equal(["behind@peer.test", "before@peer.test"], mx.Mail.Select(mail => mail.To.Single()));
        Assert.Equal("failed", (await other.Api.MessageAsync(failed)).Status);
        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    static string[] Settings(ScriptedMx mx) => Hasty.Settings(mx, "Control:AnswerPatience=200ms", "Queue:Lease=1m", "Queue:RenewInterval=10s");
}
