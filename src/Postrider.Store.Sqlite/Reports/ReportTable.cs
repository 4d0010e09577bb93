using Postrider.Engine.Messages;
using Postrider.Engine.Reports;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Queue;
using Postrider.Store.Sqlite.Suppressions;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Reports;

/// <summary>What reports change. As there is one writer, what is read here holds until the commit.</summary>
static class ReportTable
{
    public static ReportResult Record(WriteSession session, TenantId tenant, RecipientReport report, DateTimeOffset at)
    {
        var db = session.Connection;
        if (Read(db, tenant, report) is not { } now)
            return ReportResult.NotFound;
        var (result, change) = ReportRules.Decide(now, report, at);
        if (change is null)
            return result;

        EventRows.Insert(db, tenant, report.Message, EncodedEvent.From(change.Event));
        if (change.Outcome is { } outcome)
            db.Prepare(RecipientSql)
                .Bind((long)outcome.State).Bind(outcome.LastReply).Bind(at)
                .Bind(tenant.Value).Bind(report.Message.Value).Bind(outcome.Ordinal).Run();
        if (change.Suppression is { } row)
            SuppressionTable.Add(db, tenant, row);
        if (change.Status != now.Status || change.ErrorMessage is not null)
            db.Prepare(MessageSql)
                .Bind((long)change.Status).Bind(at).Bind(change.ErrorMessage).Bind(tenant.Value).Bind(report.Message.Value).Run();
        session.Counters.Move(tenant, report.Message, now.Message.Batch, now.Status, change.Status, at);
        return result;
    }

    const string StateSql = """
        -- Primary keys. Ids of events that come of one cause end alike.
        select m.status, q.phase, q.partly_accepted, exists (
            select 1 from event e
            where e.tenant_id = m.tenant_id and e.message_id = m.id and substr(e.id, 7) = @cause)
        from message m
        left join queue q on q.tenant_id = m.tenant_id and q.message_id = m.id
        where m.tenant_id = @tenant and m.id = @message
        """;

    static ReportedMessage? Read(Connection db, TenantId tenant, RecipientReport report)
    {
        if (MessageRows.Load(db, tenant, report.Message) is not { } message)
            return null;
        var row = db.Prepare(StateSql).Bind(report.Cause.Ending()).Bind(tenant.Value).Bind(report.Message.Value);
        row.Step();
        var now = new ReportedMessage(
            message, MessageReads.Status(row, settled: 0, phase: 1, partlyAccepted: 2),
            IsLeased: !row.IsNull(1) && (Phase)row.Int32(1) != Phase.Waiting, IsRecorded: row.Bool(3));
        row.Reset();
        return now;
    }

    const string RecipientSql = """
        update recipient set state = @state, last_reply = coalesce(@last_reply, last_reply), settled_at = @at
        where tenant_id = @tenant and message_id = @message and ordinal = @ordinal
        """;

    const string MessageSql = """
        -- Of settled messages only: what became of it is known since the report.
        update message set
            settled_at = case when status <> @status then @at else settled_at end,
            status = @status,
            error_message = coalesce(@error, error_message)
        where tenant_id = @tenant and id = @message and status is not null
        """;
}
