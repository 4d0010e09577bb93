namespace Postrider.Api.ScaiSend;

/// <summary>Limits and choices of the ScaiSend dialect; defaults are those of contracts/scaisend.md §9 unless a comment says
/// otherwise.</summary>
public sealed record ScaiSendOptions
{
    /// <summary>Of a send request, base64 included. Default 20 MiB.</summary>
    public int MaxBodyOctets { get; init; } = 20 * 1024 * 1024;

    /// <summary>Default 1,000: each makes one message.</summary>
    public int MaxPersonalizations { get; init; } = 1_000;

    /// <summary>To, cc and bcc of a whole request. Default 1,000.</summary>
    public int MaxRecipients { get; init; } = 1_000;

    /// <summary>How far ahead <c>send_at</c> may be: catches milliseconds given for seconds. Default 366 days.</summary>
    public TimeSpan MaxSchedule { get; init; } = TimeSpan.FromDays(366);

    /// <summary>A <c>send_at</c> this little ahead means now. Default 5 s.</summary>
    public TimeSpan ScheduleSlack { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether any credential may read messages, not only one with <c>stats.read</c> or <c>mail.send</c>. Default false.</summary>
    public bool OpenReads { get; init; }

    /// <summary>How long a page's last key is remembered, so that a list that shrinks can be walked. Default 10 min.</summary>
    public TimeSpan PageMemory { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What a refused cancel is answered with: 409 or, for clients that only read the body, 200. Default 409.</summary>
    public int CancelConflictStatus { get; init; } = 409;

    internal void FindFaults(List<string> faults)
    {
        if (MaxBodyOctets is < 1024 or > 1024 * 1024 * 1024)
            faults.Add($"ScaiSend:MaxBodyOctets is {MaxBodyOctets}; it must be 1 KiB to 1 GiB.");
        if (MaxPersonalizations < 1)
            faults.Add($"ScaiSend:MaxPersonalizations is {MaxPersonalizations}; it must be at least 1.");
        if (MaxRecipients < 1)
            faults.Add($"ScaiSend:MaxRecipients is {MaxRecipients}; it must be at least 1.");
        if (MaxSchedule <= TimeSpan.Zero || MaxSchedule > TimeSpan.FromDays(36_500))
            faults.Add($"ScaiSend:MaxSchedule is {MaxSchedule}; it must be more than nothing and at most a century.");
        if (ScheduleSlack < TimeSpan.Zero || ScheduleSlack > MaxSchedule)
            faults.Add($"ScaiSend:ScheduleSlack is {ScheduleSlack}; it must be at least nothing and at most MaxSchedule.");
        if (CancelConflictStatus is not (409 or 200))
            faults.Add($"ScaiSend:CancelConflictStatus is {CancelConflictStatus}; it must be 409 or 200.");
        if (PageMemory < TimeSpan.Zero || PageMemory > TimeSpan.FromDays(1))
            faults.Add($"ScaiSend:PageMemory is {PageMemory}; it must be at least nothing and at most a day.");
    }
}
