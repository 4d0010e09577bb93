using System.Text;
using Postrider.Engine.Messages;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests.Messages;

public sealed class MessageBodyTests
{
    [Theory]
    [InlineData("text", "<p>html</p>")]
    [InlineData("text", null)]
    [InlineData(null, "<p>html</p>")]
    [InlineData("", "<p>html</p>")]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("grüße", "<p>日本</p>")]
    public void A_body_is_read_back_from_its_content(string? text, string? html)
    {
        var read = MessageBody.FromContent(Sender.Body(text, html).ToContent());

        Assert.Equal((text, html), (Text(read.Text), Text(read.Html)));
    }

    static string? Text(ReadOnlyMemory<byte>? octets) => octets is { } some ? Encoding.UTF8.GetString(some.Span) : null;
}
