namespace Postrider.Store.Postgres.Writing;

/// <summary>A write that waits for its group, and its caller who waits for the commit.</summary>
abstract class PendingWrite(short lane, CancellationToken cancel)
{
    public short Lane { get; } = lane;

    /// <summary>Two writes with the same key do not share a group; the later one waits for the next. Null: it may be with any.</summary>
    public virtual object? GroupKey => null;

    /// <summary>How long it waits for others to share a group with, when there are none; zero for what somebody waits for.</summary>
    public virtual TimeSpan Patience => TimeSpan.Zero;

    /// <summary>What it adds to a group's size, in octets.</summary>
    public virtual int Octets => 0;

    /// <summary>Whether its outcome has been decided; without one the write has to run again.</summary>
    public bool IsAnswered { get; protected set; }

    /// <summary>Forgets what a group that was rolled back had decided.</summary>
    public abstract void Reset();

    /// <summary>It is on disk: the caller goes on.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception exception);

    /// <returns>True when the caller gave up before it ran; it then never runs.</returns>
    public bool IsGivenUp() => cancel.IsCancellationRequested && TryCancel(cancel);

    protected abstract bool TryCancel(CancellationToken cancelled);
}

abstract class PendingWrite<T>(short lane, CancellationToken cancel) : PendingWrite(lane, cancel)
{
    readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    T? _result;

    public Task<T> Done => _done.Task;

    public void Answer(T result) => (_result, IsAnswered) = (result, true);

    public override void Reset() => (_result, IsAnswered) = (default, false);

    public override void Complete() => _done.TrySetResult(_result!);

    public override void Fail(Exception exception) => _done.TrySetException(exception);

    protected override bool TryCancel(CancellationToken cancelled) => _done.TrySetCanceled(cancelled);
}
