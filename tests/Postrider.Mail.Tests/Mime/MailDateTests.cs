using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Tests.Mime;

public sealed class MailDateTests
{
    [Theory]
    [InlineData("2026-11-20T15:00:00+00:00", "Fri, 20 Nov 2026 15:00:00 +0000")]
    [InlineData("2024-02-29T23:59:59-03:30", "Thu, 29 Feb 2024 23:59:59 -0330")]
    [InlineData("2027-01-03T01:02:03+14:00", "Sun, 03 Jan 2027 01:02:03 +1400")]
    public void Writes_a_date(string date, string expected) => Assert.Equal(expected, Write(DateTimeOffset.Parse(date, null)));

    [Theory]
    [InlineData("Fri, 20 Nov 2026 15:00:00 +0000", "2026-11-20T15:00:00+00:00")]
    [InlineData("20 Nov 2026 15:00:00 -0330 (NST)", "2026-11-20T15:00:00-03:30")]
    [InlineData("Fri,  1 Nov 2026  5:00 GMT", "2026-11-01T05:00:00+00:00")]
    [InlineData("Fri, 21 Nov 97 09:55:06 EST", "1997-11-21T09:55:06-05:00")]
    [InlineData("1 nov 2026 00:00:00", "2026-11-01T00:00:00+00:00")]
    public void Reads_a_date(string text, string expected)
    {
        Assert.True(MailDate.TryParse(text, out var date));

        Assert.Equal(DateTimeOffset.Parse(expected, null), date);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("Fri, 32 Nov 2026 15:00:00 +0000")]
    [InlineData("Fri, 20 Nov 2026 25:00:00 +0000")]
    [InlineData("Fri, 20 Nov 2026 15:00:00 +9900")]
    [InlineData("Fri, 20 Nov 2026 15:00:00 +00000")]
    [InlineData("20 Nov 2026 15:00:00 +0000 x y z")]
    [InlineData("1 Jan 0001 00:00:00 +1300")]
    public void Refuses_what_is_no_date(string text) => Assert.False(MailDate.TryParse(text, out _));

    [Fact]
    public void Reads_what_it_writes() =>
        Prop.ForAll(
            (from seconds in Gen.Choose(0, int.MaxValue)
             from minutes in Gen.Choose(-12 * 60, 13 * 60)
             select DateTimeOffset.FromUnixTimeSeconds(seconds).ToOffset(TimeSpan.FromMinutes(minutes))).ToArbitrary(),
            date => MailDate.TryParse(Write(date), out var read) && read.EqualsExact(date))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));

    static string Write(DateTimeOffset date)
    {
        using var writer = new OctetWriter(64);
        MailDate.Write(writer, date);
        return Encoding.ASCII.GetString(writer.Written);
    }
}
