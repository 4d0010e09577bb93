using Postrider.Engine.Messages;
using static Postrider.Engine.Messages.RecipientState;

namespace Postrider.Engine.Tests.Messages;

public sealed class RollupTests
{
    [Theory]
    [InlineData(MessageStatus.Queued, null, Open)]
    [InlineData(MessageStatus.Delivered, null, Delivered)]
    [InlineData(MessageStatus.Bounced, "reply 0", Bounced)]
    [InlineData(MessageStatus.Failed, "reply 0", Failed)]
    [InlineData(MessageStatus.Failed, "reply 0", Dropped)]
    [InlineData(MessageStatus.Cancelled, "reply 0", Cancelled)]
    [InlineData(MessageStatus.Sent, null, Delivered, Open)]
    [InlineData(MessageStatus.Delivered, null, Delivered, Delivered)]
    [InlineData(MessageStatus.Delivered, "2 of 3 recipients bounced", Bounced, Delivered, Bounced)]
    [InlineData(MessageStatus.Bounced, "1 of 2 recipients bounced, 1 of 2 recipients dropped", Bounced, Dropped)]
    [InlineData(MessageStatus.Bounced, "2 of 2 recipients bounced", Bounced, Bounced)]
    [InlineData(MessageStatus.Failed, "All recipients dropped", Dropped, Dropped)]
    [InlineData(MessageStatus.Failed, "1 of 2 recipients failed, 1 of 2 recipients dropped", Failed, Dropped)]
    [InlineData(MessageStatus.Cancelled, "2 of 2 recipients cancelled", Cancelled, Cancelled)]
    public void A_message_is_what_its_recipients_are(MessageStatus status, string? error, params RecipientState[] states)
    {
        Assert.Equal(status, Rollup.StatusOf(states));
        Assert.Equal(error, Rollup.ErrorOf(states, ordinal => $"reply {ordinal}"));
    }

    [Fact]
    public void All_combinations_of_three_recipients_keep_to_the_contract()
    {
        var all = Enum.GetValues<RecipientState>();
        foreach (var states in from a in all from b in all from c in all select new[] { a, b, c })
        {
            var open = states.Contains(Open);
            var delivered = states.Contains(Delivered);
            var bounced = states.Contains(Bounced);
            var expected = open ? delivered ? MessageStatus.Sent : MessageStatus.Queued
                : delivered ? MessageStatus.Delivered
                : bounced ? MessageStatus.Bounced
                : states.All(state => state == Cancelled) ? MessageStatus.Cancelled
                : MessageStatus.Failed;

            Assert.Equal(expected, Rollup.StatusOf(states));
            Assert.Equal(!open, Rollup.StatusOf(states).IsSettled());
            Assert.Equal(states.All(state => state is Open or Delivered), Rollup.ErrorOf(states, _ => "reply") is null);
        }
    }

    [Fact]
    public void A_single_recipient_dropped_without_a_reason_says_so() =>
        Assert.Equal("Recipient dropped", Rollup.ErrorOf([Dropped], _ => null));
}
