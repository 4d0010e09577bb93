using Postrider.Commands;
using Postrider.Engine.Messages;

namespace Postrider.Tests.Commands;

public sealed class IdTextTests
{
    static readonly MessageId Id = new(new Guid("019a0b1c-2d3e-7f40-8a51-627384950607"));

    [Fact]
    public void Reads_every_form_an_operator_may_have()
    {
        var forms = new[] { $"msg_{Id}", $"MSG_{Id}", $"msg_{Id}".ToLowerInvariant(), Id.ToString(), Id.Value.ToString() };

        Assert.All(forms, form => Assert.True(IdText.TryParseMessage(form, out var read) && read == Id));
    }

    [Theory]
    [InlineData("")]
    [InlineData("msg_")]
    [InlineData("evt_01M7WWWWN1E01BSTHKC0DAFT9H")]
    [InlineData("msg_01M7WWWWN1E01BSTHKC0DAFT9HH")]
    public void Refuses_what_is_no_message_id(string text) => Assert.False(IdText.TryParseMessage(text, out _));
}
