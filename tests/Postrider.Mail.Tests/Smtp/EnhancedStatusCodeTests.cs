using System.Text;
using Postrider.Mail.Smtp;

namespace Postrider.Mail.Tests.Smtp;

public sealed class EnhancedStatusCodeTests
{
    [Theory]
    [InlineData("5.1.1 no such user", true, 5)]
    [InlineData("4.7.650\tslow down", true, 7)]
    [InlineData("2.0.0", true, 5)]
    [InlineData("5.1.1234 no such user", false, 0)]    // detail is 1*3DIGIT
    [InlineData("5.1.1: no such user", false, 0)]
    [InlineData("3.1.1 no such class", false, 0)]
    [InlineData("5.1 short", false, 0)]
    [InlineData("5..1 empty", false, 0)]
    [InlineData(" 5.1.1", false, 0)]
    [InlineData("", false, 0)]
    public void Reads_a_status_code_at_the_start_of_a_reply(string text, bool expected, int octets)
    {
        var read = EnhancedStatusCode.TryRead(Encoding.ASCII.GetBytes(text), out _, out var consumed);

        Assert.Equal((expected, octets), (read, consumed));
    }

    [Fact]
    public void Writes_what_it_read()
    {
        EnhancedStatusCode.TryRead("4.7.650 x"u8, out var code, out _);

        Assert.Equal("4.7.650", code.ToString());
    }
}
