using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Addresses;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Delivery;

public sealed class ReturnPathsTests
{
    readonly ReturnPaths _paths = Make(Sender.Secrets);
    readonly MessageId _message = new(new IdGenerator(new ManualTime()).Next());

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(65_535)]
    public void A_return_path_names_its_message_and_recipient(int recipient)
    {
        var path = _paths.For(_message, recipient);

        Assert.True(_paths.TryRead(path.Mailbox!, out var message, out var read));
        Assert.Equal((_message, recipient), (message, read));
        Assert.StartsWith("b+", path.Mailbox!.LocalPart, StringComparison.Ordinal);
        Assert.True(path.Mailbox.LocalPart.Length <= 64);       // RFC 5321 §4.5.3.1.1
    }

    [Fact]
    public void Capitals_made_on_the_way_do_no_harm()
    {
        Assert.True(_paths.TryRead(Parse(_paths.For(_message, 3).Mailbox!.ToString().ToUpperInvariant()), out var message, out _));
        Assert.Equal(_message, message);
    }

    [Fact]
    public void A_token_with_any_character_changed_is_refused()
    {
        var token = _paths.For(_message, 3).Mailbox!.LocalPart;
        for (var i = 2; i < token.Length; i++)
        {
            foreach (var other in "abcdefghijklmnopqrstuvwxyz234567018=")
            {
                if (other != token[i])
                    Refuse(token[..i] + other + token[(i + 1)..]);
            }
        }
    }

    [Fact]
    public void A_token_cut_short_or_drawn_out_is_refused()
    {
        var token = _paths.For(_message, 3).Mailbox!.LocalPart;
        for (var length = 1; length < token.Length; length++)
            Refuse(token[..length]);
        Refuse(token + "a");
        Refuse("c" + token[1..]);
        Refuse("bounces");
    }

    [Fact]
    public void A_token_of_another_installation_is_refused()
    {
        var others = Make(new SecretBox(new byte[SecretBox.KeyOctets]));

        Refuse(others.For(_message, 0).Mailbox!.LocalPart);
    }

    void Refuse(string localPart) => Assert.False(_paths.TryRead(Parse($"{localPart}@bounce.example.org"), out _, out _), localPart);

    static ReturnPaths Make(SecretBox secrets) =>
        Domain.TryParse("bounce.example.org", out var host) ? new ReturnPaths(secrets, host) : throw new InvalidOperationException();

    static Mailbox Parse(string text) =>
        Mailbox.TryParse(text, out var mailbox) ? mailbox : throw new ArgumentException(text, nameof(text));
}
