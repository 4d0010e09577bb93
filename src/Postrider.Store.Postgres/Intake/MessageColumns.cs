using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Intake;

/// <summary>The rows of a group of accepts, table by table and column by column: each table is one statement.</summary>
sealed class MessageColumns
{
    readonly MessageTable _messages = new();
    readonly RecipientTable _recipients = new();
    readonly CategoryTable _categories = new();
    readonly QueueTable _queue = new();
    readonly ContentTable _contents = new();
    readonly EventColumns _events = new();

    public void Add(AcceptWrite write)
    {
        foreach (var encoded in write.Messages)
        {
            var message = encoded.Message;
            _messages.Add(encoded);
            for (var i = 0; i < message.Recipients.Count; i++)
                _recipients.Add(message, i);
            foreach (var category in message.Categories.Distinct(StringComparer.Ordinal))
                _categories.Add(message, category);
            if (!message.Sandbox)
                _queue.Add(encoded);
            foreach (var one in encoded.Events)
                _events.Add(0, message.Tenant, message.Id, one);
        }
        if (write.Contents.Length == 0)
            return;
        foreach (var month in write.Messages.Select(encoded => Month.Of(encoded.Message.Id.CreatedAt)).Distinct())
            _contents.Add(write, month);
    }

    public void AddTo(NpgsqlBatch batch, short lane, DateTimeOffset now)
    {
        if (_contents.Count > 0)
            _contents.Bind(batch.Add(ContentTable.InsertSql)).With("lane", lane);
        _messages.Bind(batch.Add(MessageTable.InsertSql)).With("lane", lane);
        _recipients.Bind(batch.Add(RecipientTable.InsertSql)).With("lane", lane);
        if (_categories.Count > 0)
            _categories.Bind(batch.Add(CategoryTable.InsertSql)).With("lane", lane);
        if (_events.Count > 0)
            _events.Bind(batch.Add(EventColumns.InsertSql)).With("lane", lane);
        if (_queue.Count > 0)
            _queue.Bind(batch.Add(QueueTable.InsertSql)).With("lane", lane);
        _messages.BindMoves(batch.Add(Totals.AcceptedSql)).With("lane", lane).With("now", now).With("held", Held.DueAt);
    }

    /// <summary>Null when the address was given in lower case, as most are: it is not stored twice then.</summary>
    static string? AsGiven(Mailbox mailbox, string key) => mailbox.ToString() is var given && given == key ? null : given;

    sealed class MessageTable
    {
        readonly List<Guid> _tenants = [];
        readonly List<Guid> _ids = [];
        readonly List<short?> _settled = [];
        readonly List<string> _streams = [];
        readonly List<string> _fromKeys = [];
        readonly List<string?> _fromMailboxes = [];
        readonly List<string?> _fromNames = [];
        readonly List<string> _subjects = [];
        readonly List<Guid?> _batches = [];
        readonly List<string?> _templates = [];
        readonly List<string?> _categories = [];
        readonly List<string?> _settings = [];
        readonly List<byte[]?> _bodies = [];
        readonly List<bool> _sandbox = [];
        readonly List<DateTimeOffset> _dueAts = [];
        readonly List<DateTimeOffset> _queuedAts = [];
        readonly List<DateTimeOffset?> _settledAts = [];
        readonly List<int> _days = [];
        readonly List<short> _statuses = [];

        public void Add(in EncodedMessage encoded)
        {
            var message = encoded.Message;
            var key = message.From.Mailbox.Key;
            var status = (short)(message.Sandbox ? MessageStatus.Sandbox : MessageStatus.Queued);
            _tenants.Add(message.Tenant.Value);
            _ids.Add(message.Id.Value);
            _settled.Add(message.Sandbox ? status : null);
            _streams.Add(message.Stream);
            _fromKeys.Add(key);
            _fromMailboxes.Add(AsGiven(message.From.Mailbox, key));
            _fromNames.Add(Text.Of(message.From.DisplayName));
            _subjects.Add(Text.Of(message.Subject)!);
            _batches.Add(message.Batch?.Value);
            _templates.Add(Text.Of(message.TemplateId));
            _categories.Add(encoded.Categories);
            _settings.Add(encoded.Settings);
            _bodies.Add(message.Body?.ToArray());
            _sandbox.Add(message.Sandbox);
            _dueAts.Add(message.DueAt.ToUniversalTime());
            _queuedAts.Add(encoded.QueuedAt);
            _settledAts.Add(message.Sandbox ? encoded.QueuedAt : null);
            _days.Add(Totals.DayOf(message.Id.CreatedAt));
            _statuses.Add(status);
        }

