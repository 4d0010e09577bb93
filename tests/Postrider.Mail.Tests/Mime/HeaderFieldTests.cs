using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Tests.Mime;

public sealed class HeaderFieldTests
{
    [Theory]
    [InlineData("X-Run", "7", "7")]
    [InlineData("x-run", " 7\t ", "7")]
    [InlineData("X-Run", "", "")]
    [InlineData("X-Run", "Größe\tx", "Größe\tx")]
    [InlineData("List-Unsubscribe", "<https://example.org/>", "<https://example.org/>")]
    public void Takes_a_field(string name, string value, string expected)
    {
        Assert.True(HeaderField.TryCreate(name, value, out var field));

        Assert.Equal((name, expected), (field.Name, field.Value));
    }

    [Theory]
    [InlineData("", "x")]
    [InlineData("X Run", "x")]
    [InlineData("X-Run:", "x")]
    [InlineData("X-Rün", "x")]
    [InlineData("X-Run\r\nBcc", "x")]
    [InlineData("X-Run", "x\r\nBcc: eve@example.org")]
    [InlineData("X-Run", "x\n")]
    [InlineData("X-Run", "\rx")]
    [InlineData("X-Run", "x\0")]
    [InlineData("X-Run", "x\u001b")]
    [InlineData("X-Run", "x\u007F")]
    [InlineData("X-Run", "x\u0085y")]
    [InlineData("X-Run", "x\u2028y")]
    [InlineData("Bcc", "eve@example.org")]
    [InlineData("subject", "x")]
    [InlineData("Content-Type", "text/html")]
    [InlineData("Content-Anything", "x")]
    [InlineData("DKIM-Signature", "v=1")]
    [InlineData("List-Unsubscribe", "<https://exämple.org/>")]
    [InlineData("References", "<ä@b>")]
    public void Refuses_what_could_not_be_sent_as_it_is(string name, string value) =>
        Assert.False(HeaderField.TryCreate(name, value, out _));

    [Theory]
    [InlineData("List-Unsubscribe", 900, true)]
    [InlineData("List-Unsubscribe", 901, false)]
    [InlineData("References", 901, false)]
    [InlineData("X-Run", 5_000, true)]          // encoded instead
    public void Refuses_a_structured_value_that_no_fold_brings_under_the_limit(string name, int length, bool expected) =>
        Assert.Equal(expected, HeaderField.TryCreate(name, new string('x', length), out _));

    [Fact]
    public void A_space_without_a_comma_is_no_place_to_fold_a_list() =>
        Assert.False(HeaderField.TryCreate("List-Unsubscribe", $"<{new string('x', 600)} {new string('y', 600)}>", out _));

    [Fact]
    public void Whatever_it_takes_is_one_field_of_short_lines() =>
        Prop.ForAll(
            TextArbitraries.AnyText,
            text => new[] { "X-Run", "List-Unsubscribe", "References" }.All(name =>
            {
                if (!HeaderField.TryCreate(name, text, out var field))
                    return true;
                using var writer = new OctetWriter(16);
                writer.WriteField(field);
                var written = Encoding.ASCII.GetString(writer.Written);
                var lines = written.Split("\r\n");
                return lines[^1].Length == 0 && lines[1..^1].All(line => line[0] == ' ' && line.Trim().Length > 0)
                    && lines.All(line => line.Length <= 998 && !line.Any(c => char.IsControl(c) && c != '\t'))
                    && MimeReader.Read(writer.ToArray()).Fields.All is [var read]
                    && (name == "X-Run" ? read.Value == TextArbitraries.Shown(field.Value) : read.RawValue == field.Value);
            })).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
}
