using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Suppressions;

/// <summary>Pages of a list: of one group or of all, or of one address.</summary>
static class SuppressionLists
{
    const string Columns = "address_key, list, group_id, id, mailbox, created_at, reason, bounce_type, status, message_id";

    const string Conditions = """
        (@group is null or group_id = @group) and created_at >= @from and created_at < @before
            and (@bounce_type is null or bounce_type = @bounce_type)
        """;

    const string OfList = $"""
        -- Index suppression_time.
        from suppression
        where lane = @lane and tenant_id = @tenant and list = @list and {Conditions}
        """;

    const string OfAddress = $"""
        -- Primary key.
        from suppression
        where lane = @lane and tenant_id = @tenant and address_key = @address and list = @list and {Conditions}
        """;

    const string Page = """
        order by group_id desc, created_at desc, address_key desc, id desc
        limit @limit offset @offset
        """;

    const string PageOfListSql = $"select {Columns}\n{OfList}\n{Page}";
    const string TotalOfListSql = $"select count(*)\n{OfList}";
    const string PageOfAddressSql = $"select {Columns}\n{OfAddress}\n{Page}";
    const string TotalOfAddressSql = $"select count(*)\n{OfAddress}";

    public static async Task<SuppressionPage> ListAsync(
        NpgsqlConnection connection, TenantId tenant, SuppressionFilter filter, int offset, int limit)
    {
        var byAddress = filter.AddressKey is not null;
        await using var page = new NpgsqlBatch(connection);
        Bind(page.Add(byAddress ? PageOfAddressSql : PageOfListSql), tenant, filter).With("limit", limit).With("offset", offset);
        var items = await page.ReadAllAsync(SuppressionTable.Read);
        await using var total = new NpgsqlBatch(connection);
        Bind(total.Add(byAddress ? TotalOfAddressSql : TotalOfListSql), tenant, filter);
        return new SuppressionPage(items, (await total.ReadAllAsync(row => row.GetInt64(0)))[0]);
    }

    static NpgsqlBatchCommand Bind(NpgsqlBatchCommand command, TenantId tenant, SuppressionFilter filter)
    {
        // Lists without groups have their rows in group 0: said, it is a seek to the time.
        var scope = filter.Scope.List == SuppressionList.GroupUnsubscribes ? filter.Scope : filter.Scope with { Group = 0 };
        SuppressionTable.BindScope(command, tenant, scope)
            .With("from", filter.CreatedFrom ?? DateTimeOffset.UnixEpoch)
            .With("before", filter.CreatedBefore ?? DateTimeOffset.MaxValue);
        return filter.AddressKey is { } address ? command.With("address", address) : command;
    }
}
