using System.Runtime.CompilerServices;
using Postrider.Engine.Bounces;
using Postrider.Mail.Mime;
using Postrider.Mail.Reports;
using Postrider.Mail.Smtp;

namespace Postrider.Engine.Tests.Bounces;

public sealed class BounceRulesTests
{
    /// <summary>
    /// contracts/scaisend.md §8.4 by itself, for codes that are met, and some that are not, at every stage, when the words say nothing.
    /// </summary>
    [Fact]
    public void Without_words_codes_mean_what_the_contract_says()
    {
        foreach (var stage in Enum.GetValues<SmtpStage>())
        {
            int[] codes =
                [400, 421, 450, 451, 452, 454, 499, 500, 501, 502, 503, 504, 521, 541, .. Enumerable.Range(550, 10), 571, 599];
            foreach (var code in codes)
            {
                foreach (var status in Statuses(code / 100))
                {
                    var reply = new SmtpReply(code, status is { } known ? $"{known} so it is" : "so it is");

                    var action = BounceRules.BuiltIn.Classify(stage, reply).Action;

                    Assert.True(action == Contract(stage, reply), $"{stage}: {reply} is {action}");
                }
            }
        }
    }

    static IEnumerable<EnhancedStatusCode?> Statuses(int @class) =>
        from subject in Enumerable.Range(-1, 9)
        from detail in new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12 }
        select subject < 0 ? (EnhancedStatusCode?)null : new EnhancedStatusCode(@class, subject, detail);

    static BounceAction Contract(SmtpStage stage, SmtpReply reply)
    {
        if (reply.IsTransient)
            return reply.Code == 421 || reply.Enhanced is { Subject: 7 } ? BounceAction.RetryThrottled : BounceAction.Retry;
        var isNamed = stage is SmtpStage.RcptTo or SmtpStage.Data or SmtpStage.Content or SmtpStage.EndOfData;
        return (reply.Enhanced is { Subject: not 0 } code ? $"{code.Subject}.{code.Detail}" : null, reply.Code) switch
        {
            // Full or too big, which those who offer SIZE say at MAIL.
            ("3.4" or "2.2" or "2.3", _) or (null, 552) => BounceAction.Soft,
            _ when !isNamed => BounceAction.Block,
            ("1.7" or "1.8", _) => BounceAction.Block,           // bad sender's mailbox or system address
            ("2.1", _) => BounceAction.Hard,
            ({ } text, _) => text.StartsWith("1.", StringComparison.Ordinal) ? BounceAction.Hard : BounceAction.Block,
            (null, 550 or 551 or 553) when stage == SmtpStage.RcptTo => BounceAction.Hard,
            _ => BounceAction.Block,
        };
    }

    /// <summary>The samples of real reports beside the reader's tests.</summary>
    [Theory]
    [InlineData("postfix-failed", "no-such-mailbox Hard")]
    [InlineData("postfix-failed-three", "mailbox-full Soft", "no-such-mailbox Hard", "blocklist Block")]
    [InlineData("exim-failed", "no-such-mailbox Hard")]
    [InlineData("exim-failed-three", "no-such-mailbox Hard", "mailbox-full Soft", "blocklist Block")]
    [InlineData("exim-old-failed", "other Block", "other Block")]
    [InlineData("sendmail-failed", "blocklist Block")]
    [InlineData("exchange-online-failed", "no-such-mailbox Hard")]
    [InlineData("exchange-2019-full", "mailbox-full Soft")]
    [InlineData("gmail-failed", "no-such-mailbox Hard")]
    [InlineData("google-empty-status", "other Block")]
    [InlineData("yahoo-failed", "no-such-mailbox Hard")]
    [InlineData("qmail-local", "no-such-mailbox Hard")]
    [InlineData("qmail-remote", "no-such-mailbox Hard", "other Block")]
    [InlineData("amazon-ses-failed", "no-such-mailbox Hard")]
    [InlineData("zimbra-expired", "network Soft")]
    [InlineData("utf8-failed", "no-such-mailbox Hard")]
    [InlineData("list-wrapped-failed", "no-such-mailbox Hard")]
    public void Says_what_a_report_means(string sample, params string[] expected)
    {
        var octets = File.ReadAllBytes(
            Path.Combine(Path.GetDirectoryName(ThisFile())!, $"../../Postrider.Mail.Tests/Reports/{sample}.eml"));

        var report = Assert.IsType<DeliveryStatusNotification>(InboundReport.Read(MimeReader.Read(octets)));

        Assert.Equal(expected, report.Recipients
            .Select(recipient => BounceRules.BuiltIn.Classify(recipient, report.Format))
            .Select(found => $"{found.Category.Word()} {found.Action}"));
    }

    [Fact]
    public void Never_suppresses_on_a_form_that_only_says_failed()
    {
        var recipient = new RecipientStatus { Action = DsnAction.Failed, Diagnostic = new DiagnosticCode("x", "user unknown") };

        Assert.Equal(BounceAction.Hard, BounceRules.BuiltIn.Classify(recipient, ReportFormat.Standard).Action);
        Assert.Equal(BounceAction.Soft, BounceRules.BuiltIn.Classify(recipient, ReportFormat.Qsbmf).Action);
        Assert.Equal(BounceAction.Soft, BounceRules.BuiltIn.Classify(recipient, ReportFormat.FailedRecipients).Action);
    }

    [Fact]
    public void The_operators_rules_come_first()
    {
        var rules = BounceRules.Read("""
            # ours
            policy block code=550 status=5.1.*,none stage=rcpt text="User * of the North" text="gone"
            """, out var faults);

        Assert.Empty(faults);
        Assert.Equal(
            new BounceClass(BounceCategory.Policy, BounceAction.Block),
            rules.Classify(SmtpStage.RcptTo, new SmtpReply(550, "5.1.1 USER unknown of  the north, gone")));
        Assert.Equal(
            BounceAction.Hard, rules.Classify(SmtpStage.EndOfData, new SmtpReply(550, "5.1.1 user unknown of the north, gone")).Action);
        Assert.Equal(
            BounceAction.Hard, rules.Classify(SmtpStage.RcptTo, new SmtpReply(550, "5.1.1 of the north: user unknown, gone")).Action);
    }

    [Theory]
    [InlineData("spam block", "line 1: \"spam\" is not a category")]
    [InlineData("content drop", "line 1: \"drop\" is not an action: retry, retry-throttled, soft, block, hard")]
    [InlineData(
        "blocklist hard text=\"x\"", "line 1: blocklist cannot be hard: it says nothing of the mailbox, and hard stops all mail to it")]
    [InlineData(
        "\n\ncontent block text=unquoted", "line 3: text=unquoted is not stage=, code=, status= or text=\"…\", or not one of their values")]
    [InlineData("content block text=\"**\"", "line 1: text=\"**\" is not stage=, code=, status= or text=\"…\", or not one of their values")]
    [InlineData("content block code=250", "line 1: code=250 is not stage=, code=, status= or text=\"…\", or not one of their values")]
    [InlineData("content block status=5.1", "line 1: status=5.1 is not stage=, code=, status= or text=\"…\", or not one of their values")]
    [InlineData(
        "no-such-mailbox hard stage=mail",
        "line 1: nothing can be said of a mailbox at that stage: no-such-mailbox is for rcpt, data and report")]
    public void Names_the_line_that_is_wrong(string text, string expected)
    {
        var rules = BounceRules.Read(text, out var faults);

        Assert.Equal([expected], faults);
        Assert.Same(BounceRules.BuiltIn, rules);
    }

    [Fact]
    public void What_is_about_us_is_never_hard_whatever_the_code()
    {
        string[] admissions =
        [
            "listed in RBL", "poor reputation", "rate limit exceeded", "DMARC policy", "spam detected", "Greylisted", "Relay access denied",
        ];

        foreach (var words in admissions)
        {
            var reply = new SmtpReply(550, $"5.1.1 user unknown: {words}");
            Assert.NotEqual(BounceAction.Hard, BounceRules.BuiltIn.Classify(SmtpStage.RcptTo, reply).Action);
        }
    }

    [Fact]
    public void The_operators_page_tells_every_category_and_action()
    {
        var page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../../docs/operate/bounces.md"));

        Assert.All(BounceCategories.Words, word => Assert.Contains($"| `{word}` |", page, StringComparison.Ordinal));
        Assert.All(BounceWords.Of<BounceAction>(), word => Assert.Contains($"| `{word}` |", page, StringComparison.Ordinal));
    }

    static string ThisFile([CallerFilePath] string here = "") => here;
}
