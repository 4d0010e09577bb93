using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;

namespace Postrider.Engine;

/// <summary>
/// Event ids: 2000–2099 the queue, 2100–2199 delivery, 2200–2299 composing, 2300–2399 reports. An id is never used again.
/// </summary>
static partial class Log
{
    /// <summary>While the store is away it says itself why, now and then: nobody else need repeat the stack.</summary>
    public static Exception? UnlessAway(this Exception exception) => exception is StoreUnavailableException ? null : exception;

    [LoggerMessage(2000, LogLevel.Information, "Took back {Count} backlogs' messages from nodes that are gone")]
    public static partial void LeasesReleased(this ILogger log, int count);

    [LoggerMessage(2001, LogLevel.Warning, "The queue could not be read or written; the next try is in {Pause}")]
    public static partial void QueueUnavailable(this ILogger log, Exception? exception, TimeSpan pause);

    [LoggerMessage(2002, LogLevel.Information, "Stopping: {Count} messages are under way")]
    public static partial void Draining(this ILogger log, int count);

    [LoggerMessage(2003, LogLevel.Warning, "{Count} messages were still under way when time was up; the next start takes them over")]
    public static partial void DrainTimedOut(this ILogger log, int count);

    [LoggerMessage(2004, LogLevel.Error, "Message {Message} could not be attempted; it goes back into the queue")]
    public static partial void AttemptFaulted(this ILogger log, Exception? exception, MessageId message);

    [LoggerMessage(2005, LogLevel.Information, "{Count} messages are past their lifetime and are settled")]
    public static partial void Expiring(this ILogger log, int count);

    [LoggerMessage(2006, LogLevel.Error, "The destination of {Domain} could not be looked up")]
    public static partial void LookupFailed(this ILogger log, Exception exception, string domain);

    [LoggerMessage(2007, LogLevel.Error, "A task of the engine ended with a fault")]
    public static partial void TaskFaulted(this ILogger log, Exception exception);

    [LoggerMessage(2008, LogLevel.Warning, "This node's heartbeat was not written; the next one is in a few seconds")]
    public static partial void HeartbeatFailed(this ILogger log, Exception? exception);

    [LoggerMessage(2009, LogLevel.Information, "{Count} nodes are alive; each takes its share of the destinations' limits")]
    public static partial void NodesCounted(this ILogger log, int count);

    [LoggerMessage(
        2010, LogLevel.Error, "This machine's clock is {Skew} ahead of the database's; nodes tell leases by their clocks, so set it right")]
    public static partial void ClockSkewed(this ILogger log, TimeSpan skew);

    [LoggerMessage(2011, LogLevel.Warning, "Orders to batches could not be worked on; the next try is in a few seconds")]
    public static partial void BatchOrdersFailed(this ILogger log, Exception exception);

    [LoggerMessage(2012, LogLevel.Warning, "The clock leapt by {Leap}; what is due is looked at anew")]
    public static partial void ClockLeapt(this ILogger log, TimeSpan leap);

    [LoggerMessage(2100, LogLevel.Information, "Message {Message} recipient {Recipient}: {Event} by {MxHost}: {Reply}")]
    public static partial void RecipientSettled(
        this ILogger log, MessageId message, int recipient, EventType @event, string? mxHost, string? reply);

    [LoggerMessage(2101, LogLevel.Information, "Message {Message} is no longer ours (generation {Generation}); this attempt is void")]
    public static partial void LeaseLost(this ILogger log, MessageId message, int generation);

    [LoggerMessage(2102, LogLevel.Error, "The outcome of message {Message} could not be written yet; it is held and tried again")]
    public static partial void OutcomeNotWritten(this ILogger log, Exception? exception, MessageId message);

    [LoggerMessage(2103, LogLevel.Warning, "Destination {Destination} is left alone for {Pause}: {Detail}")]
    public static partial void BackingOff(this ILogger log, string destination, TimeSpan pause, string detail);

    [LoggerMessage(2104, LogLevel.Error, "A connection to {Destination} failed in our own code")]
    public static partial void WorkerFaulted(this ILogger log, Exception exception, string destination);

    [LoggerMessage(2300, LogLevel.Information, "Message {Message} recipient {Recipient}: {Event} reported by {Peer}: {Text}")]
    public static partial void ReportRecorded(
        this ILogger log, MessageId message, int recipient, EventType @event, string? peer, string? text);

    [LoggerMessage(2301, LogLevel.Warning, "A report about message {Message} could not be recorded; its sender is to try again")]
    public static partial void ReportNotRecorded(this ILogger log, Exception exception, MessageId message);
}
