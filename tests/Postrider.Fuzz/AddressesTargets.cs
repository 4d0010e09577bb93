using System.Text;
using Postrider.Mail.Addresses;
using static Postrider.Fuzz.FuzzException;

namespace Postrider.Fuzz;

static class AddressesTargets
{
    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new("domain", Seeds("example.org", "bücher.example.", "例え。テスト", "xn--bcher-kva.example"), input =>
        {
            if (!Domain.TryParse(Encoding.UTF8.GetString(input), out var domain))
                return;
            Unless(Domain.TryParse(domain.Ascii, out var ascii) && ascii == domain && ascii.Ascii == domain.Ascii, "A-labels read back");
            Unless(Domain.TryParse(domain.Unicode, out var unicode) && unicode == domain, "U-labels read back");
            Unless(domain.Ascii.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.'), "only LDH");
        }),
        new("mailbox", Seeds("ada@example.org", "\"a d\\\"a\"@bücher.example", "用户@例え.テスト", "\"ada\"@EXAMPLE.org"), input =>
        {
            if (!Mailbox.TryParse(Encoding.UTF8.GetString(input), out var mailbox))
                return;
            var wire = mailbox.ToString();
            Unless(Mailbox.TryParse(wire, out var again) && again == mailbox && again.ToString() == wire, "reads back");
            Unless(!wire.Any(char.IsControl) && Encoding.UTF8.GetByteCount(wire) <= Mailbox.MaxOctets, "no controls, no excess");
        }),
        new("address-list", Seeds(
            "Ada <ada@example.org>, bob@example.org", "\"L, A\" (c (d)) <@r.test:a . b@example.org>",
            "G: a@b.test, c@d.test;, \"\\\"\"@e.test"), input =>
        {
            if (!AddressList.TryParse(Encoding.UTF8.GetString(input), out var mailboxes))
                return;
            foreach (var named in mailboxes)
            {
                Unless(!named.ToString().Any(char.IsControl), "no controls");
                Unless(NamedMailbox.TryCreate(named.DisplayName, named.Mailbox, out var again) && again == named, "reads back");
            }
        }),
    ];

    static IReadOnlyList<byte[]> Seeds(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];
}