        public const string InsertSql = """
            insert into message (
                lane, tenant_id, id, status, stream, from_key, from_mailbox, from_name, subject, batch_id, template_id,
                categories, settings, body_hash, sandbox, due_at, queued_at, settled_at)
            select @lane, * from unnest(
                @tenants, @ids, @settled, @streams, @from_keys, @from_mailboxes, @from_names, @subjects, @batches, @templates,
                @categories, @settings, @bodies, @sandbox, @due_ats, @queued_ats, @settled_ats)
            """;

        public NpgsqlBatchCommand Bind(NpgsqlBatchCommand command) => command
            .WithAll("tenants", NpgsqlDbType.Uuid, _tenants)
            .WithAll("ids", NpgsqlDbType.Uuid, _ids)
            .WithAll("settled", NpgsqlDbType.Smallint, _settled)
            .WithAll("streams", NpgsqlDbType.Text, _streams)
            .WithAll("from_keys", NpgsqlDbType.Text, _fromKeys)
            .WithAll("from_mailboxes", NpgsqlDbType.Text, _fromMailboxes)
            .WithAll("from_names", NpgsqlDbType.Text, _fromNames)
            .WithAll("subjects", NpgsqlDbType.Text, _subjects)
            .WithAll("batches", NpgsqlDbType.Uuid, _batches)
            .WithAll("templates", NpgsqlDbType.Text, _templates)
            .WithAll("categories", NpgsqlDbType.Text, _categories)
            .WithAll("settings", NpgsqlDbType.Text, _settings)
            .WithAll("bodies", NpgsqlDbType.Bytea, _bodies)
            .WithAll("sandbox", NpgsqlDbType.Boolean, _sandbox)
            .WithAll("due_ats", NpgsqlDbType.TimestampTz, _dueAts)
            .WithAll("queued_ats", NpgsqlDbType.TimestampTz, _queuedAts)
            .WithAll("settled_ats", NpgsqlDbType.TimestampTz, _settledAts);

        public NpgsqlBatchCommand BindMoves(NpgsqlBatchCommand command) => command
            .WithAll("tenants", NpgsqlDbType.Uuid, _tenants)
            .WithAll("ids", NpgsqlDbType.Uuid, _ids)
            .WithAll("days", NpgsqlDbType.Integer, _days)
            .WithAll("batches", NpgsqlDbType.Uuid, _batches)
            .WithAll("statuses", NpgsqlDbType.Smallint, _statuses);
    }

    sealed class RecipientTable
    {
        readonly List<Guid> _tenants = [];
        readonly List<Guid> _messages = [];
        readonly List<int> _ordinals = [];
        readonly List<short> _kinds = [];
        readonly List<string> _keys = [];
        readonly List<string?> _mailboxes = [];
        readonly List<string?> _names = [];
        readonly List<short> _states = [];
        readonly List<string?> _replies = [];
        readonly List<DateTimeOffset?> _settledAts = [];

        public void Add(StoredMessage message, int ordinal)
        {
            var recipient = message.Recipients[ordinal];
            var key = recipient.Address.Mailbox.Key;
            _tenants.Add(message.Tenant.Value);
            _messages.Add(message.Id.Value);
            _ordinals.Add(ordinal);
            _kinds.Add((short)recipient.Kind);
            _keys.Add(key);
            _mailboxes.Add(AsGiven(recipient.Address.Mailbox, key));
            _names.Add(Text.Of(recipient.Address.DisplayName));
            _states.Add((short)recipient.State);
            _replies.Add(Text.Of(recipient.LastReply));
            _settledAts.Add(recipient.SettledAt?.ToUniversalTime());
        }

        public const string InsertSql = """
            insert into recipient (lane, tenant_id, message_id, ordinal, kind, address_key, mailbox, name, state, last_reply, settled_at)
            select @lane, * from unnest(
                @tenants, @messages, @ordinals, @kinds, @keys, @mailboxes, @names, @states, @replies, @settled_ats)
            """;

        public NpgsqlBatchCommand Bind(NpgsqlBatchCommand command) => command
            .WithAll("tenants", NpgsqlDbType.Uuid, _tenants)
            .WithAll("messages", NpgsqlDbType.Uuid, _messages)
            .WithAll("ordinals", NpgsqlDbType.Integer, _ordinals)
            .WithAll("kinds", NpgsqlDbType.Smallint, _kinds)
            .WithAll("keys", NpgsqlDbType.Text, _keys)
            .WithAll("mailboxes", NpgsqlDbType.Text, _mailboxes)
            .WithAll("names", NpgsqlDbType.Text, _names)
            .WithAll("states", NpgsqlDbType.Smallint, _states)
            .WithAll("replies", NpgsqlDbType.Text, _replies)
            .WithAll("settled_ats", NpgsqlDbType.TimestampTz, _settledAts);
    }

    sealed class CategoryTable
    {
        readonly List<Guid> _tenants = [];
        readonly List<string> _categories = [];
        readonly List<Guid> _messages = [];

