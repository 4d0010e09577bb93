using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Tenants;

static class ApiKeyTable
{
    const string InsertSql = """
        insert into api_key (
            id, tenant_id, dialect, name, prefix, hash, scopes, test, created_at, expires_at, revoked_at, last_used_at)
        values (
            @id, @tenant, @dialect, @name, @prefix, @hash, @scopes, @test, @created_at, @expires_at, @revoked_at, @last_used_at)
        """;

    public static bool Add(WriteSession session, ApiKey key)
    {
        session.Connection.Prepare(InsertSql)
            .Bind(key.Id.Value).Bind(key.Tenant.Value).Bind((long)key.Dialect).Bind(key.Name).Bind(key.Prefix).Bind(key.Hash)
            .Bind(string.Join(' ', key.Scopes)).Bind(key.Test).Bind(key.CreatedAt).Bind(key.ExpiresAt).Bind(key.RevokedAt)
            .Bind(key.LastUsedAt).Run();
        return true;
    }

    const string FindSql = """
        -- The unique index on hash; every request asks it.
        select k.id, k.tenant_id, k.dialect, k.name, k.prefix, k.hash, k.scopes, k.test,
            k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
            t.name, t.created_at, t.suspended
        from api_key k
        join tenant t on t.id = k.tenant_id
        where k.hash = @hash
        """;

    public static (ApiKey Key, Tenant Tenant)? Find(Connection db, in ContentHash hash)
    {
        var row = db.Prepare(FindSql).Bind(hash);
        if (!row.Step())
            return null;
        var tenant = new Tenant(new TenantId(row.Guid(1)), row.Text(12), row.Time(13), row.Bool(14));
        var key = new ApiKey(
            new ApiKeyId(row.Guid(0)), tenant.Id, (Dialect)row.Int32(2), row.Text(3), row.Text(4), ContentHash.From(row.Octets(5)),
            row.Text(6).Split(' ', StringSplitOptions.RemoveEmptyEntries), row.Bool(7), row.Time(8))
        {
            ExpiresAt = row.TimeOrNull(9),
            RevokedAt = row.TimeOrNull(10),
            LastUsedAt = row.TimeOrNull(11),
        };
        row.Reset();
        return (key, tenant);
    }

    const string TouchSql = """
        update api_key set last_used_at = @at
        where id = @id
        """;

    public static bool Touch(WriteSession session, IReadOnlyCollection<ApiKeyId> keys, DateTimeOffset at)
    {
        foreach (var key in keys)
            session.Connection.Prepare(TouchSql).Bind(at).Bind(key.Value).Run();
        return true;
    }
}
