using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;

namespace Postrider.Store.Conformance;

public abstract class TenantConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    static CancellationToken Cancel => CancellationToken.None;

    [Fact]
    public async Task A_tenant_is_found_by_name_and_id_and_its_name_is_taken()
    {
        var tenant = new Tenant(new TenantId(Store.Ids.Next()), "Ünïcorn Ltd", Store.Now, Suspended: true);

        Assert.True(await Store.Tenants.AddTenantAsync(tenant, Cancel));
        Assert.False(await Store.Tenants.AddTenantAsync(tenant with { Id = new TenantId(Store.Ids.Next()) }, Cancel));

        Assert.Equal(tenant, await Store.Tenants.FindTenantAsync("Ünïcorn Ltd", Cancel));
        Assert.Equal(tenant, await Store.Tenants.FindTenantAsync(tenant.Id, Cancel));
        Assert.Null(await Store.Tenants.FindTenantAsync("nobody", Cancel));
    }

    [Fact]
    public async Task A_key_is_found_by_its_hash_with_its_tenant()
    {
        var key = new ApiKey(
            new ApiKeyId(Store.Ids.Next()), Sample.Tenant, Dialect.Postject, "web", "pk_0123456789abc", ContentHash.Of("secret"u8),
            ["mail.send", "stats.read"], Test: true, Store.Now)
        {
            ExpiresAt = Store.Now.AddDays(30),
        };
        await Store.Tenants.AddKeyAsync(key, Cancel);
        var used = Store.Now.AddMinutes(1);
        await Store.Tenants.TouchKeysAsync([key.Id], used, Cancel);

        var found = await Store.Tenants.FindKeyAsync(key.Hash, Cancel);

        Assert.NotNull(found);
        Assert.Equivalent(key with { LastUsedAt = used }, found.Value.Key, strict: true);
        Assert.Equal(await Store.Tenants.FindTenantAsync(Sample.Tenant, Cancel), found.Value.Tenant);
        Assert.Null(await Store.Tenants.FindKeyAsync(ContentHash.Of("other"u8), Cancel));
    }

    [Fact]
    public async Task A_domain_may_be_held_by_several_tenants_and_by_each_once()
    {
        Assert.True(Domain.TryParse("mail.acme.test", out var name));
        var other = await Sample.AddTenantAsync("other");
        SendingDomain Of(TenantId tenant) =>
            new(new DomainId(Store.Ids.Next()), tenant, name, "pr1", [1, 2, 3], Store.Now, VerifiedAt: null);
        var mine = Of(Sample.Tenant);

        Assert.True(await Store.Tenants.AddDomainAsync(mine, Cancel));
        Assert.False(await Store.Tenants.AddDomainAsync(Of(Sample.Tenant), Cancel));
        Assert.Null(await Store.Tenants.FindDomainAsync(other, name, Cancel));
        Assert.True(await Store.Tenants.AddDomainAsync(Of(other), Cancel));
        await Store.Tenants.SetVerifiedAsync(mine.Id, Store.Now, Cancel);

        Assert.Equivalent(
            mine with { VerifiedAt = Store.Now }, await Store.Tenants.FindDomainAsync(Sample.Tenant, name, Cancel), strict: true);
        var all = await Store.Tenants.DomainsAsync(name, Cancel);
        Assert.Equal([Sample.Tenant, other], all.Select(domain => domain.Tenant));
        Assert.Equal([Store.Now, null], all.Select(domain => domain.VerifiedAt));
        await Store.Tenants.SetVerifiedAsync(mine.Id, null, Cancel);
        Assert.Null((await Store.Tenants.FindDomainAsync(Sample.Tenant, name, Cancel))!.VerifiedAt);
    }

    [Fact]
    public async Task A_domain_signs_with_its_key_until_the_next_one_is_taken()
    {
        Assert.True(Domain.TryParse("mail.acme.test", out var name));
        var domain = new SendingDomain(new DomainId(Store.Ids.Next()), Sample.Tenant, name, "scaisend", [1, 2, 3], Store.Now, Store.Now);
        await Store.Tenants.AddDomainAsync(domain, Cancel);
        var next = new NextDkimKey("scaisend2", [4, 5]);

        Assert.False(await Store.Tenants.TakeNextKeyAsync(domain.Id, "scaisend2", Cancel));
        Assert.True(await Store.Tenants.AddNextKeyAsync(domain.Id, next, Cancel));
        Assert.False(await Store.Tenants.AddNextKeyAsync(domain.Id, new NextDkimKey("scaisend3", [6]), Cancel));
        Assert.Equivalent(domain with { Next = next }, await Store.Tenants.FindDomainAsync(Sample.Tenant, name, Cancel), strict: true);

        Assert.False(await Store.Tenants.TakeNextKeyAsync(domain.Id, "scaisend3", Cancel));
        Assert.True(await Store.Tenants.TakeNextKeyAsync(domain.Id, "scaisend2", Cancel));
        Assert.Equivalent(
            domain with { Selector = "scaisend2", SealedKey = [4, 5] }, Assert.Single(
                await Store.Tenants.DomainsAsync(name, Cancel)), strict: true);
    }
}
