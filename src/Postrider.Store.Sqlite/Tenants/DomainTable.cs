using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Tenants;

static class DomainTable
{
    const string Columns = "id, tenant_id, name, selector, sealed_key, created_at, verified_at, next_selector, next_sealed_key";

    const string InsertSql = """
        insert into domain (id, tenant_id, name, selector, sealed_key, created_at, verified_at)
        values (@id, @tenant, @name, @selector, @sealed_key, @created_at, @verified_at)
        on conflict (name, tenant_id) do nothing
        """;

    public static bool Add(WriteSession session, SendingDomain domain)
    {
        session.Connection.Prepare(InsertSql)
            .Bind(domain.Id.Value).Bind(domain.Tenant.Value).Bind(domain.Domain.Ascii).Bind(domain.Selector)
            .Bind(domain.SealedKey.AsSpan()).Bind(domain.CreatedAt).Bind(domain.VerifiedAt).Run();
        return session.Connection.Changes != 0;
    }

    const string FindSql = $"""
        select {Columns} from domain
        where name = @name and tenant_id = @tenant
        """;

    public static SendingDomain? Find(Connection db, TenantId tenant, Domain domain)
    {
        var row = db.Prepare(FindSql).Bind(domain.Ascii).Bind(tenant.Value);
        if (!row.Step())
            return null;
        var found = Read(row);
        row.Reset();
        return found;
    }

    const string AnySql = $"""
        -- Primary key, its first.
        select {Columns} from domain
        where id > x''
        order by id
        limit 1
        """;

    public static SendingDomain? Any(Connection db)
    {
        var row = db.Prepare(AnySql);
        if (!row.Step())
            return null;
        var found = Read(row);
        row.Reset();
        return found;
    }

    const string AllSql = $"""
        select {Columns} from domain
        where name = @name
        order by tenant_id
        """;

    public static List<SendingDomain> All(Connection db, Domain domain)
    {
        var found = new List<SendingDomain>();
        var row = db.Prepare(AllSql).Bind(domain.Ascii);
        while (row.Step())
            found.Add(Read(row));
        return found;
    }

    const string VerifySql = """
        update domain set verified_at = @at
        where id = @id
        """;

    public static bool SetVerified(WriteSession session, DomainId domain, DateTimeOffset? at)
    {
        session.Connection.Prepare(VerifySql).Bind(at).Bind(domain.Value).Run();
        return session.Connection.Changes != 0;
    }

    const string AddNextSql = """
        update domain set next_selector = @selector, next_sealed_key = @sealed_key
        where id = @id and next_selector is null
        """;

    public static bool AddNext(WriteSession session, DomainId domain, NextDkimKey key)
    {
        session.Connection.Prepare(AddNextSql).Bind(key.Selector).Bind(key.SealedKey.AsSpan()).Bind(domain.Value).Run();
        return session.Connection.Changes != 0;
    }

    const string TakeNextSql = """
        update domain set selector = next_selector, sealed_key = next_sealed_key, next_selector = null, next_sealed_key = null
        where id = @id and next_selector = @selector
        """;

    public static bool TakeNext(WriteSession session, DomainId domain, string selector)
    {
        session.Connection.Prepare(TakeNextSql).Bind(domain.Value).Bind(selector).Run();
        return session.Connection.Changes != 0;
    }

    static SendingDomain Read(Statement row) => new(
        new DomainId(row.Guid(0)),
        new TenantId(row.Guid(1)),
        Domain.TryParse(row.Text(2), out var domain) ? domain : throw new InvalidDataException("A stored domain is not a domain name."),
        row.Text(3),
        row.Octets(4).ToArray(),
        row.Time(5),
        row.TimeOrNull(6))
    {
        Next = row.TextOrNull(7) is { } next ? new NextDkimKey(next, row.Octets(8).ToArray()) : null,
    };
}
