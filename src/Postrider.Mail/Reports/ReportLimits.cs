namespace Postrider.Mail.Reports;

/// <summary>How much of a report is looked at; what is beyond is left out. Guesses, far above what mail systems write.</summary>
static class ReportLimits
{
    /// <summary>Of one notification. Ours have one: mail goes out one recipient a transaction.</summary>
    public const int MaxRecipients = 100;

    /// <summary>Of the machine-readable part, of the returned header section, and of a text that is read for want of either.</summary>
    public const int MaxPartOctets = 256 * 1024;

    /// <summary>Fields of one group.</summary>
    public const int MaxFields = 200;

    /// <summary>Of one value, in characters.</summary>
    public const int MaxValueLength = 2_000;
}
