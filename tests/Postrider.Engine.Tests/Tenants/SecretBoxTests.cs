using System.Security.Cryptography;
using System.Text;
using Postrider.Engine.Tenants;

namespace Postrider.Engine.Tests.Tenants;

public sealed class SecretBoxTests
{
    readonly SecretBox _box = new(Enumerable.Range(0, SecretBox.KeyOctets).Select(i => (byte)i).ToArray());
    readonly byte[] _secret = Encoding.UTF8.GetBytes("a private key");

    [Fact]
    public void What_is_sealed_is_opened_and_never_sealed_the_same_way_twice()
    {
        var (one, two) = (_box.Seal("dkim", _secret), _box.Seal("dkim", _secret));

        Assert.Equal(_secret, _box.Open("dkim", one));
        Assert.Equal(_secret, _box.Open("dkim", two));
        Assert.NotEqual(one, two);
        Assert.Empty(_box.Open("dkim", _box.Seal("dkim", [])));
    }

    [Fact]
    public void What_was_changed_or_is_another_kind_of_secret_is_not_opened()
    {
        var sealedSecret = _box.Seal("dkim", _secret);
        for (var i = 0; i < sealedSecret.Length; i++)
        {
            var changed = sealedSecret.ToArray();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => _box.Open("dkim", changed));
            Assert.ThrowsAny<CryptographicException>(() => _box.Open("dkim", sealedSecret.AsSpan(0, i)));
        }
        Assert.ThrowsAny<CryptographicException>(() => _box.Open("webhook", sealedSecret));
        Assert.ThrowsAny<CryptographicException>(() => new SecretBox(new byte[SecretBox.KeyOctets]).Open("dkim", sealedSecret));
    }

    [Fact]
    public void Keys_are_the_same_for_the_same_purpose_and_no_other()
    {
        Assert.Equal(_box.DeriveKey("verp"), _box.DeriveKey("verp"));
        Assert.NotEqual(_box.DeriveKey("verp"), _box.DeriveKey("seal"));
        Assert.Throws<ArgumentException>(() => new SecretBox(new byte[16]));
    }

    [Fact]
    public async Task Several_threads_seal_and_open_at_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 2_000; i++)
            {
                var secret = Encoding.UTF8.GetBytes($"secret {thread} {i}");
                Assert.Equal(secret, _box.Open("dkim", _box.Seal("dkim", secret)));
            }
        })));
    }
}
