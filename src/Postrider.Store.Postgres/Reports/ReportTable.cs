using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Reports;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Queue;
using Postrider.Store.Postgres.Suppressions;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Reports;

/// <summary>What reports change: two round trips in one transaction, which is dear and rare.</summary>
static class ReportTable
{
    public static async Task<ReportResult> RecordAsync(
        NpgsqlConnection connection, TenantId tenant, RecipientReport report, DateTimeOffset at)
    {
        var isLiveLocked = await LockAsync(connection, tenant, report);
        if (await ReadAsync(connection, tenant, report, isLiveLocked) is not { } now)
            return ReportResult.NotFound;
        var (result, change) = ReportRules.Decide(now, report, at);
        if (change is not null)
            await WriteAsync(connection, tenant, now, isLiveLocked, change, at);
        return result;
    }

    const string LockLiveSql = """
        -- Primary key. First the queue row, then the message, as all do who need both.
        select 1 from queue q
        where q.lane = @lane and q.tenant_id = @tenant and q.message_id = @message
        for update
        """;

    const string LockSql = """
        -- Primary key.
        select 2 from message m
        where m.lane = @lane and m.tenant_id = @tenant and m.id = @message
        for update
        """;

    /// <returns>Whether the message was live, and its queue row is locked.</returns>
    static async Task<bool> LockAsync(NpgsqlConnection connection, TenantId tenant, RecipientReport report)
    {
        await using var locks = new NpgsqlBatch(connection);
        locks.Add(LockLiveSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("message", report.Message.Value);
        locks.Add(LockSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("message", report.Message.Value);
        return (await locks.ReadAllAsync(row => row.GetInt32(0))).Contains(1);
    }

    const string ReadSql = $"""
        -- Primary keys. A statement of its own, so that it sees what the locks waited for. Ids of events that come of one cause end alike.
        select {MessageRows.Columns}, m.status, q.phase, q.partly_accepted, exists (
            select 1 from event e
            where e.lane = @lane and e.tenant_id = @tenant and e.message_id = @message and substring(uuid_send(e.id) from 7) = @cause)
        from message m
        {MessageRows.JoinRecipients}
        left join queue q on q.lane = @lane and q.tenant_id = m.tenant_id and q.message_id = m.id
        where m.lane = @lane and m.tenant_id = @tenant and m.id = @message
        """;

    static async Task<ReportedMessage?> ReadAsync(
        NpgsqlConnection connection, TenantId tenant, RecipientReport report, bool isLiveLocked)
    {
        await using var read = new NpgsqlBatch(connection);
        read.Add(ReadSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("message", report.Message.Value)
            .With("cause", NpgsqlDbType.Bytea, report.Cause.Ending());
        return (await read.ReadAllAsync(row => Read(row, isLiveLocked))).FirstOrDefault();
    }

    /// <param name="isLiveLocked">Of a live message: else it became so between the locks, and may be leased at any moment.</param>
    static ReportedMessage Read(NpgsqlDataReader row, bool isLiveLocked)
    {
        const int first = MessageRows.ColumnCount;
        var isLive = !row.IsDBNull(first + 1);
        return new ReportedMessage(
            MessageRows.Read(row), MessageReads.Status(row, settled: first, phase: first + 1, partlyAccepted: first + 2),
            IsLeased: isLive && (!isLiveLocked || (Phase)row.GetInt16(first + 1) != Phase.Waiting), IsRecorded: row.GetBoolean(first + 3));
    }

    const string RecordSql = $"""
        -- Primary keys. Of settled messages only the status changes: what became of it is known since the report.
        with recorded as (
            insert into event (lane, tenant_id, message_id, id, type, recipient, at, data)
            values (@lane, @tenant, @message, @event, @type, @recipient, @at, @data)),
        told as (
            update recipient r set state = @state, last_reply = coalesce(@reply, r.last_reply), settled_at = @at
            where r.lane = @lane and r.tenant_id = @tenant and r.message_id = @message and r.ordinal = @recipient and @state is not null),
        noted as (
            update message m set
                settled_at = case when m.status <> @to_status then @at else m.settled_at end,
                status = @to_status,
                error_message = coalesce(@error, m.error_message)
            where m.lane = @lane and m.tenant_id = @tenant and m.id = @message and m.status is not null
                and (m.status <> @to_status or @error is not null)),
        touched as (
            -- For a claim that is just looking: what it reads of the message is old (ClaimWriter.Leasing). Only of a row locked before the
            -- message: who holds another waits for the message, and would be waited for.
            update queue q set phase = q.phase
            where q.lane = @lane and q.tenant_id = @tenant and q.message_id = @message and @is_live_locked),
        moves as materialized (
            select @tenant as tenant_id, @day as day, @batch as batch_id, @from_status as from_status, @to_status as to_status, @at as at),
        {Totals.OfMoves}
        select 1
        """;

    static async Task WriteAsync(
        NpgsqlConnection connection, TenantId tenant, ReportedMessage now, bool isLiveLocked, ReportChange change, DateTimeOffset at)
    {
        var (lane, message) = (Lane.Of(tenant), now.Message);
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(RecordSql)
            .With("lane", lane).With("tenant", tenant.Value).With("message", message.Id.Value)
            .With("event", change.Event.Id.Value).With("type", (short)change.Event.Type).With("recipient", change.Event.Recipient)
            .With("at", at)
            .With("data", Text.Of(EncodedEvent.From(change.Event).Data))
            .With("state", NpgsqlDbType.Smallint, (short?)change.Outcome?.State).With("reply", change.Outcome?.LastReply)
            .With("error", change.ErrorMessage).With("is_live_locked", isLiveLocked)
            .With("day", Totals.DayOf(message.Id.CreatedAt)).With("batch", NpgsqlDbType.Uuid, message.Batch?.Value)
            .With("from_status", (short)now.Status).With("to_status", (short)change.Status);
        if (change.Suppression is { } row)
        {
            var columns = new SuppressionColumns();
            columns.Add(tenant, row);
            SuppressionTable.AddTo(batch, lane, columns);
        }
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
