using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Tenants;

/// <summary>Tenants and their streams: the directory, which has no lanes.</summary>
static class TenantTable
{
    const string InsertSql = """
        with added as (
            insert into tenant (id, name, created_at, suspended)
            values (@id, @name, @created_at, @suspended)
            on conflict (name) do nothing
            returning id, created_at)
        insert into stream (tenant_id, slug, created_at)
        select id, slug, created_at from added
        cross join (values ('transactional'), ('broadcast')) as s (slug)
        """;

    public static async Task<bool> AddAsync(NpgsqlConnection connection, Tenant tenant)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(InsertSql).With("id", tenant.Id.Value).With("name", tenant.Name).With("created_at", tenant.CreatedAt)
            .With("suspended", tenant.Suspended);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None) > 0;
    }

    const string FindByNameSql = """
        select id, name, created_at, suspended from tenant
        where name = @name
        """;

    public static async Task<Tenant?> FindAsync(NpgsqlConnection connection, string name)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindByNameSql).With("name", name);
        return (await batch.ReadAllAsync(Read)).FirstOrDefault();
    }

    const string FindSql = """
        select id, name, created_at, suspended from tenant
        where id = @id
        """;

    public static async Task<Tenant?> FindAsync(NpgsqlConnection connection, TenantId id)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindSql).With("id", id.Value);
        return (await batch.ReadAllAsync(Read)).FirstOrDefault();
    }

    static Tenant Read(NpgsqlDataReader row) => new(new TenantId(row.GetGuid(0)), row.GetString(1), row.Time(2), row.GetBoolean(3));
}
