using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests.Suppressions;

public sealed class SuppressionRulesTests
{
    static readonly MessageId This = new(new Guid("01987f00-0000-7000-8000-0000000000a1"));
    static readonly MessageId Earlier = new(new Guid("01987f00-0000-7000-8000-0000000000a0"));

    [Theory]
    [InlineData(SuppressionList.Bounces, "bounced_address", "Suppressed: hard bounce")]
    [InlineData(SuppressionList.SpamReports, "spam_reporting_address", "Suppressed: spam report")]
    [InlineData(SuppressionList.GlobalUnsubscribes, "unsubscribed_address", "Suppressed: unsubscribed")]
    [InlineData(SuppressionList.GroupUnsubscribes, "group_unsubscribed", "Suppressed: unsubscribed from group 11")]
    public void A_list_drops_a_recipient_with_its_reason(SuppressionList list, string reason, string detail)
    {
        var verdict = Assert.IsType<Verdict.Dropped>(Judge(new MessageSettings { UnsubscribeGroup = 11 }, Row(list)));

        Assert.Equal((reason, detail), (verdict.Reason, verdict.Detail));
        Assert.Equal(list == SuppressionList.GroupUnsubscribes ? 11 : null, verdict.Group);
        Assert.True(SuppressionRules.IsSuppression(verdict.Detail));
    }

    [Theory]
    [InlineData(Bypass.None, "bounced_address")]
    [InlineData(Bypass.Bounces, "spam_reporting_address")]
    [InlineData(Bypass.Bounces | Bypass.SpamReports, "unsubscribed_address")]
    [InlineData(Bypass.SpamReports | Bypass.GlobalUnsubscribes, "bounced_address")]
    [InlineData(Bypass.Bounces | Bypass.SpamReports | Bypass.GlobalUnsubscribes, "group_unsubscribed")]
    [InlineData(Bypass.All, null)]
    public void A_bypass_passes_by_its_own_list_and_only_the_one_for_all_by_groups(Bypass bypass, string? reason)
    {
        var settings = new MessageSettings { UnsubscribeGroup = 11, Bypass = bypass };

        var verdict = Judge(settings, [.. Enum.GetValues<SuppressionList>().Select(list => Row(list))]);

        Assert.Equal(reason, (verdict as Verdict.Dropped)?.Reason);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(12)]
    public void A_group_counts_only_for_mail_of_that_group(int? group) =>
        Assert.Null(Judge(new MessageSettings { UnsubscribeGroup = group }, Row(SuppressionList.GroupUnsubscribes)));

    [Fact]
    public void Nobody_listed_is_nobody_dropped() => Assert.Null(Judge(MessageSettings.None));

    [Theory]
    [InlineData(false, null, false)]
    [InlineData(false, "451 4.7.1 greylisted", false)]
    [InlineData(false, "5 of them", false)]
    [InlineData(true, null, true)]                                  // the row was left by this message
    [InlineData(false, "550 5.1.1 no such user", true)]             // it was refused for good, so somebody had it tried again
    public void A_hard_bounce_that_is_tried_again_bounces_again(bool leftByThis, string? lastReply, bool bounces)
    {
        var rows = new[] { Row(SuppressionList.Bounces, Earlier), Row(SuppressionList.Bounces, leftByThis ? This : Earlier) };

        var verdict = Judge(MessageSettings.None, rows, lastReply);

        if (bounces)
            Assert.Equal(new Verdict.Bounced(BounceKind.Hard, "550 5.1.1 gone", "5.1.1", "suppression"), verdict);
        else
            Assert.IsType<Verdict.Dropped>(verdict);
    }

    static Suppression Row(SuppressionList list, MessageId? message = null) => new()
    {
        Id = This.Value,
        List = list,
        Address = Sender.Named("ada@a.example").Mailbox,
        Group = list == SuppressionList.GroupUnsubscribes ? 11 : 0,
        CreatedAt = DateTimeOffset.UnixEpoch,
        Reason = "550 5.1.1 gone",
        Status = "5.1.1",
        BounceType = list == SuppressionList.Bounces ? BounceType.Hard : null,
        Message = message,
    };

    static Verdict? Judge(MessageSettings settings, params Suppression[] rows) => Judge(settings, rows, null);

    static Verdict? Judge(MessageSettings settings, Suppression[] rows, string? lastReply)
    {
        var recipient = new StoredRecipient(RecipientKind.To, Sender.Named("Ada@a.example")) { LastReply = lastReply };
        var message = new StoredMessage
        {
            Id = This,
            Tenant = Sender.Tenant,
            From = Sender.From,
            Subject = "Hello",
            Recipients = [recipient],
            Settings = settings,
            DueAt = DateTimeOffset.UnixEpoch,
        };
        return SuppressionRules.Judge(message, recipient, rows);
    }
}
