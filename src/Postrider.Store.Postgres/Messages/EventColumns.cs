using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Messages;

/// <summary>The events of a group, column by column.</summary>
sealed class EventColumns
{
    readonly List<int> _writes = [];
    readonly List<Guid> _tenants = [];
    readonly List<Guid> _messages = [];
    readonly List<Guid> _ids = [];
    readonly List<short> _types = [];
    readonly List<int> _recipients = [];
    readonly List<DateTimeOffset> _ats = [];
    readonly List<string?> _data = [];

    public int Count => _ids.Count;

    /// <param name="write">Number of the write it belongs to.</param>
    public void Add(int write, TenantId tenant, MessageId message, in EncodedEvent encoded)
    {
        _writes.Add(write);
        _tenants.Add(tenant.Value);
        _messages.Add(message.Value);
        _ids.Add(encoded.Event.Id.Value);
        _types.Add((short)encoded.Event.Type);
        _recipients.Add(encoded.Event.Recipient);
        _ats.Add(encoded.Event.At.ToUniversalTime());
        _data.Add(encoded.Data);
    }

    public const string InsertSql = """
        insert into event (lane, tenant_id, message_id, id, type, recipient, at, data)
        select @lane, * from unnest(@event_tenants, @event_messages, @event_ids, @event_types, @event_recipients, @event_ats, @event_data)
        """;

    public NpgsqlBatchCommand Bind(NpgsqlBatchCommand command) => command
        .WithAll("event_tenants", NpgsqlDbType.Uuid, _tenants)
        .WithAll("event_messages", NpgsqlDbType.Uuid, _messages)
        .WithAll("event_ids", NpgsqlDbType.Uuid, _ids)
        .WithAll("event_types", NpgsqlDbType.Smallint, _types)
        .WithAll("event_recipients", NpgsqlDbType.Integer, _recipients)
        .WithAll("event_ats", NpgsqlDbType.TimestampTz, _ats)
        .WithAll("event_data", NpgsqlDbType.Text, _data);

    /// <summary>As well the number of the write of each.</summary>
    public NpgsqlBatchCommand BindWithWrites(NpgsqlBatchCommand command) =>
        Bind(command.WithAll("event_writes", NpgsqlDbType.Integer, _writes));
}
