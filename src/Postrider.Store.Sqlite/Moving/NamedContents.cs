using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;

namespace Postrider.Store.Sqlite.Moving;

/// <summary>
/// Contents with the months of the messages that name them, by which other stores keep them: a temporary table of the reading connection,
/// on disk when it is large. A content that no message names is read by nobody, and stays behind.
/// </summary>
static class NamedContents
{
    const string Table = """
        create temp table named (
            tenant_id blob not null,
            sha256 blob not null,
            month integer not null,
            tag integer not null,
            primary key (tenant_id, sha256, month)
        ) without rowid;
        """;

    const string MessagesSql = """
        select tenant_id, id, body_hash, case when instr(settings, 'ttachments') > 0 then settings end from message
        """;

    const string AddSql = """
        insert or ignore into temp.named (tenant_id, sha256, month, tag)
        values (@tenant, @hash, @month, @tag)
        """;

    const string Columns = """
        select n.tenant_id, n.sha256, n.month, c.chunk, c.octets, c.codec, c.data
        from temp.named n
        cross join main.content c indexed by content_tag on c.tag = n.tag and c.tenant_id = n.tenant_id and c.sha256 = n.sha256
        """;

    const string Order = """
        order by n.tenant_id, n.sha256, n.month, c.chunk
        """;

    public const string FirstSql = $"""
        {Columns}
        {Order}
        """;

    public const string NextSql = $"""
        -- The first condition is the seek.
        {Columns}
        where (n.tenant_id, n.sha256, n.month) >= (@tenant_id, @sha256, @month)
            and (n.tenant_id, n.sha256, n.month, c.chunk) > (@tenant_id, @sha256, @month, @chunk)
        {Order}
        """;

    public const string InsertSql = """
        -- Here a content is there once, whatever months name it.
        insert into content (tenant_id, sha256, chunk, octets, codec, data, tag)
        select @tenant_id, @sha256, @chunk, @octets, @codec, @data, @tag
        where not exists (select 1 from content where tag = @tag and chunk = @chunk and tenant_id = @tenant_id and sha256 = @sha256)
        """;

    public static void Find(Connection db)
    {
        db.Execute(Table);
        var message = db.Prepare(MessagesSql);
        while (message.Step())
        {
            var (tenant, month) = (message.Guid(0), MonthOf(new MessageId(message.Guid(1))));
            if (message.HashOrNull(2) is { } body)
                Add(db, tenant, body, month);
            if (message.IsNull(3))
                continue;
            foreach (var attachment in MessageSettings.FromJson(message.Octets(3).ToArray()).Attachments ?? [])
                Add(db, tenant, ContentHash.From(Convert.FromHexString(attachment.Hash)), month);
        }
    }

    static void Add(Connection db, Guid tenant, in ContentHash hash, DateTimeOffset month) =>
        db.Prepare(AddSql).Bind(tenant).Bind(hash).Bind(month).Bind(ContentRows.TagOf(hash.ToArray())).Run();

    static DateTimeOffset MonthOf(MessageId message) =>
        new(message.CreatedAt.Year, message.CreatedAt.Month, 1, 0, 0, 0, TimeSpan.Zero);
}
