using Npgsql;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Queue;

/// <summary>Moves what waits when a node's clock was set back: each lane in a transaction of its own.</summary>
/// <remarks>
/// It is asked again when it failed, and no retry may be moved twice: so it remembers the lanes that it had done by then. One caller at a
/// time.
/// </remarks>
sealed class ClockChange(Database database)
{
    readonly HashSet<short> _done = [];

    const string SetBackSql = """
        -- Index queue_due, or the table, from end to end: clocks are seldom set. A row that somebody is just changing is passed over.
        with waiting as materialized (
            select tenant_id, message_id from queue
            where lane = @lane and lease_until is null and coalesce(held_due_at, due_at) > @to
                and (coalesce(held_due_at, due_at) <= @from or (@wrote_all and retry_count > 0))
            for update skip locked)
        update queue q set
            due_at = case
                when q.held_due_at is not null then q.due_at
                when q.due_at <= @from then @to
                else q.due_at - (@from - @to)
            end,
            held_due_at = case when q.held_due_at <= @from then @to else q.held_due_at - (@from - @to) end
        from waiting w
        where q.lane = @lane and q.tenant_id = w.tenant_id and q.message_id = w.message_id
        """;

    public async Task SetBackAsync(ClockSetBack clock, CancellationToken cancel)
    {
        foreach (var lane in Lane.All.Where(lane => !_done.Contains(lane)))
        {
            await database.WriteAsync(connection => SetBackAsync(connection, lane, clock), cancel);
            _done.Add(lane);
        }
        _done.Clear();
    }

    static async Task<int> SetBackAsync(NpgsqlConnection connection, short lane, ClockSetBack clock)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(SetBackSql).With("lane", lane).With("from", clock.From).With("to", clock.To).With("wrote_all", clock.WroteAll);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
