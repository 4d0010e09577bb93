using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>When a message that comes back to the queue is due.</summary>
/// <param name="HeldDueAt">When it would be, if it were not held; null when it is not.</param>
readonly record struct WaitsAgain(DateTimeOffset DueAt, DateTimeOffset? HeldDueAt)
{
    const string IsHeldSql = """
        -- Primary key.
        select 1 from batch
        where tenant_id = @tenant and id = @batch and state > 0
        """;

    /// <summary>
    /// One of a paused or cancelled batch is held at once, so that no claim comes before the order; but not one that somebody has accepted
    /// already, which no order touches.
    /// </summary>
    public static WaitsAgain At(DateTimeOffset dueAt, Connection db, TenantId tenant, BatchId? batch, bool partlyAccepted)
    {
        if (batch is not { } id || partlyAccepted)
            return new WaitsAgain(dueAt, null);
        var read = db.Prepare(IsHeldSql).Bind(tenant.Value).Bind(id.Value);
        var isHeld = read.Step();
        read.Reset();
        return isHeld ? new WaitsAgain(Held.DueAt, dueAt) : new WaitsAgain(dueAt, null);
    }
}
