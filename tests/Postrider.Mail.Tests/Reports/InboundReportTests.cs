using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Postrider.Mail.Mime;
using Postrider.Mail.Reports;

namespace Postrider.Mail.Tests.Reports;

public sealed class InboundReportTests
{
    static readonly string Folder = Path.GetDirectoryName(ThisFile())!;

    public static TheoryData<string> Samples() => 
        [.. Directory.GetFiles(Folder, "*.eml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>Each sample beside this file, against what is told of it in the .txt of the same name.</summary>
    [Theory]
    [MemberData(nameof(Samples))]
    public void Reads_what_mail_systems_write(string sample)
    {
        var report = Read(File.ReadAllBytes(Path.Combine(Folder, $"{sample}.eml")));

        Assert.Equal(File.ReadAllText(Path.Combine(Folder, $"{sample}.txt")), ReportText.Of(report));
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Reads_the_same_with_bare_line_feeds(string sample)
    {
        var octets = File.ReadAllBytes(Path.Combine(Folder, $"{sample}.eml"));
        var unix = Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(octets).Replace("\r\n", "\n", StringComparison.Ordinal));

        Assert.Equal(ReportText.Of(Read(octets)), ReportText.Of(Read(unix)));
    }

    /// <summary>
    /// A report may be cut anywhere on its way; what is left is read or is no report, and never says failed of somebody else.
    /// </summary>
    [Theory]
    [InlineData("postfix-failed-three")]
    [InlineData("qmail-remote")]
    [InlineData("arf-abusix")]
    public void Reads_what_is_left_of_a_report(string sample)
    {
        var octets = File.ReadAllBytes(Path.Combine(Folder, $"{sample}.eml"));
        var whole = Recipients(Read(octets));

        for (var length = 0; length < octets.Length; length++)
        {
            foreach (var recipient in Recipients(Read(octets.AsMemory(0, length))))
                Assert.Contains(whole, known => known.StartsWith(recipient, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Takes_a_hundred_recipients_and_no_more()
    {
        var groups = string.Concat(
            Enumerable.Range(0, 150).Select(i => $"Final-Recipient: rfc822; u{i}@example.net\nAction: failed\nStatus: 5.1.1\n\n"));

        var report = Read(Status($"Reporting-MTA: dns; mx.example.net\n\n{groups}"));

        Assert.Equal(100, Assert.IsType<DeliveryStatusNotification>(report).Recipients.Count);
    }

    [Fact]
    public void Cuts_long_values_and_takes_control_characters_out()
    {
        var report = Read(Status(
            "Reporting-MTA: dns; a\tb\u0007c\n\nFinal-Recipient: rfc822; u@example.net\nAction: failed\n"
            + $"Diagnostic-Code: smtp; 550 {new string('x', 100_000)}\n"));

        var notification = Assert.IsType<DeliveryStatusNotification>(report);
        Assert.Equal("a b c", notification.ReportingMta);
        Assert.InRange(notification.Recipients[0].Diagnostic!.Text.Length, 1_000, 2_000);
    }

    [Theory]
    [InlineData("smtp", "550 5.1.1 no such user", "550 5.1.1 no such user")]
    [InlineData("smtp", "550-5.1.1 no such 550-5.1.1 user 550 5.1.1 here", "550 5.1.1 no such|5.1.1 user|5.1.1 here")]
    [InlineData("smtp", "550", "550 ")]
    [InlineData("smtp", "550: 5.1.1 no such user", "550 5.1.1 no such user")]
    [InlineData("", "550 no", "550 no")]
    [InlineData("smtp", "5501 no", null)]
    [InlineData("smtp", "150 no", null)]
    [InlineData("smtp", "The recipient server did not accept our requests to connect", null)]
    [InlineData("x-postfix", "550 no", null)]
    public void Finds_the_reply_in_a_diagnostic_code(string type, string text, string? expected)
    {
        var reply = new DiagnosticCode(type, text).Reply;

        Assert.Equal(expected, reply is null ? null : $"{reply.Code} {string.Join('|', reply.Lines)}");
    }

    static InboundReport Read(ReadOnlyMemory<byte> octets) => InboundReport.Read(MimeReader.Read(octets));

    static byte[] Status(string groups) => Encoding.UTF8.GetBytes(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        + $"--b\nContent-Type: message/delivery-status\n\n{groups}\n--b--\n");

    static IReadOnlyList<string> Recipients(InboundReport report) => report switch
    {
        DeliveryStatusNotification notification => [.. notification.Recipients.Select(recipient => recipient.FinalRecipient ?? "")],
        FeedbackReport feedback => feedback.OriginalRecipients,
        _ => [],
    };

    static string ThisFile([CallerFilePath] string here = "") => here;
}

/// <summary>A report for a person to read, a line for each thing that is known.</summary>
static class ReportText
{
    public static string Of(InboundReport report)
    {
        var text = new Lines();
        switch (report)
        {
            case DeliveryStatusNotification notification:
                Write(text, notification);
                break;
            case FeedbackReport feedback:
                Write(text, feedback);
                break;
            case AutomaticReply reply:
                text.Add("automatic", reply.Sign);
                break;
            default:
                text.Add("other", "message");
                break;
        }
        return text.ToString();
    }

    static void Write(Lines text, DeliveryStatusNotification notification)
    {
        text.Add("delivery-status", notification.Format);
        text.Add("reporting-mta", notification.ReportingMta);
        text.Add("envelope-id", notification.OriginalEnvelopeId);
        text.Add("arrival", notification.ArrivalDate);
        foreach (var recipient in notification.Recipients)
        {
            text.Add("recipient", recipient.FinalRecipient ?? "?");
            text.Add("  original", recipient.OriginalRecipient);
            text.Add("  action", recipient.Action);
            text.Add("  status", recipient.Status);
            text.Add("  diagnostic", recipient.Diagnostic is { } diagnostic ? $"{diagnostic.Type}; {diagnostic.Text}" : null);
            text.Add("  reply", recipient.Diagnostic?.Reply is { } reply ? $"{reply.Code} {string.Join(" | ", reply.Lines)}" : null);
            text.Add("  remote-mta", recipient.RemoteMta);
            text.Add("  last-attempt", recipient.LastAttempt);
            text.Add("  will-retry-until", recipient.WillRetryUntil);
        }
        text.Add("returned", notification.Returned?.MessageId);
    }

    static void Write(Lines text, FeedbackReport feedback)
    {
        text.Add("feedback", $"{feedback.Type} ({feedback.TypeText})");
        text.Add("user-agent", feedback.UserAgent);
        text.Add("envelope-id", feedback.OriginalEnvelopeId);
        text.Add("mail-from", feedback.OriginalMailFrom);
        foreach (var recipient in feedback.OriginalRecipients)
            text.Add("rcpt-to", recipient);
        text.Add("arrival", feedback.ArrivalDate);
        text.Add("source-ip", feedback.SourceIp);
        text.Add("incidents", feedback.Incidents);
        text.Add("returned", feedback.Returned?.MessageId);
        text.Add("return-path", feedback.Returned?.Fields.Find("Return-Path")?.RawValue);
    }

    sealed class Lines
    {
        readonly StringBuilder _text = new();

        public void Add(string name, object? value)
        {
            if (value is not null)
            {
                var shown = value is DateTimeOffset at ? at.ToString("yyyy-MM-dd HH:mm:sszzz", CultureInfo.InvariantCulture) : value;
                _text.Append(CultureInfo.InvariantCulture, $"{name}: {shown}\n");
            }
        }

        public override string ToString() => _text.ToString();
    }
}
