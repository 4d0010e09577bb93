using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>Moves what waits when the clock was set back.</summary>
static class ClockChange
{
    const string SetBackSql = """
        -- Index queue_due from end to end: clocks are seldom set.
        update queue indexed by queue_due set
            due_at = case
                when held_due_at is not null then due_at
                when due_at <= @from then @to
                else due_at - (@from - @to)
            end,
            held_due_at = case when held_due_at <= @from then @to else held_due_at - (@from - @to) end
        where phase = 0 and coalesce(held_due_at, due_at) > @to
            and (coalesce(held_due_at, due_at) <= @from or (@wrote_all and retry_count > 0))
        """;

    public static int SetBack(WriteSession session, ClockSetBack clock)
    {
        session.Connection.Prepare(SetBackSql).Bind(clock.From).Bind(clock.To).Bind(clock.WroteAll).Run();
        return session.Connection.Changes;
    }
}
