using System.Globalization;
using Microsoft.AspNetCore.Http;
using Postrider.Engine.Suppressions;
using Postrider.Mail.Addresses;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>The query of the lists: limit, offset, start_time, end_time, email (contracts/scaisend.md §3.4).</summary>
readonly record struct SuppressionQuery(SuppressionFilter Filter, int Offset, int Limit)
{
    const int DefaultLimit = 50;
    const int MaxLimit = 500;

    /// <summary>The last second that an answer could show.</summary>
    const long LastSecond = 253_402_300_798;

    public static SuppressionQuery? TryRead(IQueryCollection query, SuppressionScope scope, List<QueryFault> faults)
    {
        var limit = ReadNumber(query, "limit", 1, MaxLimit, faults);
        var offset = ReadNumber(query, "offset", 0, int.MaxValue, faults);
        var start = ReadNumber(query, "start_time", 0, LastSecond, faults);
        var end = ReadNumber(query, "end_time", 0, LastSecond, faults);
        string? address = null;
        if (query["email"] is [.., { Length: > 0 } email])
        {
            if (Mailbox.TryParse(email, out var mailbox))
                address = mailbox.Key;
            else
                faults.Add(new("email", "The value must be an e-mail address", "value_error"));
        }
        if (faults.Count > 0)
            return null;
        var filter = new SuppressionFilter(scope)
        {
            AddressKey = address,
            CreatedFrom = start is { } from ? DateTimeOffset.FromUnixTimeSeconds(from) : null,
            // Inclusive, to the second that answers show.
            CreatedBefore = end is { } last ? DateTimeOffset.FromUnixTimeSeconds(last + 1) : null,
        };
        return new SuppressionQuery(filter, (int)(offset ?? 0), (int)(limit ?? DefaultLimit));
    }

    public static long? ReadNumber(IQueryCollection query, string name, long least, long most, List<QueryFault> faults)
    {
        // Some clients send every parameter they know, empty.
        if (query[name] is not [.., { Length: > 0 } value])
            return null;
        if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            faults.Add(new(name, "The value must be an integer", "int_parsing"));
        else if (number < least)
            faults.Add(new(name, $"The value must be at least {least}", "greater_than_equal"));
        else if (number > most)
            faults.Add(new(name, $"The value must be at most {most}", "less_than_equal"));
        return Math.Clamp(number, least, most);
    }
}