        public int Count => _tenants.Count;

        public void Add(StoredMessage message, string category)
        {
            _tenants.Add(message.Tenant.Value);
            _categories.Add(Text.Of(category)!);
            _messages.Add(message.Id.Value);
        }

        public const string InsertSql = """
            insert into message_category (lane, tenant_id, category, message_id)
            select @lane, * from unnest(@tenants, @categories, @messages)
            """;

        public NpgsqlBatchCommand Bind(NpgsqlBatchCommand command) => command
            .WithAll("tenants", NpgsqlDbType.Uuid, _tenants)
            .WithAll("categories", NpgsqlDbType.Text, _categories)
            .WithAll("messages", NpgsqlDbType.Uuid, _messages);
    }

    sealed class QueueTable
    {
        readonly List<Guid> _tenants = [];
        readonly List<Guid> _messages = [];
        readonly List<string> _domains = [];
        readonly List<DateTimeOffset> _dueAts = [];
        readonly List<DateTimeOffset> _firstDueAts = [];
        readonly List<Guid?> _batches = [];
        readonly List<int> _days = [];

        public int Count => _tenants.Count;

        public void Add(in EncodedMessage encoded)
        {
            var message = encoded.Message;
            var due = message.DueAt.ToUniversalTime();
            var created = message.Id.CreatedAt.ToUniversalTime();
            _tenants.Add(message.Tenant.Value);
            _messages.Add(message.Id.Value);
            _domains.Add(encoded.QueueDomain);
            _dueAts.Add(due);
            // Nothing is released before it was made, so what is past its lifetime is found by id.
            _firstDueAts.Add(due > created ? due : created);
            _batches.Add(message.Batch?.Value);
            _days.Add(Totals.DayOf(message.Id.CreatedAt));
        }

        public const string InsertSql = """
            insert into queue (lane, tenant_id, message_id, domain, due_at, first_due_at, batch_id, day, phase)
            select @lane, *, 0 from unnest(@tenants, @messages, @domains, @due_ats, @first_due_ats, @batches, @days)
            """;

        public NpgsqlBatchCommand Bind(NpgsqlBatchCommand command) => command
            .WithAll("tenants", NpgsqlDbType.Uuid, _tenants)
            .WithAll("messages", NpgsqlDbType.Uuid, _messages)
            .WithAll("domains", NpgsqlDbType.Text, _domains)
            .WithAll("due_ats", NpgsqlDbType.TimestampTz, _dueAts)
            .WithAll("first_due_ats", NpgsqlDbType.TimestampTz, _firstDueAts)
            .WithAll("batches", NpgsqlDbType.Uuid, _batches)
            .WithAll("days", NpgsqlDbType.Integer, _days);
    }

    sealed class ContentTable
    {
        readonly List<Guid> _tenants = [];
        readonly List<byte[]> _hashes = [];
        readonly List<int> _chunks = [];
        readonly List<Guid> _months = [];
        readonly List<int> _octets = [];
        readonly List<short> _codecs = [];
        readonly List<byte[]> _data = [];

        public int Count => _tenants.Count;

        public void Add(AcceptWrite write, Month month)
        {
            foreach (var (hash, chunks) in write.Contents)
            {
                var octets = hash.ToArray();
                for (var i = 0; i < chunks.Length; i++)
                {
                    _tenants.Add(write.Acceptance.Tenant.Value);
                    _hashes.Add(octets);
                    _chunks.Add(i);
                    _months.Add(month.FirstId);
                    _octets.Add(chunks[i].Octets);
                    _codecs.Add((short)chunks[i].Codec);
                    _data.Add(chunks[i].Data.ToArray());
                }
            }
        }

        public const string InsertSql = """
            insert into content (lane, tenant_id, sha256, chunk, month, octets, codec, data)
            select @lane, * from unnest(@tenants, @hashes, @chunks, @months, @octets, @codecs, @data)
                as c (tenant_id, sha256, chunk, month, octets, codec, data)
            -- In one order for all: two transactions that bring the same contents do not wait for each other in a circle.
            order by tenant_id, sha256, chunk, month
            on conflict (lane, tenant_id, sha256, chunk, month) do nothing
            """;

        public NpgsqlBatchCommand Bind(NpgsqlBatchCommand command) => command
            .WithAll("tenants", NpgsqlDbType.Uuid, _tenants)
            .WithAll("hashes", NpgsqlDbType.Bytea, _hashes)
            .WithAll("chunks", NpgsqlDbType.Integer, _chunks)
            .WithAll("months", NpgsqlDbType.Uuid, _months)
            .WithAll("octets", NpgsqlDbType.Integer, _octets)
            .WithAll("codecs", NpgsqlDbType.Smallint, _codecs)
            .WithAll("data", NpgsqlDbType.Bytea, _data);
    }
}
