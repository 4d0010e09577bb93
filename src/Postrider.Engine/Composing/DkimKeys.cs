using System.Collections.Concurrent;
using System.Security.Cryptography;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Dkim;

namespace Postrider.Engine.Composing;

/// <summary>Signers by sending domain, opened once: unsealing a key and reading it costs more than a signature.</summary>
public sealed class DkimKeys(SecretBox secrets)
{
    const string SealLabel = "dkim";
    const int MostKept = 10_000;

    readonly ConcurrentDictionary<DomainId, (byte[] Sealed, DkimSigner Signer)> _signers = new();

    public DkimSigner SignerFor(SendingDomain domain)
    {
        if (_signers.TryGetValue(domain.Id, out var known) && known.Signer.Selector == domain.Selector
            && known.Sealed.AsSpan().SequenceEqual(domain.SealedKey))
            return known.Signer;
        if (_signers.Count >= MostKept)
            _signers.Clear();
        var signer = new DkimSigner(domain.Domain, domain.Selector, Open(domain));
        _signers[domain.Id] = (domain.SealedKey, signer);
        return signer;
    }

    public byte[] Seal(DkimKey key) => secrets.Seal(SealLabel, key.ExportPkcs8());

    /// <exception cref="CryptographicException">The key was sealed under another master key.</exception>
    public DkimKey Open(SendingDomain domain) =>
        DkimKey.TryImportPkcs8(secrets.Open(SealLabel, domain.SealedKey), out var key)
            ? key
            : throw new CryptographicException($"The DKIM key of {domain.Domain} cannot be read.");
}
