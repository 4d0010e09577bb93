using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>Idempotency-Key: promise 8 of the design.</summary>
public sealed class RepeatsRequests
{
    const string Header = "Idempotency-Key";

    [Fact]
    public async Task Send_once_also_across_a_restart()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var first = await PostAsync(server.Api, "ada@peer.test");
        await server.SettledAsync(first.Text("message_id"));

        var again = await PostAsync(server.Api, "ada@peer.test");
        var other = await PostAsync(server.Api, "bob@peer.test");
        var another = await server.As(server.Installation.OtherKey).PostAsync(
            "/v3/mail/send", Letter.To("cy@peer.test").With("from", Letter.Person("hello@other.test")), (Header, "order-881"));
        await server.KillAsync();
        await server.StartAgainAsync();
        var afterRestart = await PostAsync(server.Api, "ada@peer.test");
        var otherAfterRestart = await PostAsync(server.Api, "bob@peer.test");

        Assert.Equal((202, first.Raw), (again.Status, again.Raw));
        Assert.Equal((202, first.Raw), (afterRestart.Status, afterRestart.Raw));
        Assert.Equal((409, 409), (other.Status, otherAfterRestart.Status));
        Assert.NotEmpty(other.Body.GetProperty("errors")[0].GetProperty("message").GetString()!);
        Assert.Equal(202, another.Status);      // keys are each tenant's own
        Assert.Equal(1, (await server.Api.GetAsync("/v3/messages")).Body.GetProperty("total").GetInt32());
        await Eventually.IsTrueAsync(() => mx.Mail.Count >= 2, "both tenants' messages arrive");
        Assert.Equal(["ada@peer.test", "cy@peer.test"], mx.Mail.SelectMany(mail => mail.To).Order(StringComparer.Ordinal));
    }

    static Task<ApiAnswer> PostAsync(ApiClient api, string recipient) =>
        api.PostAsync("/v3/mail/send", Letter.To(recipient), (Header, "order-881"));
}
