using System.Text;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Mail.Tests.Smtp.Server;

public sealed class SmtpCommandParserTests
{
    [Theory]
    [InlineData("MAIL FROM:<>", "<> null False False")]
    [InlineData("mail from:<a@b.example>", "<a@b.example> null False False")]
    [InlineData("MAIL FROM: <a@b.example> ", "<a@b.example> null False False")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=12 BODY=8BITMIME SMTPUTF8", "<a@b.example> 12 True True")]
    [InlineData("MAIL FROM:<a@b.example> body=7bit size=0", "<a@b.example> 0 False False")]
    [InlineData("MAIL FROM:<@r.example,@s.example:a@b.example>", "<a@b.example> null False False")]
    [InlineData("MAIL FROM:<\"a b\"@b.example>", "<\"a b\"@b.example> null False False")]
    [InlineData("MAIL FROM:<\"a>b\\\"\"@b.example> SIZE=1", "<\"a>b\\\"\"@b.example> 1 False False")]
    [InlineData("MAIL FROM:a@b.example", "501")]
    [InlineData("MAIL FROM:<a@b.example", "501")]
    [InlineData("MAIL FROM:<a@b.example>x", "501")]
    [InlineData("MAIL FROM:<a@b.example><c@d.example>", "501")]
    [InlineData("MAIL FROM:<a>", "501")]
    [InlineData("MAIL FROM:<@r.example>", "501")]
    [InlineData("MAIL FROM:<\"a@b.example>", "501")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=", "501")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=-1", "501")]
    [InlineData("MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "555")]
    [InlineData("MAIL FROM:<a@b.example> BODY=BINARYMIME", "555")]
    [InlineData("MAIL FROM:<a@b.example> RET=FULL", "555")]
    [InlineData("MAIL FROM:<\u00e4@b.example>", "553")]
    [InlineData("MAIL FROM:<\u00e4@b.example> SMTPUTF8", "<\u00e4@b.example> null False True")]
    [InlineData("MAIL FROM:<a\0@b.example>", "501")]
    [InlineData("MAIL TO:<a@b.example>", "501")]
    [InlineData("MAIL", "501")]
    [InlineData("MAILFROM:<>", "500")]
    public void Reads_MAIL(string line, string expected)
    {
        var read = SmtpCommandParser.Read(Encoding.UTF8.GetBytes(line)) switch
        {
            SmtpCommand.Mail mail => $"{mail.From} {mail.Octets?.ToString() ?? "null"} {mail.Is8Bit} {mail.SmtpUtf8}",
            SmtpCommand.Bad bad => $"{bad.Reply.Code}",
            var other => other.ToString(),
        };

        Assert.Equal(expected, read);
    }

    [Theory]
    [InlineData("RCPT TO:<a@b.example>", "a@b.example")]
    [InlineData("RCPT TO:<@r.example:a@b.example>", "a@b.example")]
    [InlineData("rcpt to: <PostMaster>", "postmaster")]
    [InlineData("RCPT TO:<postmaster@b.example>", "postmaster@b.example")]
    [InlineData("RCPT TO:<>", "501")]
    [InlineData("RCPT TO:<other>", "501")]
    [InlineData("RCPT TO:<a@b.example> NOTIFY=NEVER", "555")]
    [InlineData("RCPT TO:<a@b.example>,<c@d.example>", "501")]
    [InlineData("RCPT TO:", "501")]
    public void Reads_RCPT(string line, string expected)
    {
        var read = SmtpCommandParser.Read(Encoding.UTF8.GetBytes(line)) switch
        {
            SmtpCommand.Rcpt rcpt => rcpt.To?.ToString() ?? "postmaster",
            SmtpCommand.Bad bad => $"{bad.Reply.Code}",
            var other => other.ToString(),
        };

        Assert.Equal(expected, read);
    }

    [Theory]
    [InlineData("EHLO mx.example", "mx.example True")]
    [InlineData("ehlo [127.0.0.1] ", "[127.0.0.1] True")]
    [InlineData("HELO x", "x False")]
    [InlineData("EHLO", "501")]
    [InlineData("EHLO two words", "501")]
    [InlineData("EHLO a\rMAIL", "500")]
    public void Reads_EHLO(string line, string expected)
    {
        var read = SmtpCommandParser.Read(Encoding.UTF8.GetBytes(line)) switch
        {
            SmtpCommand.Hello hello => $"{hello.Name} {hello.Extended}",
            SmtpCommand.Bad bad => $"{bad.Reply.Code}",
            var other => other.ToString(),
        };

        Assert.Equal(expected, read);
    }

    [Fact]
    public void Refuses_octets_that_are_not_UTF8()
    {
        var read = SmtpCommandParser.Read([.. "NOOP "u8, 0xff]);

        Assert.Equal(501, Assert.IsType<SmtpCommand.Bad>(read).Reply.Code);
    }
}
