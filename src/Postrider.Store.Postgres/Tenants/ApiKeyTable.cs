using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Tenants;

static class ApiKeyTable
{
    const string InsertSql = """
        insert into api_key (
            id, tenant_id, dialect, name, prefix, hash, scopes, test, created_at, expires_at, revoked_at, last_used_at)
        values (
            @id, @tenant, @dialect, @name, @prefix, @hash, @scopes, @test, @created_at, @expires_at, @revoked_at, @last_used_at)
        """;

    public static async Task<bool> AddAsync(NpgsqlConnection connection, ApiKey key)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(InsertSql)
            .With("id", key.Id.Value).With("tenant", key.Tenant.Value).With("dialect", (short)key.Dialect).With("name", key.Name)
            .With("prefix", key.Prefix).With("hash", key.Hash).With("scopes", string.Join(' ', key.Scopes)).With("test", key.Test)
            .With("created_at", key.CreatedAt).With("expires_at", key.ExpiresAt).With("revoked_at", key.RevokedAt)
            .With("last_used_at", key.LastUsedAt);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None) > 0;
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

    public static async Task<(ApiKey Key, Tenant Tenant)?> FindAsync(NpgsqlConnection connection, ContentHash hash)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindSql).With("hash", hash);
        var found = await batch.ReadAllAsync(Read);
        return found is [var one] ? one : null;
    }

    static (ApiKey Key, Tenant Tenant) Read(NpgsqlDataReader row)
    {
        var tenant = new Tenant(new TenantId(row.GetGuid(1)), row.GetString(12), row.Time(13), row.GetBoolean(14));
        var key = new ApiKey(
            new ApiKeyId(row.GetGuid(0)), tenant.Id, (Dialect)row.GetInt16(2), row.GetString(3), row.GetString(4),
            ContentHash.From(row.GetFieldValue<byte[]>(5)), row.GetString(6).Split(' ', StringSplitOptions.RemoveEmptyEntries),
            row.GetBoolean(7), row.Time(8))
        {
            ExpiresAt = row.TimeOrNull(9),
            RevokedAt = row.TimeOrNull(10),
            LastUsedAt = row.TimeOrNull(11),
        };
        return (key, tenant);
    }

    const string TouchSql = """
        -- In key order, as several nodes do this at once; and never back in time.
        with touched as materialized (
            select id from api_key
            where id = any(@ids) and (last_used_at is null or last_used_at < @at)
            order by id
            for update)
        update api_key k set last_used_at = @at
        from touched t
        where k.id = t.id
        """;

    public static async Task<int> TouchAsync(NpgsqlConnection connection, IReadOnlyCollection<ApiKeyId> keys, DateTimeOffset at)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(TouchSql).With("at", at).WithAll("ids", NpgsqlDbType.Uuid, [.. keys.Select(key => key.Value)]);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
