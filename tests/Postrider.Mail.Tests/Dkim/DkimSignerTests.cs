using System.Security.Cryptography;
using System.Text;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dkim;
using Postrider.Mail.Mime;
using Postrider.Mail.Tests.Mime;

namespace Postrider.Mail.Tests.Dkim;

public sealed class DkimSignerTests
{
    static readonly DkimKey Key = DkimKey.Generate();

    static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    [Fact]
    public void Writes_its_tags_folded_and_over_signs_what_is_shown()
    {
        var composed = MimeComposer.Compose(SampleMessages.All["extra_fields"]);

        var field = Encoding.ASCII.GetString(
            Signer().Sign(composed.HeaderSection.Span, BodyHash.Relaxed(composed.Body.Span), At, At.AddDays(7)));

        var unsigned = field[..(field.IndexOf("\r\n b=", StringComparison.Ordinal) + 5)];
        Assert.Equal(
            SampleMessages.Canonical("""
                DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
                 d=example.org; s=post1;
                 t=1700000000; x=1700604800;
                 h=From:From:To:To:Cc:Subject:Subject:Date:Date:Message-ID:Message-ID:
                 Reply-To:In-Reply-To:References:MIME-Version:MIME-Version:Content-Type:
                 Content-Type:Content-Transfer-Encoding:List-Unsubscribe:
                 List-Unsubscribe-Post:Feedback-ID;
                 bh=s14J+iztnrytnRYzb7lhFG/jS/vrxWJnnahfijFMnco=;
                 b=
                """),
            unsigned);
        Assert.EndsWith("\r\n", field, StringComparison.Ordinal);
        Assert.All(field.Split("\r\n")[..^1], line => Assert.InRange(line.Length, 1, 78));
    }

    [Fact]
    public void Signs_the_canonical_fields_in_the_order_of_h_the_last_of_a_name_first()
    {
        var header = "Subject:  one \r\nX-Not: signed\r\nFROM: a@example.org\r\nsubject: two\r\n\tfolded\r\n"u8;

        var field = Encoding.ASCII.GetString(Signer().Sign(header, BodyHash.Relaxed([]), At));

        var b = field.LastIndexOf("b=", StringComparison.Ordinal) + 2;
        var unsigned = field[..b].Replace("\r\n", "", StringComparison.Ordinal).Replace(
            "DKIM-Signature: ", "dkim-signature:", StringComparison.Ordinal);
        var canonical = $"from:a@example.org\r\nsubject:two folded\r\nsubject:one\r\n{unsigned}";
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Key.PublicKey.Span, out _);
        Assert.True(rsa.VerifyData(
            Encoding.ASCII.GetBytes(canonical), Convert.FromBase64String(field[b..]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void Signs_any_number_of_fields()
    {
        var header = string.Concat(Enumerable.Repeat("List-Unsubscribe: <https://example.org/>\r\n", 200)) + "From: a@example.org\r\n";

        var field = Encoding.ASCII.GetString(Signer().Sign(Encoding.ASCII.GetBytes(header), BodyHash.Relaxed([]), At));

        Assert.Equal(201, field.Split("List-Unsubscribe").Length);
    }

    [Fact]
    public async Task Signs_the_same_from_many_threads_at_once()
    {
        var signer = Signer();
        byte[] Sign() => signer.Sign("From: a@example.org\r\n"u8, BodyHash.Relaxed([]), At);
        var expected = Sign();

        var signatures = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(Sign)));

        Assert.All(signatures, signature => Assert.Equal(expected, signature));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("a;b")]
    [InlineData("a\r\nb")]
    [InlineData("ä")]
    public void Takes_no_selector_that_could_not_be_in_dns(string selector) =>
        Assert.Throws<ArgumentException>(() => new DkimSigner(ExampleOrg(), selector, Key));

    [Fact]
    public void A_key_survives_export_and_import()
    {
        Assert.True(DkimKey.TryImportPkcs8(Key.ExportPkcs8(), out var imported));

        Assert.Equal(DkimDnsRecord.Text(Key), DkimDnsRecord.Text(imported));
        Assert.Equal((2_048, 256), (imported.Bits, imported.SignatureOctets));
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----", Key.ExportPkcs8Pem(), StringComparison.Ordinal);
        imported.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new DkimSigner(ExampleOrg(), "s", imported).Sign([], BodyHash.Relaxed([]), At));
    }

    [Fact]
    public void Imports_no_other_octets()
    {
        using var ec = ECDsa.Create();
        using var small = RSA.Create(512);

        Assert.False(DkimKey.TryImportPkcs8([], out _));
        Assert.False(DkimKey.TryImportPkcs8("no key"u8, out _));
        Assert.False(DkimKey.TryImportPkcs8(ec.ExportPkcs8PrivateKey(), out _));
        Assert.False(DkimKey.TryImportPkcs8(small.ExportPkcs8PrivateKey(), out _));
        Assert.False(DkimKey.TryImportPkcs8([.. Key.ExportPkcs8(), 0], out _));
    }

    [Fact]
    public void Knows_its_key_in_dns()
    {
        using var other = DkimKey.Generate();
        var text = DkimDnsRecord.Text(Key);

        Assert.StartsWith("v=DKIM1; k=rsa; p=MIIBIjAN", text, StringComparison.Ordinal);
        Assert.True(DkimDnsRecord.Publishes(text, Key));
        Assert.True(DkimDnsRecord.Publishes(text.Replace("p=MIIB", "t=s; p = MI IB", StringComparison.Ordinal), Key));
        Assert.False(DkimDnsRecord.Publishes(text, other));
        Assert.False(DkimDnsRecord.Publishes("v=DKIM1; p=", Key));
        Assert.All(
            DkimDnsRecord.ZoneFileText(DkimDnsRecord.Text(Key)).Split("\" \""), part => Assert.InRange(part.Trim('"').Length, 1, 255));
        Assert.Equal("post1._domainkey.example.org", DkimDnsRecord.Name("post1", ExampleOrg()));
    }

    static DkimSigner Signer() => new(ExampleOrg(), "post1", Key);

    static Domain ExampleOrg()
    {
        Assert.True(Domain.TryParse("example.org", out var domain));
        return domain;
    }
}
