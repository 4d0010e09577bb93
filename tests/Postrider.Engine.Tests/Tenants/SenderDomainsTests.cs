using Postrider.Engine.Tenants;
using Postrider.Engine.Tests.Rig;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Tenants;

public sealed class SenderDomainsTests
{
    readonly ManualTime _time = new();
    readonly MemoryTenants _store = Sender.Tenants();
    readonly SenderDomains _domains;

    public SenderDomainsTests() => _domains = new SenderDomains(_store, _time);

    ValueTask<SendingDomain?> FindAsync() => _domains.FindVerifiedAsync(Sender.Tenant, Sender.From.Mailbox.Domain, CancellationToken.None);

    [Fact]
    public async Task A_verified_domain_is_remembered_for_five_seconds()
    {
        Assert.NotNull(await FindAsync());
        _store.Domains.Clear();
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.NotNull(await FindAsync());
        Assert.Equal(1, _store.Asked);

        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task A_domain_that_is_missing_or_not_verified_is_asked_for_every_time()
    {
        _store.Domains[(Sender.Tenant, Sender.From.Mailbox.Domain)] = Sender.Domain(Sender.Tenant, null);
        Assert.Null(await FindAsync());
        _store.Domains[(Sender.Tenant, Sender.From.Mailbox.Domain)] = Sender.Domain(Sender.Tenant, _time.GetUtcNow());

        Assert.NotNull(await FindAsync());
    }

    [Fact]
    public async Task A_tenants_domain_is_not_another_ones()
    {
        _store.Domains.Remove((Sender.Other, Sender.From.Mailbox.Domain));
        Assert.NotNull(await FindAsync());

        Assert.Null(await _domains.FindVerifiedAsync(Sender.Other, Sender.From.Mailbox.Domain, CancellationToken.None));
    }
}
