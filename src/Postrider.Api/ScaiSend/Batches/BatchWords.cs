using Postrider.Engine.Control;
using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend.Batches;

/// <summary>What this dialect calls what is done to batches.</summary>
static class BatchWords
{
    public static string Of(BatchState state) => state switch
    {
        BatchState.Paused => "paused",
        BatchState.Cancelled => "cancelled",
        _ => "open",
    };

    public static string Of(BatchAction action) => action switch
    {
        BatchAction.Cancel => "cancel",
        BatchAction.Pause => "pause",
        BatchAction.Resume => "resume",
        _ => "reschedule",
    };

    /// <summary>The counter in an answer.</summary>
    public static string Done(BatchAction action) => action switch
    {
        BatchAction.Cancel => "cancelled",
        BatchAction.Pause => "paused",
        BatchAction.Resume => "resumed",
        _ => "rescheduled",
    };
}
