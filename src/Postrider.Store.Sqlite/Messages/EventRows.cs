using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Messages;

/// <summary>An event with its data already written as JSON: done before the writer's turn.</summary>
readonly record struct EncodedEvent(MessageEvent Event, byte[] Data)
{
    public static EncodedEvent From(MessageEvent one) => new(one, one.Data?.ToJson() ?? []);
}

static class EventRows
{
    const string InsertSql = """
        -- A settlement may come twice, when nobody could tell whether the first was committed.
        insert into event (tenant_id, message_id, id, type, recipient, at, data)
        values (@tenant, @message, @id, @type, @recipient, @at, @data)
        on conflict do nothing
        """;

    public static void Insert(Connection db, TenantId tenant, MessageId message, in EncodedEvent encoded)
    {
        var one = encoded.Event;
        db.Prepare(InsertSql)
            .Bind(tenant.Value).Bind(message.Value).Bind(one.Id.Value).Bind((long)one.Type).Bind(one.Recipient).Bind(one.At)
            .BindText(encoded.Data).Run();
    }

    const string ReadSql = """
        select id, type, recipient, at, data from event
        where tenant_id = @tenant and message_id = @message
        order by id
        """;

    /// <summary>In the order they were written: ids ascend.</summary>
    public static List<MessageEvent> Read(Connection db, TenantId tenant, MessageId message)
    {
        var events = new List<MessageEvent>();
        var read = db.Prepare(ReadSql).Bind(tenant.Value).Bind(message.Value);
        while (read.Step())
        {
            events.Add(new MessageEvent(
                new EventId(read.Guid(0)), (EventType)read.Int32(1), read.Int32(2), read.Time(3),
                read.IsNull(4) ? null : EventData.FromJson(read.Octets(4))));
        }
        return events;
    }
}
