using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Engine.Tests.Rig;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Tenants;

public sealed class ApiKeysTests
{
    const string Secret = "sg_live_0123456789abcdef";

    readonly ManualTime _time = new();
    readonly MemoryTenants _store = new();
    readonly ApiKeys _keys;
    readonly ApiKey _key;

    public ApiKeysTests()
    {
        _keys = new ApiKeys(_store, _time);
        _key = new ApiKey(
            new ApiKeyId(Guid.AllBitsSet), Sender.Tenant, Dialect.ScaiSend, "key", Secret[..16], ApiKeys.HashOf(Secret), ["mail.send"],
            false, _time.GetUtcNow());
        Put(_key);
    }

    void Put(ApiKey key) => _store.Keys[key.Hash] = (key, new Tenant(Sender.Tenant, "acme", _time.GetUtcNow(), false));

    ValueTask<Credential?> FindAsync(string secret = Secret) => _keys.FindAsync(secret, CancellationToken.None);

    [Fact]
    public async Task A_key_is_found_by_its_secret_alone()
    {
        Assert.Equal(_key, (await FindAsync())!.Key);
        Assert.Null(await FindAsync(Secret + "0"));
        Assert.Null(await FindAsync(""));
    }

    [Fact]
    public async Task A_secret_that_is_too_long_is_not_looked_for()
    {
        Assert.Null(await FindAsync(new string('a', 257)));
        Assert.Equal(0, _store.Asked);
    }

    [Fact]
    public async Task A_revoked_key_stops_within_a_second()
    {
        Assert.NotNull(await FindAsync());
        Put(_key with { RevokedAt = _time.GetUtcNow() });
        Assert.NotNull(await FindAsync());
        Assert.Equal(1, _store.Asked);

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task A_key_expires_on_time_even_while_it_is_remembered()
    {
        Put(_key with { ExpiresAt = _time.GetUtcNow().AddMilliseconds(500) });
        Assert.NotNull(await FindAsync());

        _time.Advance(TimeSpan.FromMilliseconds(500));

        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task Uses_are_written_once_and_kept_when_the_store_is_away()
    {
        await FindAsync();
        await FindAsync();
        _store.Fault = new StoreUnavailableException();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _keys.FlushUsesAsync(CancellationToken.None));

        _store.Fault = null;
        await _keys.FlushUsesAsync(CancellationToken.None);
        await _keys.FlushUsesAsync(CancellationToken.None);

        Assert.Equal([_key.Id], _store.Touched);
    }
}
