using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Dkim;

namespace Postrider.Mail.Tests.Dkim;

public sealed class BodyHashTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("\r\n", "")]
    [InlineData("\r\n\r\n\r\n", "")]
    [InlineData(" \t\r\n \r\n", "")]
    [InlineData(" ", "")]
    [InlineData("a", "a\r\n")]
    [InlineData("a\r\n", "a\r\n")]
    [InlineData("a\r\n\r\n\r\n", "a\r\n")]
    [InlineData("a\r\n \t\r\n\r\n", "a\r\n")]
    [InlineData(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n")]         // RFC 6376 §3.4.5
    [InlineData("a\r\n\r\nb", "a\r\n\r\nb\r\n")]
    [InlineData("a  b\t\tc \r\n", "a b c\r\n")]
    [InlineData("\ta\r\n", " a\r\n")]
    [InlineData("a \rb\r\n", "a \rb\r\n")]
    [InlineData("a\r", "a\r\r\n")]
    [InlineData("a\r\r\n", "a\r\r\n")]
    [InlineData("a\nb\n", "a\nb\n\r\n")]
    public void Hashes_the_relaxed_body(string body, string canonical)
    {
        var octets = Encoding.ASCII.GetBytes(body);
        var expected = SHA256.HashData(Encoding.ASCII.GetBytes(canonical));

        Assert.Equal(expected, BodyHash.Relaxed(octets).Sha256.ToArray());
        for (var split = 0; split <= octets.Length; split++)
            Assert.Equal(expected, Hash(octets[..split], octets[split..]).Sha256.ToArray());
        Assert.Equal(expected, Hash([.. octets.Select(octet => new[] { octet })]).Sha256.ToArray());
    }

    [Fact]
    public void The_hash_of_nothing_is_the_rfc_s() =>
        Assert.Equal("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", BodyHash.Relaxed([]).ToString());

    [Fact]
    public void It_is_the_same_in_one_piece_and_in_many() =>
        Prop.ForAll(
            Gen.Elements(" ", "\t", "\r\n", "\r", "\n", "a", "bc", new string('d', 5_000)).ArrayOf().Resize(30).ToArbitrary(),
            pieces => BodyHash.Relaxed(Encoding.ASCII.GetBytes(string.Concat(pieces))) == Hash([.. pieces.Select(Encoding.ASCII.GetBytes)]))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    static BodyHash Hash(params byte[][] pieces)
    {
        using var hasher = new RelaxedBodyHasher();
        foreach (var piece in pieces)
            hasher.Append(piece);
        return hasher.Finish();
    }
}
