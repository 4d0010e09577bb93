using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Postrider.Mail.Dkim;

/// <summary>An RSA key pair that signs, from any number of threads at once.</summary>
/// <remarks>The framework does not promise that one RSA object serves several threads, and making one costs more than a signature, so each
/// thread borrows one that nobody else has.</remarks>
public sealed class DkimKey : IDisposable
{
    /// <summary>RFC 8301 §3.2 asks signers for 2048, and verifiers for no less than 1024.</summary>
    public const int DefaultBits = 2_048;

    const int MinBits = 1_024;

    readonly byte[] _pkcs8;
    readonly RSA?[] _idle = new RSA?[Environment.ProcessorCount * 2];
    volatile bool _disposed;

    DkimKey(RSA rsa, byte[] pkcs8)
    {
        (_pkcs8, _idle[0]) = (pkcs8, rsa);
        Bits = rsa.KeySize;
        PublicKey = rsa.ExportSubjectPublicKeyInfo();
    }

    public int Bits { get; }

    public int SignatureOctets => Bits / 8;

    /// <summary>DER SubjectPublicKeyInfo, which is what goes into DNS (RFC 6376 §3.6.1).</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    public static DkimKey Generate(int bits = DefaultBits)
    {
        var rsa = RSA.Create(bits);
        return new DkimKey(rsa, rsa.ExportPkcs8PrivateKey());
    }

    /// <returns>False when it is no unencrypted PKCS #8 RSA key, or one of less than 1024 bits.</returns>
    public static bool TryImportPkcs8(ReadOnlySpan<byte> pkcs8, [NotNullWhen(true)] out DkimKey? key)
    {
        key = null;
        var rsa = RSA.Create();
        try
        {
            rsa.ImportPkcs8PrivateKey(pkcs8, out var read);
            if (read == pkcs8.Length && rsa.KeySize >= MinBits)
                key = new DkimKey(rsa, pkcs8.ToArray());
        }
        catch (CryptographicException)      // the framework's only way to say that it is no key
        {
        }
        if (key is null)
            rsa.Dispose();
        return key is not null;
    }

    /// <summary>Unencrypted: whoever stores it encrypts it.</summary>
    public byte[] ExportPkcs8() => [.. _pkcs8];

    public string ExportPkcs8Pem() => PemEncoding.WriteString("PRIVATE KEY", _pkcs8);

    public void Dispose()
    {
        _disposed = true;
        for (var i = 0; i < _idle.Length; i++)
            Interlocked.Exchange(ref _idle[i], null)?.Dispose();
    }

    /// <param name="signature">At least <see cref="SignatureOctets"/>.</param>
    internal void SignHash(ReadOnlySpan<byte> sha256, Span<byte> signature)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var rsa = Borrow();
        var signed = rsa.TrySignHash(sha256, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1, out _);
        GiveBack(rsa);
        if (!signed)
            throw new CryptographicException("The signature does not fit.");
    }

    RSA Borrow()
    {
        for (var i = 0; i < _idle.Length; i++)
        {
            if (_idle[i] is not null && Interlocked.Exchange(ref _idle[i], null) is { } idle)
                return idle;
        }
        return Import();
    }

    /// <summary>More than there are places for are let go: no more than that can run at once for long.</summary>
    void GiveBack(RSA rsa)
    {
        for (var i = 0; i < _idle.Length && !_disposed; i++)
        {
            if (_idle[i] is null && Interlocked.CompareExchange(ref _idle[i], rsa, null) is null)
                return;
        }
        rsa.Dispose();
    }

    RSA Import()
    {
        var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(_pkcs8, out _);
        return rsa;
    }
}
