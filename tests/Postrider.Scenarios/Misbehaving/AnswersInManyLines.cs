using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>RFC 5321 §4.2.1: any reply may have several lines.</summary>
public sealed class AnswersInManyLines
{
    [Fact]
    public Task Are_read_as_one_reply_wherever_they_come() => Trial.EndsAsync(
        """
        delivered, retry_count 0
        processed ada@peer.test
        delivered ada@peer.test smtp_response=250 2.0.0 taken 2.0.0 as 42 [mx_host=127.0.0.1]
        mx: 1 came, 1 taken
        """,
        new MxScript()
            .At(MxStage.Greeting, MxStep.Say("220-mx.test", "220-no spam", "220 please"))
            .At(MxStage.Mail, MxStep.Say("250-2.1.0 well", "250 2.1.0 all right"))
            .At(MxStage.Rcpt, MxStep.Say("250-2.1.5 her", "250-2.1.5 I", "250 2.1.5 know"))
            .At(MxStage.Data, MxStep.Say("354-go", "354 on"))
            .At(MxStage.EndOfData, MxStep.Say("250-2.0.0 taken", "250 2.0.0 as 42")));

    [Fact]
    public Task A_refusal_tells_all_of_its_lines() => Trial.EndsAsync(
        """
        bounced, retry_count 0, error: 550 5.1.1 no such user, 5.1.1 see 5.1.1 https://mx.test/help
        processed ada@peer.test
        bounce ada@peer.test bounce_type=hard smtp_response=550 5.1.1 no such user, 5.1.1 see 5.1.1 https://mx.test/help [status=5.1.1 source=smtp category=no-such-mailbox]
        mx: 0 came, 0 taken
        """,
        new MxScript().At(MxStage.Rcpt, MxStep.Say("550-5.1.1 no such user,", "550-5.1.1 see", "550 5.1.1 https://mx.test/help")));
}
