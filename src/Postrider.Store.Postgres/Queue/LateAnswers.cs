using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;

namespace Postrider.Store.Postgres.Queue;

/// <summary>Answers to attempts whose message was failed by hand meanwhile.</summary>
static class LateAnswers
{
    const string NoteSql = """
        -- Primary keys.
        with failed as materialized (
            select m.tenant_id, m.id from message m
            where m.lane = @lane and m.tenant_id = @tenant and m.id = @message and m.status = 7 and m.generation = @generation
            for update of m),
        told as (
            update recipient r set state = 1, last_reply = @reply, settled_at = @at
            from failed f
            where r.lane = @lane and r.tenant_id = f.tenant_id and r.message_id = f.id and r.ordinal = @ordinal and @accepted),
        recorded as (
            insert into event (lane, tenant_id, message_id, id, type, recipient, at, data)
            select @lane, f.tenant_id, f.id, @event, @type, @ordinal, @at, @data from failed f
            on conflict do nothing)
        select 1 from failed
        """;

    public static async Task<bool> NoteAsync(NpgsqlConnection connection, LeaseKey lease, MessageEvent late)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(NoteSql)
            .With("lane", Lane.Of(lease.Tenant)).With("tenant", lease.Tenant.Value).With("message", lease.Message.Value)
            .With("generation", lease.Generation).With("ordinal", late.Recipient).With("at", late.At)
            .With("accepted", late.Type == EventType.Delivered).With("reply", late.Data?.SmtpResponse)
            .With("event", late.Id.Value).With("type", NpgsqlDbType.Smallint, (short)late.Type).With("data", EncodedEvent.From(late).Data);
        return (await batch.ReadAllAsync(row => row.GetInt32(0))).Count > 0;
    }
}
