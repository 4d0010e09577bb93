namespace Postrider.Store.Sqlite.Writing;

/// <summary>A write that waits for the writer, and its caller who waits for the commit.</summary>
abstract class WriteOperation
{
    /// <summary>Does the work inside the writer's transaction; may run again in another one when a neighbour failed.</summary>
    public abstract void Run(WriteSession session);

    /// <summary>It is on disk.</summary>
    public abstract void Committed();

    public abstract void Failed(Exception exception);

    /// <returns>True when the caller gave up before it ran; it then never runs.</returns>
    public abstract bool IsGivenUp();
}

sealed class WriteOperation<T>(Func<WriteSession, T> work, CancellationToken cancel) : WriteOperation
{
    readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    T? _result;

    public Task<T> Done => _done.Task;

    public override void Run(WriteSession session) => _result = work(session);

    public override void Committed() => _done.SetResult(_result!);

    public override void Failed(Exception exception) => _done.SetException(exception);

    public override bool IsGivenUp() => cancel.IsCancellationRequested && _done.TrySetCanceled(cancel);
}
