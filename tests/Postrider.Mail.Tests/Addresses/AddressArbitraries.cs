using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Tests.Addresses;

static class AddressArbitraries
{
    static readonly string[] Pieces =
    [
        "a", "Z", "9", ".", "..", "@", "\"", "\\", " ", "\t", "\r", "\n", "\0", "<", ">", ",", ";", ":", "(", ")", "-", "_", "+",
        "example", "org", "xn--", "bücher", "用户", "é", "e\u0301", "😀", "\ud800", "\u2028", "\u0085", "[1.2.3.4]", "ada@example.org", "\\\"",
    ];

    /// <summary>Text made of what matters to an address, most of it wrong and some of it right.</summary>
    public static Arbitrary<string> AlmostAddress { get; } =
        Gen.Elements(Pieces).ArrayOf().Resize(12).Select(string.Concat).ToArbitrary();

    public static Arbitrary<string> AlmostMailbox { get; } = Gen.OneOf(
        AlmostAddress.Generator,
        AlmostAddress.Generator.Select(text => text + "@example.org"),
        AlmostAddress.Generator.Select(text => $"\"{text}\"@example.org"),
        AlmostAddress.Generator.Select(text => $"ada@{text}.example")).ToArbitrary();

    public static Arbitrary<Mailbox> Mailbox { get; } = AlmostMailbox.Generator
        .Select(text => Parse(text)).Where(mailbox => mailbox is not null).Select(mailbox => mailbox!).ToArbitrary();

    static Mailbox? Parse(string text) => Mail.Addresses.Mailbox.TryParse(text, out var mailbox) ? mailbox : null;
}
