using Postrider.Engine.Messages;

namespace Postrider.Engine.Delivery;

/// <summary>How far each recipient of an attempt has come, and what can still be stopped. Safe for all who work on them at once.</summary>
sealed class RecipientsUnderWay
{
    readonly Lock _lock = new();
    readonly Progress[] _progress;
    readonly Transmission?[] _transmissions;        // there while Progress.Transmitting
    int _left;
    bool _stopped;

    public RecipientsUnderWay(RecipientState[] states)
    {
        _progress = Array.ConvertAll(states, state => state == RecipientState.Open ? Progress.Waiting : Progress.Recorded);
        _transmissions = new Transmission?[states.Length];
        _left = _progress.Count(progress => progress == Progress.Waiting);
    }

    enum Progress : byte
    {
        Waiting,

        /// <summary>A destination, or a look-up, will say.</summary>
        HandedOver,
        Transmitting,

        /// <summary>Its verdict is on the way to be recorded.</summary>
        Heard,
        Recorded,
    }

    /// <summary>Nobody has it in hand.</summary>
    public bool IsWaiting(int ordinal)
    {
        lock (_lock) return _progress[ordinal] == Progress.Waiting;
    }

    public void NoteHandedOver(int ordinal)
    {
        lock (_lock)
        {
            if (_progress[ordinal] == Progress.Waiting)
                _progress[ordinal] = Progress.HandedOver;
        }
    }

    /// <summary>A worker takes a recipient up, before it does anything for it.</summary>
    /// <returns>False when the attempt was stopped: its verdict is recorded already.</returns>
    public bool TryBegin(int ordinal, Transmission transmission)
    {
        lock (_lock)
        {
            if (_stopped || _progress[ordinal] is Progress.Heard or Progress.Recorded)
                return false;
            (_progress[ordinal], _transmissions[ordinal]) = (Progress.Transmitting, transmission);
            return true;
        }
    }

    /// <summary>The worker has its verdict, or gave the recipient back: it can no longer be aborted through this transmission.</summary>
    public void End(int ordinal, Transmission transmission)
    {
        lock (_lock)
        {
            if (_transmissions[ordinal] == transmission)
                (_progress[ordinal], _transmissions[ordinal]) = (Progress.Heard, null);
        }
    }

    /// <summary>The worker leaves the recipient to another session.</summary>
    /// <returns>False when the attempt was stopped: then the worker has to record it.</returns>
    public bool TryGiveBack(int ordinal)
    {
        lock (_lock)
        {
            if (_stopped)
                return false;
            (_progress[ordinal], _transmissions[ordinal]) = (Progress.HandedOver, null);
            return true;
        }
    }

    /// <param name="last">Every recipient has its verdict now.</param>
    /// <returns>False when it has one already: only the first counts.</returns>
    public bool TryRecord(int ordinal, out bool last)
    {
        lock (_lock)
        {
            last = false;
            if (_progress[ordinal] == Progress.Recorded)
                return false;
            (_progress[ordinal], _transmissions[ordinal]) = (Progress.Recorded, null);
            last = --_left == 0;
            return true;
        }
    }

    /// <summary>Aborts what has not sent its final dot, and begins nothing more.</summary>
    /// <returns>The recipients nobody has begun with.</returns>
    public List<int> Stop()
    {
        var untried = new List<int>();
        lock (_lock)
        {
            _stopped = true;
            for (var ordinal = 0; ordinal < _progress.Length; ordinal++)
            {
                if (_progress[ordinal] is Progress.Waiting or Progress.HandedOver)
                    untried.Add(ordinal);
                _transmissions[ordinal]?.Abort();
            }
        }
        return untried;
    }
}
