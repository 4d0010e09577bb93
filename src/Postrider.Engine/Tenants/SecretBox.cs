using System.Security.Cryptography;
using System.Text;

namespace Postrider.Engine.Tenants;

/// <summary>
/// Seals what must not lie readable in the database (DKIM keys, webhook secrets), and derives the keys that sign our own tokens.
/// </summary>
/// <remarks>
/// AES-256-GCM; a sealed secret is nonce (12 octets), tag (16), ciphertext. The label is authenticated, so that one cannot be passed off as
/// another.
/// </remarks>
public sealed class SecretBox : IDisposable
{
    public const int KeyOctets = 32;

    const int NonceOctets = 12;
    const int TagOctets = 16;

    readonly byte[] _master;
    readonly AesGcm _cipher;
    readonly Lock _lock = new();        // AesGcm keeps state between calls

    public SecretBox(ReadOnlySpan<byte> master)
    {
        if (master.Length != KeyOctets)
            throw new ArgumentException($"The master key is {KeyOctets} octets long.", nameof(master));
        _master = master.ToArray();
        _cipher = new AesGcm(DeriveKey("seal"), TagOctets);
    }

    public byte[] Seal(string label, ReadOnlySpan<byte> secret)
    {
        var box = new byte[NonceOctets + TagOctets + secret.Length];
        var nonce = box.AsSpan(0, NonceOctets);
        RandomNumberGenerator.Fill(nonce);
        lock (_lock) _cipher.Encrypt(
            nonce, secret, box.AsSpan(NonceOctets + TagOctets), box.AsSpan(NonceOctets, TagOctets), Encoding.UTF8.GetBytes(label));
        return box;
    }

    /// <exception cref="CryptographicException">It was sealed under another key or label, or was changed.</exception>
    public byte[] Open(string label, ReadOnlySpan<byte> box)
    {
        if (box.Length < NonceOctets + TagOctets)
            throw new CryptographicException("The sealed secret is too short.");
        var secret = new byte[box.Length - NonceOctets - TagOctets];
        lock (_lock) _cipher.Decrypt(
            box[..NonceOctets], box[(NonceOctets + TagOctets)..], box.Slice(NonceOctets, TagOctets), secret, Encoding.UTF8.GetBytes(label));
        return secret;
    }

    /// <summary>A key for one purpose (HKDF, RFC 5869); the same for every node that shares the master key.</summary>
    public byte[] DeriveKey(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _master, KeyOctets, info: Encoding.UTF8.GetBytes(purpose));

    public void Dispose() => _cipher.Dispose();
}
