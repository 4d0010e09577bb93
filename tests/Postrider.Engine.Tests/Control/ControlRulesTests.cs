using Postrider.Engine.Control;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Tests.Control;

public sealed class ControlRulesTests
{
    [Fact]
    public void The_states_an_action_is_taken_in_are_those_of_the_table()
    {
        foreach (var action in Enum.GetValues<ControlAction>())
        {
            foreach (var status in Enum.GetValues<MessageStatus>())
            {
                foreach (var tried in new[] { false, true })
                {
                    var bit = 1 << ControlRules.StateOf(status, tried);
                    Assert.Equal(
                        ControlRules.Of(action, status, tried) == ControlRule.Taken, (ControlRules.StatesTaking(action) & bit) != 0);
                }
            }
        }
    }

    [Fact]
    public void Only_the_retry_of_a_queued_message_asks_whether_it_was_tried()
    {
        var differing =
            from action in Enum.GetValues<ControlAction>()
            from status in Enum.GetValues<MessageStatus>()
            where ControlRules.Of(action, status, tried: false) != ControlRules.Of(action, status, tried: true)
            select (action, status);

        Assert.Equal([(ControlAction.Retry, MessageStatus.Queued)], differing);
    }

    [Fact]
    public void Nothing_that_may_have_been_mailed_is_cancelled()
    {
        foreach (var status in new[] { MessageStatus.Sending, MessageStatus.Sent, MessageStatus.Delivered, MessageStatus.Bounced })
            Assert.Equal(ControlRule.Refused, ControlRules.Of(ControlAction.Cancel, status, tried: true));
    }
}
