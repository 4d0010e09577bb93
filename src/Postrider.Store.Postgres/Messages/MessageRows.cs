using System.Text;
using System.Text.Json;
using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Messages;

/// <summary>Rows of messages with their recipients as the engine's records: one row a message, its recipients as arrays.</summary>
static class MessageRows
{
    /// <summary>Of <c>message m</c> and what <see cref="JoinRecipients"/> joins.</summary>
    public const string Columns = """
        m.id, m.tenant_id, m.stream, m.from_key, m.from_mailbox, m.from_name, m.subject, m.batch_id, m.template_id,
            m.categories, m.settings, m.body_hash, m.sandbox, m.due_at,
            a.kinds, a.keys, a.mailboxes, a.names, a.states, a.replies, a.settled_ats
        """;

    public const int ColumnCount = 21;

    public const string JoinRecipients = """
        cross join lateral (
            select array_agg(r.kind order by r.ordinal) as kinds,
                array_agg(r.address_key order by r.ordinal) as keys,
                array_agg(r.mailbox order by r.ordinal) as mailboxes,
                array_agg(r.name order by r.ordinal) as names,
                array_agg(r.state order by r.ordinal) as states,
                array_agg(r.last_reply order by r.ordinal) as replies,
                array_agg(r.settled_at order by r.ordinal) as settled_ats
            from recipient r
            where r.lane = @lane and r.tenant_id = m.tenant_id and r.message_id = m.id) a
        """;

    public static StoredMessage Read(NpgsqlDataReader row)
    {
        var batch = row.GuidOrNull(7);
        return new StoredMessage
        {
            Id = new MessageId(row.GetGuid(0)),
            Tenant = new TenantId(row.GetGuid(1)),
            Stream = row.GetString(2),
            From = Address(row.GetString(3), row.TextOrNull(4), row.TextOrNull(5)),
            Subject = row.GetString(6),
            Batch = batch is { } value ? new BatchId(value) : null,
            TemplateId = row.TextOrNull(8),
            Categories = Categories(row, 9),
            Settings = row.TextOrNull(10) is { } settings
                ? MessageSettings.FromJson(Encoding.UTF8.GetBytes(settings)) : MessageSettings.None,
            Body = row.IsDBNull(11) ? null : ContentHash.From(row.GetFieldValue<byte[]>(11)),
            Sandbox = row.GetBoolean(12),
            DueAt = row.Time(13),
            Recipients = Recipients(row, 14),
        };
    }

    public static string[] Categories(NpgsqlDataReader row, int column) =>
        row.TextOrNull(column) is { } json ? JsonSerializer.Deserialize<string[]>(json)! : [];

    static StoredRecipient[] Recipients(NpgsqlDataReader row, int first)
    {
        var kinds = row.Array<short>(first);
        var keys = row.Array<string>(first + 1);
        var mailboxes = row.Array<string?>(first + 2);
        var names = row.Array<string?>(first + 3);
        var states = row.Array<short>(first + 4);
        var replies = row.Array<string?>(first + 5);
        var settledAts = row.Array<DateTimeOffset?>(first + 6);
        var recipients = new StoredRecipient[kinds.Length];
        for (var i = 0; i < recipients.Length; i++)
        {
            recipients[i] = new StoredRecipient((RecipientKind)kinds[i], Address(keys[i], mailboxes[i], names[i]))
            {
                State = (RecipientState)states[i],
                LastReply = replies[i],
                SettledAt = settledAts[i],
            };
        }
        return recipients;
    }

    /// <param name="given">As it was given, where that is not its key.</param>
    static NamedMailbox Address(string key, string? given, string? name) =>
        Mailbox.TryParse(given ?? key, out var mailbox) && NamedMailbox.TryCreate(name, mailbox, out var named)
            ? named
            : throw new InvalidDataException("A stored address is not a mailbox.");
}
