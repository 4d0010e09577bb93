using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Search;

/// <summary>
/// Keeps the index of subjects behind what is accepted, in the serving process, a step at a time through the one writer. Until then
/// searches look at the messages themselves, so that it may lag: while mail flows it waits for a quieter second, unless much is left.
/// It takes half of the writer's time when nobody else wants it, and a twentieth when somebody does.
/// </summary>
/// <remarks>
/// Less than a step is left lying: to look at those takes a search less than a millisecond, and the index grows in few large pieces.
/// </remarks>
sealed class SubjectIndexer : IAsyncDisposable
{
    /// <summary>What a write may have to wait for in addition.</summary>
    public const int StepMessages = 256;

    /// <summary>More than this is not left for a quieter second: a search looks at so many in some 20 ms.</summary>
    const int MostLeft = 50_000;

    /// <summary>Above this many writes a second mail flows, and has the processor first. A guess.</summary>
    const int FlowingWrites = 500;

    const int RestWhenBusy = 19;

    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(5);

    readonly Writer _writer;
    readonly ReaderPool _readers;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly CancellationTokenSource _stop = new();
    readonly Task _working;

    public SubjectIndexer(Writer writer, ReaderPool readers, TimeProvider time, ILogger log)
    {
        (_writer, _readers, _time, _log) = (writer, readers, time, log);
        _working = Task.Run(() => WorkAsync(_stop.Token));
    }

    async Task WorkAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        var writes = _writer.Writes;
        try
        {
            do
            {
                var mailFlows = _writer.Writes - writes > FlowingWrites;
                writes = _writer.Writes;
                try
                {
                    await CatchUpAsync(mailFlows ? MostLeft : StepMessages, cancel);
                }
                catch (Exception e) when (e is StoreUnavailableException or SqliteFault)
                {
                    _log.SubjectsNotIndexed(e);
                }
            }
            while (await timer.WaitForNextTickAsync(cancel));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The store closes; the rest is for the next start.
        }
    }

    /// <summary>For an interval at most, so that it is asked anew whether mail flows.</summary>
    async Task CatchUpAsync(int atLeast, CancellationToken cancel)
    {
        var begun = _time.GetTimestamp();
        while (_time.GetElapsedTime(begun) < Interval)
        {
            var started = _time.GetTimestamp();
            if (!await StepAsync(atLeast, cancel))
                return;
            var took = _time.GetElapsedTime(started);
            var rest = _writer.IsWaitedFor ? took * RestWhenBusy : took;
            await Task.Delay(rest < LongestRest ? rest : LongestRest, _time, cancel);
        }
    }

    /// <summary>Indexes the next messages, if at least so many are left.</summary>
    /// <returns>False when there was nothing to do.</returns>
    public async Task<bool> StepAsync(int atLeast, CancellationToken cancel)
    {
        if (await _readers.ReadAsync(db => SubjectIndex.Next(db, atLeast, StepMessages), cancel) is not { } step)
            return false;
        await _writer.RunAsync(session => SubjectIndex.Write(session, step), cancel);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _working;
        _stop.Dispose();
    }
}
