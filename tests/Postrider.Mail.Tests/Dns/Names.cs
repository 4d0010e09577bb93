using Postrider.Mail.Dns;

namespace Postrider.Mail.Tests.Dns;

static class Names
{
    public static DnsName Name(string text) =>
        DnsName.TryParse(text, out var name) ? name : throw new ArgumentException(text, nameof(text));

    public static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
