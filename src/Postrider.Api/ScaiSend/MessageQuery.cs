using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;

namespace Postrider.Api.ScaiSend;

/// <summary>The query of <c>GET /v3/messages</c>: contracts/scaisend.md §3.3.</summary>
sealed record MessageQuery
{
    public const int MaxPageSize = 100;
    const int DefaultPageSize = 25;

    /// <summary>Of a filter's text. A guess, well past every address and subject.</summary>
    const int MaxText = 1_000;

    public required MessageFilter Filter { get; init; }
    public required int Page { get; init; }
    public required int PageSize { get; init; }

    /// <summary>Set when the query names an exact position instead of a page.</summary>
    public MessageId? Cursor { get; init; }

    /// <summary>A filter names something that cannot exist, such as an id of another form.</summary>
    public bool MatchesNothing { get; init; }

    /// <summary>All filters, as given: the same walk has the same.</summary>
    public required string FilterText { get; init; }

    public static MessageQuery? TryRead(IQueryCollection query, List<QueryFault> faults)
    {
        var text = new StringBuilder();
        var statuses = ReadStatuses(query, text, faults);
        var recipient = ReadText(query, "to_email", text, faults);
        var from = ReadText(query, "from_email", text, faults);
        var subject = ReadText(query, "subject", text, faults);
        var batchText = ReadText(query, "batch_id", text, faults);
        var template = ReadText(query, "template_id", text, faults);
        var category = ReadText(query, "category", text, faults);
        var start = ReadTime(query, "start_date", isEnd: false, text, faults);
        var end = ReadTime(query, "end_date", isEnd: true, text, faults);
        var page = ReadNumber(query, "page", 1, int.MaxValue, faults) ?? 1;
        var size = ReadNumber(query, "page_size", 1, MaxPageSize, faults) ?? DefaultPageSize;
        var cursor = ReadCursor(query, page, faults);
        if (faults.Count > 0)
            return null;

        var isBatch = ScaiSendIds.TryParse(batchText, out BatchId batch);
        return new MessageQuery
        {
            Filter = new MessageFilter
            {
                Statuses = statuses,
                RecipientKey = ToKey(recipient),
                FromKey = ToKey(from),
                Subject = subject,
                Batch = isBatch ? batch : null,
                TemplateId = template,
                Category = category,
                CreatedFrom = start,
                CreatedBefore = end,
            },
            Page = page,
            PageSize = size,
            Cursor = cursor,
            MatchesNothing = batchText is not null && !isBatch,
            FilterText = text.ToString(),
        };
    }

    /// <returns>The last of several; null when there is none or it is empty, as some clients send every parameter they know.</returns>
    static string? Last(IQueryCollection query, string name) => query[name] is [.., { Length: > 0 } value] ? value : null;

    static string? ReadText(IQueryCollection query, string name, StringBuilder text, List<QueryFault> faults)
    {
        var value = Last(query, name);
        if (value?.Length > MaxText)
            faults.Add(new(name, $"The value must be at most {MaxText} characters long", "string_too_long"));
        else if (value?.AsSpan().ContainsAnyInRange('\0', '\u001F') == true)
            faults.Add(new(name, "The value must not hold control characters", "value_error"));
        else if (value is not null)
            text.Append(name).Append('=').Append(value).Append('\n');
        return value;
    }

    static List<MessageStatus> ReadStatuses(IQueryCollection query, StringBuilder text, List<QueryFault> faults)
    {
        var statuses = new List<MessageStatus>();
        var given = query["status"].ToString();
        if (given.Length == 0)
            return statuses;
        if (given.Length > MaxText)
        {
            faults.Add(new("status", $"The value must be at most {MaxText} characters long", "string_too_long"));
            return statuses;
        }
        foreach (var range in given.AsSpan().Split(','))
        {
            if (!ScaiSendWords.TryParse(given.AsSpan()[range].Trim(), out var status))
                faults.Add(new("status", $"'{given.AsSpan()[range]}' is not a status", "enum"));
            else if (!statuses.Contains(status))
                statuses.Add(status);
        }
        statuses.Sort();
        text.Append("status=").AppendJoin(',', statuses).Append('\n');
        return statuses;
    }

    static int? ReadNumber(IQueryCollection query, string name, int least, int most, List<QueryFault> faults)
    {
        if (!query.TryGetValue(name, out var values))
            return null;
        var isNumber = long.TryParse(values[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
        if (!isNumber)
            faults.Add(new(name, "The value must be an integer", "int_parsing"));
        else if (number < least)
            faults.Add(new(name, $"The value must be at least {least}", "greater_than_equal"));
        else if (number > most)
            faults.Add(new(name, $"The value must be at most {most}", "less_than_equal"));
        return (int)Math.Clamp(number, least, most);
    }

    static DateTimeOffset? ReadTime(IQueryCollection query, string name, bool isEnd, StringBuilder text, List<QueryFault> faults)
    {
        if (Last(query, name) is not { } value)
            return null;
        text.Append(name).Append('=').Append(value, 0, Math.Min(value.Length, MaxText)).Append('\n');
        if (QueryTime.TryParse(value, out var time, out var isDate))
        {
            // The end is included: the whole day, or the whole second that answers show.
            var last = isDate ? TimeSpan.FromDays(1) : TimeSpan.FromSeconds(1);
            return !isEnd ? time : time > DateTimeOffset.MaxValue - last ? DateTimeOffset.MaxValue : time + last;
        }
        faults.Add(new(name, "The value must be a date (YYYY-MM-DD) or a time in ISO 8601", "datetime_parsing"));
        return null;
    }

    static MessageId? ReadCursor(IQueryCollection query, int page, List<QueryFault> faults)
    {
        if (Last(query, "cursor") is not { } value)
            return null;
        if (page > 1)
            faults.Add(new("cursor", "Give either cursor or page, not both", "value_error"));
        if (Base32.TryParse(value, out var id))
            return new MessageId(id);
        faults.Add(new("cursor", "The value is not a cursor that was given out", "value_error"));
        return null;
    }

    /// <summary>An address compares in its normal form, so that a domain may be given in either alphabet.</summary>
    static string? ToKey(string? email) =>
        email is null ? null : Mailbox.TryParse(email, out var mailbox) ? mailbox.Key : email.ToLowerInvariant();
}
