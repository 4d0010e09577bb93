namespace Postrider.Api.ScaiSend.Send;

/// <summary>When messages are due: contracts/scaisend.md §7.</summary>
readonly record struct Schedule(DateTimeOffset Now, TimeSpan Slack, TimeSpan Max)
{
    /// <returns>Null for now: not given, past, or so soon that it means now.</returns>
    public DateTimeOffset? Read(long? unixSeconds, FieldPath field, Faults faults)
    {
        if (unixSeconds is not { } seconds || seconds <= (Now + Slack).ToUnixTimeSeconds())
            return null;
        if (seconds > (Now + Max).ToUnixTimeSeconds())
        {
            faults.Add(field, $"The time is more than {Max.Days} days ahead; it is given in seconds, not milliseconds.");
            return null;
        }
        return DateTimeOffset.FromUnixTimeSeconds(seconds);
    }
}
