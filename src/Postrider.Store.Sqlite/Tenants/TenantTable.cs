using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Tenants;

/// <summary>Tenants and their streams.</summary>
static class TenantTable
{
    const string InsertSql = """
        insert into tenant (id, name, created_at, suspended)
        values (@id, @name, @created_at, @suspended)
        on conflict (name) do nothing
        """;

    const string InsertStreamSql = """
        insert into stream (tenant_id, slug, created_at)
        values (@tenant, @slug, @created_at)
        """;

    public static bool Add(WriteSession session, Tenant tenant)
    {
        var db = session.Connection;
        db.Prepare(InsertSql).Bind(tenant.Id.Value).Bind(tenant.Name).Bind(tenant.CreatedAt).Bind(tenant.Suspended).Run();
        if (db.Changes == 0)
            return false;
        foreach (var slug in (ReadOnlySpan<string>)["transactional", "broadcast"])
            db.Prepare(InsertStreamSql).Bind(tenant.Id.Value).Bind(slug).Bind(tenant.CreatedAt).Run();
        return true;
    }

    const string FindByNameSql = """
        select id, name, created_at, suspended from tenant
        where name = @name
        """;

    public static Tenant? Find(Connection db, string name) => Read(db.Prepare(FindByNameSql).Bind(name));

    const string FindSql = """
        select id, name, created_at, suspended from tenant
        where id = @id
        """;

    public static Tenant? Find(Connection db, TenantId id) => Read(db.Prepare(FindSql).Bind(id.Value));

    static Tenant? Read(Statement row)
    {
        if (!row.Step())
            return null;
        var tenant = new Tenant(new TenantId(row.Guid(0)), row.Text(1), row.Time(2), row.Bool(3));
        row.Reset();
        return tenant;
    }
}
