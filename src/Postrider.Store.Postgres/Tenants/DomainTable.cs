using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Tenants;

static class DomainTable
{
    const string Columns = "id, tenant_id, name, selector, sealed_key, created_at, verified_at, next_selector, next_sealed_key";

    const string InsertSql = """
        insert into domain (id, tenant_id, name, selector, sealed_key, created_at, verified_at)
        values (@id, @tenant, @name, @selector, @sealed_key, @created_at, @verified_at)
        on conflict (name, tenant_id) do nothing
        """;

    public static async Task<bool> AddAsync(NpgsqlConnection connection, SendingDomain domain)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(InsertSql)
            .With("id", domain.Id.Value).With("tenant", domain.Tenant.Value).With("name", domain.Domain.Ascii)
            .With("selector", domain.Selector).With("sealed_key", NpgsqlDbType.Bytea, domain.SealedKey)
            .With("created_at", domain.CreatedAt).With("verified_at", domain.VerifiedAt);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None) > 0;
    }

    const string FindSql = $"""
        select {Columns} from domain
        where name = @name and tenant_id = @tenant
        """;

    public static async Task<SendingDomain?> FindAsync(NpgsqlConnection connection, TenantId tenant, Domain domain)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindSql).With("name", domain.Ascii).With("tenant", tenant.Value);
        return (await batch.ReadAllAsync(Read)).FirstOrDefault();
    }

    const string AllSql = $"""
        select {Columns} from domain
        where name = @name
        order by tenant_id
        """;

    public static async Task<List<SendingDomain>> AllAsync(NpgsqlConnection connection, Domain domain)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(AllSql).With("name", domain.Ascii);
        return await batch.ReadAllAsync(Read);
    }

    const string AnySql = $"""
        select {Columns} from domain
        limit 1
        """;

    public static async Task<SendingDomain?> AnyAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(AnySql);
        return (await batch.ReadAllAsync(Read)).FirstOrDefault();
    }

    const string VerifySql = """
        update domain set verified_at = @at
        where id = @id
        """;

    public static async Task<int> SetVerifiedAsync(NpgsqlConnection connection, DomainId domain, DateTimeOffset? at)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(VerifySql).With("at", at).With("id", domain.Value);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string AddNextSql = """
        update domain set next_selector = @selector, next_sealed_key = @sealed_key
        where id = @id and next_selector is null
        """;

    public static async Task<bool> AddNextAsync(NpgsqlConnection connection, DomainId domain, NextDkimKey key)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(AddNextSql)
            .With("selector", key.Selector).With("sealed_key", NpgsqlDbType.Bytea, key.SealedKey).With("id", domain.Value);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None) > 0;
    }

    const string TakeNextSql = """
        update domain set selector = next_selector, sealed_key = next_sealed_key, next_selector = null, next_sealed_key = null
        where id = @id and next_selector = @selector
        """;

    public static async Task<bool> TakeNextAsync(NpgsqlConnection connection, DomainId domain, string selector)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(TakeNextSql).With("id", domain.Value).With("selector", selector);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None) > 0;
    }

    static SendingDomain Read(NpgsqlDataReader row) => new(
        new DomainId(row.GetGuid(0)),
        new TenantId(row.GetGuid(1)),
        Domain.TryParse(row.GetString(2), out var domain)
            ? domain : throw new InvalidDataException("A stored domain is not a domain name."),
        row.GetString(3),
        row.GetFieldValue<byte[]>(4),
        row.Time(5),
        row.TimeOrNull(6))
    {
        Next = row.TextOrNull(7) is { } next ? new NextDkimKey(next, row.GetFieldValue<byte[]>(8)) : null,
    };
}
