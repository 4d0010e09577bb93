using System.Text.Json;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Messages;

/// <summary>Rows of messages and recipients as the engine's records.</summary>
static class MessageRows
{
    const string MessageSql = """
        select stream, from_key, from_mailbox, from_name, subject, batch_id, template_id,
            categories, settings, body_hash, sandbox, due_at
        from message
        where tenant_id = @tenant and id = @message
        """;

    public static StoredMessage? Load(Connection db, TenantId tenant, MessageId id)
    {
        var row = db.Prepare(MessageSql).Bind(tenant.Value).Bind(id.Value);
        if (!row.Step())
            return null;
        var batch = row.GuidOrNull(5);
        var message = new StoredMessage
        {
            Id = id,
            Tenant = tenant,
            Stream = row.Text(0),
            From = Address(row.Text(1), row.TextOrNull(2), row.TextOrNull(3)),
            Subject = row.Text(4),
            Batch = batch is { } value ? new BatchId(value) : null,
            TemplateId = row.TextOrNull(6),
            Categories = Categories(row, 7),
            Settings = MessageSettings.FromJson(row.Octets(8)),
            Body = row.HashOrNull(9),
            Sandbox = row.Bool(10),
            DueAt = row.Time(11),
            Recipients = Recipients(db, tenant, id),
        };
        row.Reset();
        return message;
    }

    public static string[] Categories(Statement row, int column) =>
        row.IsNull(column) ? [] : JsonSerializer.Deserialize<string[]>(row.Octets(column))!;

    const string RecipientsSql = """
        select kind, address_key, mailbox, name, state, last_reply, settled_at
        from recipient
        where tenant_id = @tenant and message_id = @message
        order by ordinal
        """;

    static List<StoredRecipient> Recipients(Connection db, TenantId tenant, MessageId message)
    {
        var recipients = new List<StoredRecipient>(1);
        var row = db.Prepare(RecipientsSql).Bind(tenant.Value).Bind(message.Value);
        while (row.Step())
        {
            recipients.Add(new StoredRecipient((RecipientKind)row.Int32(0), Address(row.Text(1), row.TextOrNull(2), row.TextOrNull(3)))
            {
                State = (RecipientState)row.Int32(4),
                LastReply = row.TextOrNull(5),
                SettledAt = row.TimeOrNull(6),
            });
        }
        return recipients;
    }

    /// <param name="given">As it was given, where that is not its key.</param>
    static NamedMailbox Address(string key, string? given, string? name) =>
        Mailbox.TryParse(given ?? key, out var mailbox) && NamedMailbox.TryCreate(name, mailbox, out var named)
            ? named
            : throw new InvalidDataException("A stored address is not a mailbox.");
}
