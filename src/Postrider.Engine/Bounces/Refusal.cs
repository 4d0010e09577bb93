using System.Text;
using Postrider.Mail.Reports;
using Postrider.Mail.Smtp;

namespace Postrider.Engine.Bounces;

/// <summary>Where a refusal was heard, as rules name it.</summary>
[Flags]
enum RefusalStage
{
    /// <summary>Up to EHLO and TLS: before the message was spoken of.</summary>
    Connect = 1,
    Mail = 2,
    Rcpt = 4,

    /// <summary>DATA, the content, and the final dot.</summary>
    Data = 8,

    /// <summary>In a delivery report, which does not say where the other side heard it.</summary>
    Report = 16,
    Any = Connect | Mail | Rcpt | Data | Report,
}

/// <summary>What is known of a refusal, brought into one form once, so that rules only compare.</summary>
/// <param name="Code">The reply code; for a report that cites none, 499 or 599, which nobody sends.</param>
/// <param name="Text">In lower case, on one line, without the status codes before its lines and without addresses, which are the
/// recipient's words.</param>
sealed record Refusal(RefusalStage Stage, int Code, EnhancedStatusCode? Status, string Text)
{
    /// <summary>Of the text, in characters; what follows is not looked at. Replies that mean something say it at once.</summary>
    const int MaxTextLength = 4_096;

    public bool IsTransient => Code < 500;      // a code below 400 does not fit its stage: a fault of theirs, perhaps a passing one

    public static Refusal Of(SmtpStage stage, SmtpReply reply) => new(StageOf(stage), reply.Code, reply.Enhanced, TextOf(reply));

    /// <remarks>
    /// The code within the cited reply goes before the report's own: Sendmail, for one, reports every 550 without recognised code as 5.1.1
    /// or 5.0.0, whatever the reply's text says.
    /// </remarks>
    public static Refusal Of(RecipientStatus recipient)
    {
        var reply = recipient.Diagnostic?.Reply is { IsPositive: false } cited ? cited : null;
        var status = reply?.Enhanced is { Subject: not 0 } said ? said : recipient.Status;
        var code = reply?.Code ?? (status is { Class: 4 } ? 499 : 599);
        return new Refusal(RefusalStage.Report, code, status, reply is null ? Normalise(recipient.Diagnostic?.Text ?? "") : TextOf(reply));
    }

    static string TextOf(SmtpReply reply)
    {
        var text = new StringBuilder();
        var status = reply.Enhanced?.ToString();
        foreach (var line in reply.Lines)
        {
            var isRepeated = status is not null && line.StartsWith(status, StringComparison.Ordinal);
            text.Append(isRepeated ? line.AsSpan(status!.Length) : line).Append(' ');
            if (text.Length >= MaxTextLength)
                break;
        }
        return Normalise(text.ToString());
    }

    static string Normalise(string text)
    {
        var normal = new StringBuilder(Math.Min(text.Length, MaxTextLength));
        for (var at = 0; at < text.Length && normal.Length < MaxTextLength; at++)
        {
            if (text[at] == '<' && AddressEnd(text, at) is var end and > 0)
                at = end;
            else if (!char.IsWhiteSpace(text[at]))
                normal.Append(char.ToLowerInvariant(text[at]));
            else if (normal.Length > 0 && normal[^1] != ' ')
                normal.Append(' ');
        }
        return normal.ToString().TrimEnd();
    }

    /// <summary>
    /// Where an address in angle brackets ends; 0 when there is none. A mailbox called <c>spamhaus</c> must not speak for its host.
    /// </summary>
    static int AddressEnd(string text, int start)
    {
        const int longest = 320;
        var end = text.IndexOf('>', start, Math.Min(longest, text.Length - start));
        return end > 0 && text.AsSpan(start, end - start).Contains('@') ? end : 0;
    }

    static RefusalStage StageOf(SmtpStage stage) => stage switch
    {
        SmtpStage.MailFrom => RefusalStage.Mail,
        SmtpStage.RcptTo => RefusalStage.Rcpt,
        SmtpStage.Data or SmtpStage.Content or SmtpStage.EndOfData => RefusalStage.Data,
        _ => RefusalStage.Connect,
    };
}
