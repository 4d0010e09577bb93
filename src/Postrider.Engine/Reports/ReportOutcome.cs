namespace Postrider.Engine.Reports;

/// <summary>
/// What became of mail to a return path or to the feedback address. Each is explained in docs/operate/bounces.md; a test holds the two
/// together.
/// </summary>
public enum ReportOutcome : byte
{
    Bounce,
    Deferred,
    SpamReport,

    /// <summary>Recorded before.</summary>
    Repeated,

    /// <summary>Changes nothing by the rules: the recipient had bounced already, for example.</summary>
    WithoutEffect,

    /// <summary>A report of neither failure nor delay, or feedback that is no complaint.</summary>
    Ignored,
    AutomaticReply,

    /// <summary>A letter, spam, or a report in a form that is not known.</summary>
    NotAReport,

    /// <summary>A report to the feedback address without a return path of ours.</summary>
    Unproven,

    /// <summary>The message it is about is no longer kept.</summary>
    MessageGone,

    /// <summary>Refused for now: the message is being attempted.</summary>
    Busy,

    /// <summary>Refused for now: the store is away.</summary>
    StoreAway,

    /// <summary>Refused at RCPT: not an address of ours, or a return path that we did not make.</summary>
    NotOurs,
}
