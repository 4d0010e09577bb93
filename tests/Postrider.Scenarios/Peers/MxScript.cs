using System.Collections.Concurrent;

namespace Postrider.Scenarios.Peers;

/// <summary>Where in a session a scripted MX does something of its own.</summary>
enum MxStage
{
    Greeting,
    Ehlo,
    StartTls,
    Mail,
    Rcpt,
    Data,

    /// <summary>After a first part of the content.</summary>
    Content,

    /// <summary>After the final dot.</summary>
    EndOfData,
}

/// <summary>What a scripted MX does instead of taking part.</summary>
abstract record MxStep
{
    MxStep() { }

    /// <summary>Writes these lines, each ended with CRLF.</summary>
    public sealed record Says(string[] Lines) : MxStep;

    /// <summary>Writes these octets, one for each character, as they are.</summary>
    public sealed record Writes(string Octets) : MxStep;

    /// <summary>Writes the line and closes.</summary>
    public sealed record SaysAndCloses(string Line) : MxStep;

    public sealed record Closes : MxStep;

    /// <summary>Is silent until the peer gives up.</summary>
    /// <param name="Reading">Whether it still takes what the peer says, so that the peer does not see its buffers fill.</param>
    public sealed record Stalls(bool Reading) : MxStep;

    /// <summary>Takes no part until it is released, and then goes on as it should.</summary>
    public sealed record Waits : MxStep;

    public static MxStep Say(params string[] lines) => new Says(lines);

    public static MxStep Write(string octets) => new Writes(octets);

    public static MxStep SayAndClose(string line) => new SaysAndCloses(line);

    public static MxStep Close { get; } = new Closes();

    public static MxStep Wait { get; } = new Waits();

    public static MxStep Stall { get; } = new Stalls(Reading: true);

    public static MxStep StallUnread { get; } = new Stalls(Reading: false);
}

/// <summary>
/// Steps for each stage, taken one each time any session comes there; when they are used up, and where there are none, the MX takes part
/// as it should. A step given to <see cref="Always"/> is never used up.
/// </summary>
sealed class MxScript
{
    readonly ConcurrentDictionary<string, ConcurrentQueue<MxStep>> _steps = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, MxStep> _always = new(StringComparer.Ordinal);

    public string[] Capabilities { get; private set; } = ["PIPELINING", "SIZE 50000000", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"];

    public MxScript At(MxStage stage, params MxStep[] steps) => Add(stage.ToString(), steps);

    public MxScript Always(MxStage stage, MxStep step)
    {
        _always[stage.ToString()] = step;
        return this;
    }

    /// <summary>At RCPT with this local-part.</summary>
    public MxScript For(string localPart, params MxStep[] steps) => Add($"{MxStage.Rcpt} {localPart}", steps);

    public MxScript AlwaysFor(string localPart, MxStep step)
    {
        _always[$"{MxStage.Rcpt} {localPart}"] = step;
        return this;
    }

    public MxScript Offers(params string[] capabilities)
    {
        Capabilities = capabilities;
        return this;
    }

    /// <returns>Null to take part.</returns>
    public MxStep? Next(MxStage stage, string? localPart = null) =>
        localPart is not null && Next($"{stage} {localPart}") is { } step ? step : Next(stage.ToString());

    /// <summary>All steps given for a stage, or for RCPT with this local-part, have been taken.</summary>
    public bool IsUsedUp(MxStage stage, string? localPart = null) =>
        !_steps.TryGetValue(localPart is null ? stage.ToString() : $"{stage} {localPart}", out var steps) || steps.IsEmpty;

    MxStep? Next(string key) =>
        _steps.TryGetValue(key, out var steps) && steps.TryDequeue(out var step) ? step : _always.GetValueOrDefault(key);

    MxScript Add(string key, MxStep[] steps)
    {
        _steps[key] = new ConcurrentQueue<MxStep>(steps);
        return this;
    }
}
