using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery;
using Postrider.Mail.Smtp;

namespace Postrider.Engine.Tests.Delivery;

public sealed class ReplyClassifierTests
{
    /// <summary>contracts/scaisend.md §8.4, with replies as they are met.</summary>
    [Theory]
    [InlineData(SmtpStage.RcptTo, "450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted", "deferred")]
    [InlineData(SmtpStage.RcptTo, "451 4.7.1 Greylisting in action, please come back later", "deferred")]
    [InlineData(SmtpStage.Greeting, "421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints", "throttled")]
    [InlineData(SmtpStage.MailFrom, "421 Too many concurrent SMTP connections", "throttled")]
    [InlineData(SmtpStage.EndOfData, "421-4.7.28 Our system has detected an unusual rate", "throttled")]
    [InlineData(SmtpStage.RcptTo, "452 4.2.2 The email account that you tried to reach is over quota", "deferred")]
    [InlineData(SmtpStage.Data, "451 4.3.0 Temporary lookup failure", "deferred")]
    [InlineData(SmtpStage.Ehlo, "454 4.4.0 not now", "deferred")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 The email account that you tried to reach does not exist", "hard")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "hard")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.2 bad destination system", "hard")]
    [InlineData(SmtpStage.RcptTo, "550 5.2.1 The email account that you tried to reach is disabled", "hard")]
    [InlineData(SmtpStage.RcptTo, "550 Requested action not taken: mailbox unavailable", "hard")]
    [InlineData(SmtpStage.RcptTo, "551 User not local", "hard")]
    [InlineData(SmtpStage.RcptTo, "553 sorry, that domain isn't in my list of allowed rcpthosts", "blocked")]
    [InlineData(SmtpStage.RcptTo, "550 5.0.0 Mailbox not found", "hard")]
    [InlineData(SmtpStage.EndOfData, "550 5.1.1 User unknown", "hard")]
    [InlineData(SmtpStage.Content, "550 5.1.1 User unknown", "hard")]
    [InlineData(SmtpStage.RcptTo, "552 5.2.2 The email account that you tried to reach is over quota", "soft")]
    [InlineData(SmtpStage.RcptTo, "552 Requested mail action aborted: exceeded storage allocation", "soft")]
    [InlineData(SmtpStage.EndOfData, "552 5.2.3 Message exceeds local size limit", "soft")]
    [InlineData(SmtpStage.EndOfData, "552 5.3.4 Message size exceeds fixed limit", "soft")]
    [InlineData(SmtpStage.MailFrom, "552 5.3.4 Message size exceeds file system imposed limit", "soft")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.1 Service unavailable; Client host blocked using Spamhaus", "blocked")]
    [InlineData(SmtpStage.EndOfData, "550-5.7.26 This mail has been blocked because the sender is unauthenticated", "blocked")]
    [InlineData(
        SmtpStage.EndOfData, "552 5.7.0 This message was blocked because its content presents a potential security issue", "blocked")]
    [InlineData(SmtpStage.Greeting, "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help)", "blocked")]
    [InlineData(SmtpStage.Greeting, "550 5.1.1 nobody has been named yet", "blocked")]
    [InlineData(SmtpStage.Helo, "501 5.5.4 Invalid domain name", "blocked")]
    [InlineData(SmtpStage.MailFrom, "550 5.1.8 Sender address rejected: Domain not found", "blocked")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.7 bad sender's mailbox address syntax", "blocked")]
    [InlineData(SmtpStage.MailFrom, "553 5.1.8 your domain does not resolve", "blocked")]
    [InlineData(SmtpStage.Data, "554 5.5.1 Error: no valid recipients", "blocked")]
    [InlineData(SmtpStage.EndOfData, "554 Transaction failed", "blocked")]
    [InlineData(SmtpStage.EndOfData, "550 spam", "blocked")]
    [InlineData(SmtpStage.RcptTo, "554 5.7.1 Relay access denied", "blocked")]
    [InlineData(SmtpStage.RcptTo, "503 5.5.1 Bad sequence of commands", "blocked")]
    public void Says_what_a_reply_means(SmtpStage stage, string line, string expected)
    {
        var verdict = BounceRules.BuiltIn.Judge(stage, Reply(line));

        Assert.Equal(expected, Name(verdict));
    }

    [Theory]
    [InlineData("421 4.7.0 slow down", "throttled", "4.7.0")]
    [InlineData("450 4.2.2 mailbox full", "deferred", "4.2.2")]
    [InlineData("451 4.7.1 greylisted", "deferred", "4.7.1")]
    [InlineData("550 5.7.1 rate limit exceeded", "throttled", "5.7.1")]
    [InlineData("450 later", "deferred", "4.4.7")]
    [InlineData("mx.example [192.0.2.1]: connection refused", "deferred", "4.4.7")]
    [InlineData("4", "deferred", "4.4.7")]
    [InlineData(null, "deferred", "4.4.7")]
    public void Past_its_lifetime_a_message_ends_as_the_last_reply_says(string? lastReply, string expected, string status)
    {
        var verdict = BounceRules.BuiltIn.Expired(lastReply);

        Assert.Equal((expected, status), (Name(verdict), verdict.Status));
        Assert.Equal(lastReply ?? "not delivered within its lifetime", verdict.Reply);
    }

    [Fact]
    public void Every_refusal_at_every_stage_means_something()
    {
        foreach (var stage in Enum.GetValues<SmtpStage>())
        {
            for (var code = 400; code < 600; code++)
            {
                for (var subject = 0; subject < 8; subject++)
                {
                    var verdict = BounceRules.BuiltIn.Judge(stage, new SmtpReply(code, $"{code / 100}.{subject}.1 text"));

                    Assert.Equal(code < 500, verdict is Verdict.Deferred);
                }
            }
        }
    }

    static SmtpReply Reply(string line) => new(int.Parse(line.AsSpan(0, 3)), line[4..]);

    static string Name(Verdict verdict) => verdict switch
    {
        Verdict.Deferred { Throttled: true } => "throttled",
        Verdict.Deferred => "deferred",
        Verdict.Bounced { Kind: BounceKind.Hard } => "hard",
        Verdict.Bounced => "soft",
        Verdict.Blocked => "blocked",
        _ => verdict.ToString()!,
    };
}
