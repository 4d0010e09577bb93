using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Suppressions;

/// <summary>Unsubscribe groups. One that was removed keeps its row, for its id is not given out again.</summary>
static class GroupTable
{
    /// <summary>Another node took the id; each time somebody else has got through.</summary>
    const int Attempts = 8;

    const string InsertSql = """
        -- Primary key, its last of the tenant. On conflict the name is taken, or another node has just taken the id.
        insert into unsubscribe_group (lane, tenant_id, id, name, description, is_default, created_at)
        select @lane, @tenant, coalesce(max(g.id), 0) + 1, @name, @description, @is_default, @now
        from unsubscribe_group g
        where g.lane = @lane and g.tenant_id = @tenant
        on conflict do nothing
        returning id
        """;

    const string NamedSql = """
        -- Index unsubscribe_group_name.
        select id from unsubscribe_group
        where lane = @lane and tenant_id = @tenant and name = @name and removed_at is null
        """;

    public static async Task<UnsubscribeGroup?> AddAsync(
        Database database, TenantId tenant, UnsubscribeGroup group, DateTimeOffset now, CancellationToken cancel)
    {
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            if (await database.WriteAsync(connection => TryAddAsync(connection, tenant, group, now), cancel) is [var id])
                return group with { Id = id, Unsubscribes = 0 };
            if (await database.ReadAsync(connection => IsNamedAsync(connection, tenant, group.Name), cancel))
                return null;
        }
        throw new StoreUnavailableException("Other nodes took every id that was tried.");
    }

    static async Task<List<int>> TryAddAsync(NpgsqlConnection connection, TenantId tenant, UnsubscribeGroup group, DateTimeOffset now)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(InsertSql)
            .With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("name", group.Name).With("description", group.Description)
            .With("is_default", group.IsDefault).With("now", now);
        return await batch.ReadAllAsync(row => row.GetInt32(0));
    }

    static async Task<bool> IsNamedAsync(NpgsqlConnection connection, TenantId tenant, string name)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(NamedSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("name", name);
        return (await batch.ReadAllAsync(row => row.GetInt32(0))).Count > 0;
    }

    const string AllSql = """
        -- Primary key; the count by index suppression_time.
        select g.id, g.name, g.description, g.is_default, (
            select count(*) from suppression s where s.lane = @lane and s.tenant_id = @tenant and s.list = 3 and s.group_id = g.id)
        from unsubscribe_group g
        where g.lane = @lane and g.tenant_id = @tenant and g.removed_at is null and (@id is null or g.id = @id)
        order by g.id
        """;

    /// <param name="id">Null for all.</param>
    public static async Task<List<UnsubscribeGroup>> ReadAsync(NpgsqlConnection connection, TenantId tenant, int? id)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(AllSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("id", NpgsqlTypes.NpgsqlDbType.Integer, id);
        return await batch.ReadAllAsync(row => new UnsubscribeGroup(row.GetInt32(0), row.GetString(1), row.GetString(2), row.GetBoolean(3))
        {
            Unsubscribes = row.GetInt64(4),
        });
    }

    const string UpdateSql = """
        update unsubscribe_group set name = @name, description = @description, is_default = @is_default
        where lane = @lane and tenant_id = @tenant and id = @id and removed_at is null
        """;

    public static async Task<bool> ChangeAsync(Database database, TenantId tenant, UnsubscribeGroup group, CancellationToken cancel)
    {
        try
        {
            return await database.WriteAsync(connection => ChangeAsync(connection, tenant, group), cancel) > 0;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return false;       // another group has the name
        }
    }

    static async Task<int> ChangeAsync(NpgsqlConnection connection, TenantId tenant, UnsubscribeGroup group)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(UpdateSql)
            .With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("id", group.Id).With("name", group.Name)
            .With("description", group.Description).With("is_default", group.IsDefault);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string RemoveSql = """
        update unsubscribe_group set removed_at = @now
        where lane = @lane and tenant_id = @tenant and id = @id and removed_at is null
        """;

    public static async Task<int> RemoveAsync(NpgsqlConnection connection, TenantId tenant, int id, DateTimeOffset now)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(RemoveSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("id", id).With("now", now);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
