using System.Text.Json;
using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Search;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Intake;

/// <summary>
/// Makes a send request durable. What can be done before the writer's turn (JSON, compression) is done on the caller's thread.
/// </summary>
sealed class IntakeWrites(Writer writer, ReaderPool readers)
{
    public async Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken cancel)
    {
        var contents = await EncodeAsync(acceptance, cancel);
        var messages = acceptance.Messages.Select(EncodedMessage.From).ToArray();
        return await writer.RunAsync(session => Accept(session, acceptance, messages, contents), cancel);
    }

    /// <summary>A body that is stored already, as that of a batch in many requests, is not compressed again.</summary>
    async Task<EncodedContent[]> EncodeAsync(Acceptance acceptance, CancellationToken cancel)
    {
        var encoded = new EncodedContent[acceptance.Contents.Count];
        for (var i = 0; i < encoded.Length; i++)
        {
            var (hash, octets) = acceptance.Contents[i];
            var known = octets.Length >= ContentEncoding.WorthCompressing
                && await readers.ReadAsync(db => ContentRows.Exists(db, acceptance.Tenant, hash), cancel);
            encoded[i] = new EncodedContent(hash, octets, known ? null : ContentEncoding.Encode(octets));
        }
        return encoded;
    }

    static AcceptOutcome Accept(WriteSession session, Acceptance acceptance, EncodedMessage[] messages, EncodedContent[] contents)
    {
        var db = session.Connection;
        if (acceptance.Idempotency is { } claim && FindEarlier(db, acceptance, claim) is { } earlier)
            return earlier;
        var held = new HashSet<BatchId>();
        if (FindUnknownBatch(db, acceptance, held) is { } batch)
            return new AcceptOutcome.UnknownBatch(batch);

        foreach (var (hash, octets, chunks) in contents)
        {
            // Retention may have removed it since it was found.
            if (!ContentRows.Exists(db, acceptance.Tenant, hash))
                ContentRows.Insert(db, acceptance.Tenant, hash, chunks ?? ContentEncoding.Encode(octets));
        }
        foreach (var message in messages)
            Insert(session, message, acceptance.Now, message.Message.Batch is { } itsBatch && held.Contains(itsBatch));
        if (acceptance.Idempotency is { } idempotency)
            InsertClaim(db, acceptance, idempotency);
        return AcceptOutcome.Stored.Instance;
    }

    const string FindClaimSql = """
        select fingerprint, messages from idempotency
        where tenant_id = @tenant and key = @key and expires_at > @now
        """;

    static AcceptOutcome? FindEarlier(Connection db, Acceptance acceptance, IdempotencyClaim claim)
    {
        var read = db.Prepare(FindClaimSql).Bind(acceptance.Tenant.Value).Bind(claim.Key).Bind(acceptance.Now);
        if (!read.Step())
            return null;
        AcceptOutcome outcome = ContentHash.From(read.Octets(0)) == claim.Fingerprint
            ? new AcceptOutcome.Replayed(ReadIds(read.Octets(1)))
            : AcceptOutcome.KeyReused.Instance;
        read.Reset();
        return outcome;
    }

    const string InsertClaimSql = """
        insert or replace into idempotency (tenant_id, key, fingerprint, messages, expires_at)
        values (@tenant, @key, @fingerprint, @messages, @expires_at)
        """;

    static void InsertClaim(Connection db, Acceptance acceptance, IdempotencyClaim claim)
    {
        var ids = new byte[acceptance.Messages.Count * 16];
        for (var i = 0; i < acceptance.Messages.Count; i++)
            acceptance.Messages[i].Message.Id.Value.TryWriteBytes(ids.AsSpan(i * 16), bigEndian: true, out _);
        db.Prepare(InsertClaimSql)
            .Bind(acceptance.Tenant.Value).Bind(claim.Key).Bind(claim.Fingerprint).Bind(ids.AsSpan()).Bind(claim.ExpiresAt).Run();
    }

    static List<MessageId> ReadIds(ReadOnlySpan<byte> octets)
    {
        var ids = new List<MessageId>(octets.Length / 16);
        for (var i = 0; i < octets.Length; i += 16)
            ids.Add(new MessageId(new Guid(octets.Slice(i, 16), bigEndian: true)));
        return ids;
    }

    const string BatchStateSql = """
        select state from batch
        where tenant_id = @tenant and id = @batch
        """;

    /// <param name="held">Gets those that are paused or cancelled.</param>
    static BatchId? FindUnknownBatch(Connection db, Acceptance acceptance, HashSet<BatchId> held)
    {
        BatchId? known = null;
        foreach (var (message, _, _) in acceptance.Messages)
        {
            if (message.Batch is not { } batch || batch == known)
                continue;
            var read = db.Prepare(BatchStateSql).Bind(acceptance.Tenant.Value).Bind(batch.Value);
            if (!read.Step())
                return batch;
            if (read.Int64(0) != 0)
                held.Add(batch);
            read.Reset();
            known = batch;
        }
        return null;
    }

    const string InsertMessageSql = """
        insert into message (
            tenant_id, id, status, stream, from_key, from_mailbox, from_name, subject, batch_id, template_id,
            categories, settings, body_hash, sandbox, due_at, queued_at, settled_at)
        values (
            @tenant, @id, @status, @stream, @from_key, @from_mailbox, @from_name, @subject, @batch, @template,
            @categories, @settings, @body, @sandbox, @due_at, @queued_at, @settled_at)
        """;

    const string InsertRecipientSql = """
        insert into recipient (tenant_id, message_id, ordinal, kind, address_key, mailbox, name, state, last_reply, settled_at)
        values (@tenant, @message, @ordinal, @kind, @address_key, @mailbox, @name, @state, @last_reply, @settled_at)
        """;

    const string InsertCategorySql = """
        insert or ignore into message_category (tenant_id, category, message_id)
        values (@tenant, @category, @message)
        """;

    const string InsertQueueSql = """
        insert into queue (tenant_id, message_id, domain, due_at, held_due_at, first_due_at, phase, batch_id)
        -- Nothing is released before it was made, so what is past its lifetime is found by id.
        values (@tenant, @message, @domain, coalesce(@held, @due_at), case when @held is not null then @due_at end,
            max(@due_at, @created_at), 0, @batch)
        """;

    static void Insert(WriteSession session, EncodedMessage encoded, DateTimeOffset now, bool isHeld)
    {
        var db = session.Connection;
        var (message, domain) = (encoded.Message, encoded.QueueDomain);
        var (tenant, id) = (message.Tenant.Value, message.Id.Value);
        var fromKey = message.From.Mailbox.Key;

        var insert = db.Prepare(InsertMessageSql).Bind(tenant).Bind(id);
        _ = message.Sandbox ? insert.Bind((long)MessageStatus.Sandbox) : insert.BindNull();
        insert.Bind(message.Stream).Bind(fromKey).Bind(AsGiven(message.From.Mailbox, fromKey)).Bind(message.From.DisplayName)
            .Bind(message.Subject).Bind(message.Batch?.Value).Bind(message.TemplateId)
            .BindText(encoded.Categories).BindText(encoded.Settings);
        _ = message.Body is { } body ? insert.Bind(body) : insert.BindNull();
        insert.Bind(message.Sandbox).Bind(message.DueAt).Bind(encoded.QueuedAt).Bind(message.Sandbox ? encoded.QueuedAt : null).Run();

        for (var i = 0; i < message.Recipients.Count; i++)
        {
            var recipient = message.Recipients[i];
            var mailbox = recipient.Address.Mailbox;
            var key = mailbox.Key;
            db.Prepare(InsertRecipientSql)
                .Bind(tenant).Bind(id).Bind(i).Bind((long)recipient.Kind).Bind(key).Bind(AsGiven(mailbox, key))
                .Bind(recipient.Address.DisplayName).Bind((long)recipient.State).Bind(recipient.LastReply).Bind(recipient.SettledAt).Run();
        }
        SubjectIndex.Number(db, message.Tenant, message.Id);
        foreach (var category in message.Categories)
            db.Prepare(InsertCategorySql).Bind(tenant).Bind(category).Bind(id).Run();
        foreach (var one in encoded.Events)
            EventRows.Insert(db, message.Tenant, message.Id, one);
        if (!message.Sandbox)
        {
            db.Prepare(InsertQueueSql)
                .Bind(tenant).Bind(id).Bind(domain).Bind(isHeld ? Held.DueAt : null).Bind(message.DueAt).Bind(message.Id.CreatedAt)
                .Bind(message.Batch?.Value).Run();
        }
        session.Counters.Move(
            message.Tenant, message.Id, message.Batch, from: null, message.Sandbox ? MessageStatus.Sandbox : MessageStatus.Queued, now);
    }

    /// <summary>Null when the address was given in lower case, as most are: it is not stored twice then.</summary>
    static string? AsGiven(Mailbox mailbox, string key) => mailbox.ToString() is var given && given == key ? null : given;

    /// <param name="Chunks">Null when the tenant had it a moment ago.</param>
    readonly record struct EncodedContent(ContentHash Hash, ReadOnlyMemory<byte> Octets, ContentEncoding.Chunk[]? Chunks);

    readonly record struct EncodedMessage(
        StoredMessage Message, string QueueDomain, DateTimeOffset QueuedAt, byte[] Settings, byte[] Categories, EncodedEvent[] Events)
    {
        public static EncodedMessage From(NewMessage message) => new(
            message.Message,
            message.QueueDomain,
            message.QueuedAt,
            message.Message.Settings.ToJson(),
            message.Message.Categories.Count == 0 ? [] : JsonSerializer.SerializeToUtf8Bytes(message.Message.Categories),
            [.. message.Events.Select(EncodedEvent.From)]);
    }
}
