using System.Text;
using System.Text.Json;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Tests.Messages;

public sealed class MessageEventTests
{
    [Fact]
    public void Event_data_is_read_back_from_its_json()
    {
        var at = new DateTimeOffset(2026, 3, 2, 8, 15, 0, 123, TimeSpan.Zero);
        var data = new EventData
        {
            SmtpResponse = "451 4.7.1 \"später\"", BounceType = "soft", BounceReason = "full", Status = "4.7.1", Source = "smtp",
            Reason = "invalid",
            MxHost = "mx.example.net", TlsVersion = "TLSv1.3", Attempt = 3, NextRetryAt = at, SendAt = at.AddDays(1), Uncertain = true,
            AttemptRecord = new AttemptRecord
            {
                RemoteAddress = "[::1]:25", LeasedAt = at, RenderedAt = at, SendingAt = at, Replies = ["RcptTo: 451 no"],
            },
        };

        var read = EventData.FromJson(data.ToJson())!;

        Assert.Equal(data.AttemptRecord.Replies, read.AttemptRecord!.Replies);
        Assert.Equal(data, read with { AttemptRecord = read.AttemptRecord with { Replies = data.AttemptRecord.Replies } } is var same
            ? same with { AttemptRecord = data.AttemptRecord } : null);
        Assert.Equal(data.AttemptRecord with { Replies = null }, read.AttemptRecord with { Replies = null });
    }

    [Fact]
    public void Absent_members_take_no_room() => Assert.Equal("{}", Encoding.UTF8.GetString(new EventData().ToJson()));

    [Fact]
    public void Settings_are_read_back_from_their_json()
    {
        var settings = new MessageSettings
        {
            ReplyTo = [new SettingsAddress("a@b.example", "Ä"), new SettingsAddress("c@d.example", null)],
            Headers = [new("X-One", "1"), new("X-One", "2")],
            CustomArgs = JsonElement.Parse("""{"order":"17"}"""),
            Attachments =
            [
                new SettingsAttachment("ä.pdf", "application/pdf", "cid1", true, new string('a', 64), 12),
                new("b", "c/d", null, false, "", 0),
            ],
            Substitutions = new Dictionary<string, string> { ["-name-"] = "Ada", ["-a-"] = "b" },
            TemplateData = JsonElement.Parse("""{"items":[1,2]}"""),
            SendAt = new DateTimeOffset(2026, 3, 2, 8, 15, 0, TimeSpan.Zero),
            UnsubscribeGroup = 4, GroupsToDisplay = [1, 2], IpPool = "pool", FooterText = "foot", FooterHtml = "<i>foot</i>",
            Bypass = Bypass.Bounces | Bypass.SpamReports, Tracking = JsonElement.Parse("""{"open":{"enable":false}}"""),
        };

        var read = MessageSettings.FromJson(settings.ToJson());

        Assert.Equal(Encoding.UTF8.GetString(settings.ToJson()), Encoding.UTF8.GetString(read.ToJson()));
        Assert.Equal(settings.ReplyTo, read.ReplyTo);
        Assert.Equal(settings.Headers, read.Headers);
        Assert.Equal(settings.Attachments, read.Attachments);
        Assert.Equal(settings.Substitutions.ToArray(), read.Substitutions!.ToArray());
        Assert.Equal((settings.Bypass, settings.SendAt, settings.UnsubscribeGroup), (read.Bypass, read.SendAt, read.UnsubscribeGroup));
        Assert.Equal("17", read.CustomArgs!.Value.GetProperty("order").GetString());
    }

    [Fact]
    public void No_settings_are_no_octets()
    {
        Assert.Empty(MessageSettings.None.ToJson());
        Assert.Same(MessageSettings.None, MessageSettings.FromJson([]));
    }
}
