using Postrider.Mail.Addresses;
using Postrider.Mail.Dkim;
using static Postrider.Fuzz.FuzzException;

namespace Postrider.Fuzz;

static class DkimTargets
{
    static readonly DkimSigner Signer =
        Domain.TryParse("example.org", out var domain)
            ? new DkimSigner(domain, "s", DkimKey.Generate(1_024)) : throw new InvalidOperationException();

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new("dkim-body", ["a  b \r\n\r\n \t\r\nc\r\r\n\r\n"u8.ToArray(), "\r\n"u8.ToArray()], input =>
        {
            var whole = BodyHash.Relaxed(input);
            for (var split = 0; split <= Math.Min(input.Length, 64); split++)
            {
                using var hasher = new RelaxedBodyHasher();
                hasher.Append(input[..split]);
                hasher.Append(input[split..]);
                Unless(hasher.Finish() == whole, "the same wherever it is split");
            }
        }),
        new("dkim-header", ["From: a@b.test\r\nSubject: x\r\n\ty\r\nfrom : c\r\n"u8.ToArray(), ":\r\n \r\nTo:\r\n"u8.ToArray()], input =>
        {
            var field = Signer.Sign(input, BodyHash.Relaxed([]), DateTimeOffset.UnixEpoch).AsSpan();
            Unless(field.StartsWith("DKIM-Signature: "u8) && field.EndsWith("\r\n"u8), "one field");
            var rest = (ReadOnlySpan<byte>)field;
            Unless(RelaxedHeader.TryTakeField(ref rest, out _) && rest.IsEmpty, "and no other");
        }),
    ];
}
