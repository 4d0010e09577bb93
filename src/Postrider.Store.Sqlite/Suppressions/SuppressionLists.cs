using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Suppressions;

/// <summary>Pages of a list: of one group or of all, or of one address.</summary>
static class SuppressionLists
{
    const string Columns = "address_key, list, group_id, id, mailbox, created_at, reason, bounce_type, status, message_id";

    const string Conditions = """
        created_at >= @from and created_at < @before and (@bounce_type is null or bounce_type = @bounce_type)
        """;

    const string OfList = $"""
        -- Index suppression_time.
        from suppression indexed by suppression_time
        where tenant_id = @tenant and list = @list and group_id = @group and {Conditions}
        """;

    const string OfAllGroups = $"""
        -- Index suppression_time.
        from suppression indexed by suppression_time
        where tenant_id = @tenant and list = @list and {Conditions}
        """;

    const string OfAddress = $"""
        -- Primary key.
        from suppression
        where tenant_id = @tenant and address_key = @address and list = @list and (@group is null or group_id = @group) and {Conditions}
        """;

    const string Page = """
        order by group_id desc, created_at desc, address_key desc, id desc
        limit @limit offset @offset
        """;

    const string PageOfListSql = $"select {Columns}\n{OfList}\n{Page}";
    const string TotalOfListSql = $"select count(*)\n{OfList}";
    const string PageOfAllGroupsSql = $"select {Columns}\n{OfAllGroups}\n{Page}";
    const string TotalOfAllGroupsSql = $"select count(*)\n{OfAllGroups}";
    const string PageOfAddressSql = $"select {Columns}\n{OfAddress}\n{Page}";
    const string TotalOfAddressSql = $"select count(*)\n{OfAddress}";

    public static SuppressionPage List(Connection db, TenantId tenant, SuppressionFilter filter, int offset, int limit)
    {
        var (pageSql, totalSql) = filter switch
        {
            { AddressKey: not null } => (PageOfAddressSql, TotalOfAddressSql),
            { Scope: { List: SuppressionList.GroupUnsubscribes, Group: null } } => (PageOfAllGroupsSql, TotalOfAllGroupsSql),
            _ => (PageOfListSql, TotalOfListSql),
        };
        var items = new List<Suppression>();
        var row = Bind(db.Prepare(pageSql), tenant, filter);
        row.BindNamed("@limit", limit);
        row.BindNamed("@offset", offset);
        while (row.Step())
            items.Add(SuppressionTable.Read(row));

        var total = Bind(db.Prepare(totalSql), tenant, filter);
        total.Step();
        var count = total.Int64(0);
        total.Reset();
        return new SuppressionPage(items, count);
    }

    static Statement Bind(Statement statement, TenantId tenant, SuppressionFilter filter)
    {
        var scope = filter.Scope;
        statement.BindNamed("@tenant", tenant.Value);
        statement.BindNamed("@list", (long)scope.List);
        statement.BindNamed("@address", filter.AddressKey);
        // Where a list has no groups, and an address is not what is looked for, its rows are those of group 0. Null stays where it is not
        // bound.
        if (scope.Group is { } group)
            statement.BindNamed("@group", group);
        else if (filter.AddressKey is null)
            statement.BindNamed("@group", 0);
        else
            statement.BindNamed("@group", (string?)null);
        statement.BindNamed("@from", filter.CreatedFrom?.ToUnixTimeMilliseconds() ?? long.MinValue);
        statement.BindNamed("@before", filter.CreatedBefore?.ToUnixTimeMilliseconds() ?? long.MaxValue);
        if (scope.BounceType is { } type)
            statement.BindNamed("@bounce_type", (long)type);
        else
            statement.BindNamed("@bounce_type", (string?)null);
        return statement;
    }
}
