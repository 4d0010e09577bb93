using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Suppressions;

/// <summary>Unsubscribe groups. One that was removed keeps its row, for its id is not given out again.</summary>
static class GroupTable
{
    const string InsertSql = """
        -- Primary key, its last of the tenant; on conflict the name is taken.
        insert into unsubscribe_group (tenant_id, id, name, description, is_default, created_at)
        select @tenant, coalesce(max(id), 0) + 1, @name, @description, @is_default, @now from unsubscribe_group
        where tenant_id = @tenant
        on conflict do nothing
        """;

    const string NewestSql = """
        -- Primary key, its last of the tenant.
        select max(id) from unsubscribe_group
        where tenant_id = @tenant
        """;

    public static UnsubscribeGroup? Add(WriteSession session, TenantId tenant, UnsubscribeGroup group, DateTimeOffset now)
    {
        session.Connection.Prepare(InsertSql)
            .Bind(tenant.Value).Bind(group.Name).Bind(group.Description).Bind(group.IsDefault).Bind(now).Run();
        if (session.Connection.Changes == 0)
            return null;
        var newest = session.Connection.Prepare(NewestSql).Bind(tenant.Value);
        newest.Step();
        var id = newest.Int32(0);
        newest.Reset();
        return group with { Id = id, Unsubscribes = 0 };
    }

    const string FindSql = """
        select g.id, g.name, g.description, g.is_default, (
            select count(*) from suppression s where s.tenant_id = g.tenant_id and s.list = 3 and s.group_id = g.id)
        from unsubscribe_group g
        where g.tenant_id = @tenant and g.id = @id and g.removed_at is null
        """;

    public static UnsubscribeGroup? Find(Connection db, TenantId tenant, int id)
    {
        var row = db.Prepare(FindSql).Bind(tenant.Value).Bind(id);
        if (!row.Step())
            return null;
        var group = Read(row);
        row.Reset();
        return group;
    }

    const string AllSql = """
        select g.id, g.name, g.description, g.is_default, (
            select count(*) from suppression s where s.tenant_id = g.tenant_id and s.list = 3 and s.group_id = g.id)
        from unsubscribe_group g
        where g.tenant_id = @tenant and g.removed_at is null
        order by g.id
        """;

    public static List<UnsubscribeGroup> All(Connection db, TenantId tenant)
    {
        var groups = new List<UnsubscribeGroup>();
        var row = db.Prepare(AllSql).Bind(tenant.Value);
        while (row.Step())
            groups.Add(Read(row));
        return groups;
    }

    const string UpdateSql = """
        -- Ignored: another group has the name.
        update or ignore unsubscribe_group set name = @name, description = @description, is_default = @is_default
        where tenant_id = @tenant and id = @id and removed_at is null
        """;

    public static bool Change(WriteSession session, TenantId tenant, UnsubscribeGroup group)
    {
        session.Connection.Prepare(UpdateSql)
            .Bind(group.Name).Bind(group.Description).Bind(group.IsDefault).Bind(tenant.Value).Bind(group.Id).Run();
        return session.Connection.Changes > 0;
    }

    const string RemoveSql = """
        update unsubscribe_group set removed_at = @now
        where tenant_id = @tenant and id = @id and removed_at is null
        """;

    public static bool Remove(WriteSession session, TenantId tenant, int id, DateTimeOffset now)
    {
        session.Connection.Prepare(RemoveSql).Bind(now).Bind(tenant.Value).Bind(id).Run();
        return session.Connection.Changes > 0;
    }

    static UnsubscribeGroup Read(Statement row) => new(row.Int32(0), row.Text(1), row.Text(2), row.Bool(3)) { Unsubscribes = row.Int64(4) };
}
