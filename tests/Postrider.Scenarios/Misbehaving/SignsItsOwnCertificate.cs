using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>Encrypted to somebody unknown is better than in clear; the timeline tells the version.</summary>
public sealed class SignsItsOwnCertificate
{
    [Fact]
    public async Task Is_delivered_over_TLS()
    {
        await using var mx = ScriptedMx.Start(certificate: SelfSigned());

        await Trial.EndsAsync(
            """
            delivered, retry_count 0
            processed ada@peer.test
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1 tls_version=TLSv1.3]
            mx: 1 came, 1 taken
            """,
            mx, Letter.To("ada@peer.test"));

        Assert.True(mx.Mail.Single().Tls);
    }

    static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mx.test", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
