using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Tenants;

/// <summary>A key that was found good, with its tenant.</summary>
public sealed record Credential(ApiKey Key, Tenant Tenant);

/// <summary>Finds the key behind a secret, by the secret's SHA-256.</summary>
/// <remarks>
/// A key found is remembered for a second, so a key revoked by another process stops within that. When it was last used is noted and
/// written off the request path by <see cref="FlushUsesAsync"/>.
/// </remarks>
public sealed class ApiKeys(ITenantStore store, TimeProvider time)
{
    static readonly TimeSpan Remembered = TimeSpan.FromSeconds(1);

    const int MostRemembered = 100_000;
    const int LongestSecret = 256;

    readonly ConcurrentDictionary<ContentHash, (Credential Credential, DateTimeOffset Until)> _known = new();
    readonly ConcurrentDictionary<ApiKeyId, byte> _used = new();

    /// <returns>Null when no such key is in force.</returns>
    public async ValueTask<Credential?> FindAsync(string secret, CancellationToken cancel)
    {
        if (secret.Length > LongestSecret)
            return null;
        var hash = HashOf(secret);
        var now = time.GetUtcNow();
        if (!_known.TryGetValue(hash, out var known) || known.Until <= now)
        {
            if (await store.FindKeyAsync(hash, cancel) is not { } found)
                return null;
            known = (new Credential(found.Key, found.Tenant), now + Remembered);
            if (_known.Count >= MostRemembered)
                _known.Clear();
            _known[hash] = known;
        }
        if (known.Credential.Key.RevokedAt is not null || known.Credential.Key.ExpiresAt <= now)
            return null;
        _used.TryAdd(known.Credential.Key.Id, 0);
        return known.Credential;
    }

    public async Task FlushUsesAsync(CancellationToken cancel)
    {
        var used = _used.Keys.ToArray();
        if (used.Length == 0)
            return;
        await store.TouchKeysAsync(used, time.GetUtcNow(), cancel);
        foreach (var key in used)
            _used.TryRemove(key, out _);
    }

    public static ContentHash HashOf(string secret) => ContentHash.Of(Encoding.UTF8.GetBytes(secret));

    /// <summary>A new secret of 128 random bits, in the form each dialect's clients know.</summary>
    public static string NewSecret(Dialect dialect, bool test) => dialect switch
    {
        Dialect.ScaiSend => (test ? "sg_test_" : "sg_live_") + RandomNumberGenerator.GetHexString(32, lowercase: true),
        _ => throw new NotSupportedException($"{dialect} keys come with their dialect."),
    };
}
