using Postrider.Mail.Mime;

namespace Postrider.Mail.Reports;

/// <summary>The header section of the message that a report is about, as it came back: whole, cut, or with addresses struck out.</summary>
public sealed record ReturnedHeader(ParsedFields Fields)
{
    /// <summary>Without its angle brackets; null when there is none.</summary>
    public string? MessageId =>
        Fields.Find("Message-ID") is { } found ? ReportFields.Clean(found.RawValue.Trim(' ', '\t', '<', '>')) : null;

    /// <summary>The first part that is a returned message or its header section; null when there is none.</summary>
    internal static ReturnedHeader? FindIn(ParsedMessage message)
    {
        foreach (var part in message.Attachments)
        {
            if (IsReturned(part.MediaType))
                return Read(ReportFields.Content(part).Span);
        }
        return null;
    }

    internal static ReturnedHeader? Read(ReadOnlySpan<byte> message) =>
        FieldGroups.Read(message, 1) is [var fields, ..] ? new ReturnedHeader(fields) : null;

    /// <summary>RFC 6522 §4 and RFC 6533 §4; the last one is nobody's standard, and written all the same.</summary>
    static bool IsReturned(MediaType type) => type.Essence is
        "message/rfc822" or "text/rfc822-headers" or "message/global" or "message/global-headers" or "message/rfc822-headers";
}
