using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Mail.Addresses;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Suppressions;

/// <summary>Writing and looking up suppressions; lists are in <see cref="SuppressionLists"/>.</summary>
static class SuppressionTable
{
    const int ClearedAtOnce = 500;

    const string BlockingSql = """
        -- Primary key: a seek an address.
        select s.address_key, s.list, s.group_id, s.id, s.mailbox, s.created_at, s.reason, s.bounce_type, s.status, s.message_id
        from unnest(@addresses) as a (address_key)
        join suppression s on s.lane = @lane and s.tenant_id = @tenant and s.address_key = a.address_key
        where s.list > 0 or s.bounce_type = 0
        """;

    public static async Task<List<Suppression>> FindBlockingAsync(
        NpgsqlConnection connection, TenantId tenant, IReadOnlyCollection<string> addressKeys)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(BlockingSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value)
            .WithAll("addresses", NpgsqlDbType.Text, [.. addressKeys]);
        return await batch.ReadAllAsync(Read);
    }

    const string Insert = """
        insert into suppression (
            lane, tenant_id, address_key, list, group_id, id, mailbox, created_at, reason, bounce_type, status, message_id)
        select @lane, n.tenant_id, n.address_key, n.list, n.group_id, n.id, n.mailbox, n.created_at, n.reason, n.bounce_type, n.status,
            n.message_id
        from unnest(
                @tenants, @addresses, @lists, @groups, @ids, @mailboxes, @created_ats, @reasons, @bounce_types, @statuses, @messages)
            as n (tenant_id, address_key, list, group_id, id, mailbox, created_at, reason, bounce_type, status, message_id)
        """;

    const string OnConflict = """
        -- In the key's order, so that no two transactions wait for each other in a circle. On conflict: the bounce was recorded before, or
        -- the address is on the list already.
        order by n.tenant_id, n.address_key, n.list, n.group_id, n.id
        on conflict do nothing
        """;

    const string InsertSql = $"""
        {Insert}
        {OnConflict}
        """;

    const string InsertSettledSql = $"""
        {Insert}
        -- A settlement whose lease was lost has left no event.
        where exists (
            select 1 from event e
            where e.lane = @lane and e.tenant_id = n.tenant_id and e.message_id = n.message_id and e.id = n.id)
        {OnConflict}
        """;

    const string TrimSql = """
        -- Primary key: the rows of each address.
        delete from suppression s
        using (select distinct a.tenant_id, a.address_key from unnest(@tenants, @addresses) as a (tenant_id, address_key)) d
        where s.lane = @lane and s.tenant_id = d.tenant_id and s.address_key = d.address_key and s.list = 0
            and s.id < (
                select n.id from suppression n
                where n.lane = @lane and n.tenant_id = s.tenant_id and n.address_key = s.address_key and n.list = 0
                    and n.bounce_type = s.bounce_type
                order by n.id desc
                offset @most - 1
                limit 1)
        """;

    public static async Task<bool> AddAsync(NpgsqlConnection connection, TenantId tenant, IReadOnlyList<Suppression> rows)
    {
        var columns = new SuppressionColumns();
        foreach (var row in rows)
            columns.Add(tenant, row);
        await using var batch = new NpgsqlBatch(connection);
        AddTo(batch, Lane.Of(tenant), columns);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
        return true;
    }

    public static void AddTo(NpgsqlBatch batch, short lane, SuppressionColumns columns) => Add(batch, InsertSql, lane, columns);

    /// <summary>Rows of a group of settlements, in the transaction that wrote their events and after those.</summary>
    public static void AddSettled(NpgsqlBatch batch, short lane, SuppressionColumns columns) => Add(batch, InsertSettledSql, lane, columns);

    static void Add(NpgsqlBatch batch, string sql, short lane, SuppressionColumns columns)
    {
        columns.Bind(batch.Add(sql).With("lane", lane));
        if (columns.HasBounces)
            columns.BindAddresses(batch.Add(TrimSql).With("lane", lane)).With("most", Suppression.MostOfOneAddress);
    }

    const string DeleteSql = """
        -- Primary key: the rows of each address.
        delete from suppression
        where lane = @lane and tenant_id = @tenant and address_key = any(@addresses) and list = @list
            and (@group is null or group_id = @group) and (@bounce_type is null or bounce_type = @bounce_type)
        """;

    public static async Task<int> RemoveAsync(
        NpgsqlConnection connection, TenantId tenant, SuppressionScope scope, IReadOnlyCollection<string> addressKeys)
    {
        await using var batch = new NpgsqlBatch(connection);
        BindScope(batch.Add(DeleteSql), tenant, scope).WithAll("addresses", NpgsqlDbType.Text, [.. addressKeys]);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string ClearSql = """
        -- Index suppression_time.
        with listed as materialized (
            select address_key, group_id, id from suppression
            where lane = @lane and tenant_id = @tenant and list = @list
                and (@group is null or group_id = @group) and (@bounce_type is null or bounce_type = @bounce_type)
            limit @limit)
        delete from suppression s
        using listed x
        where s.lane = @lane and s.tenant_id = @tenant and s.address_key = x.address_key and s.list = @list and s.group_id = x.group_id
            and s.id = x.id
        """;

    public static async Task ClearAsync(Database database, TenantId tenant, SuppressionScope scope, CancellationToken cancel)
    {
        while (await database.WriteAsync(connection => ClearAsync(connection, tenant, scope), cancel) > 0)
        {
        }
    }

    static async Task<int> ClearAsync(NpgsqlConnection connection, TenantId tenant, SuppressionScope scope)
    {
        await using var batch = new NpgsqlBatch(connection);
        BindScope(batch.Add(ClearSql), tenant, scope).With("limit", ClearedAtOnce);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    public static NpgsqlBatchCommand BindScope(NpgsqlBatchCommand command, TenantId tenant, SuppressionScope scope) => command
        .With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("list", (short)scope.List)
        .With("group", NpgsqlDbType.Integer, scope.Group).With("bounce_type", NpgsqlDbType.Smallint, (short?)scope.BounceType);

    /// <summary>A row in the order of columns that every statement here selects.</summary>
    public static Suppression Read(NpgsqlDataReader row) => new()
    {
        Address = Mailbox.TryParse(row.TextOrNull(4) ?? row.GetString(0), out var mailbox)
            ? mailbox : throw new InvalidDataException("A suppressed address is not a mailbox."),
        List = (SuppressionList)row.GetInt16(1),
        Group = row.GetInt32(2),
        Id = row.GetGuid(3),
        CreatedAt = row.Time(5),
        Reason = row.TextOrNull(6),
        BounceType = row.IsDBNull(7) ? null : (BounceType)row.GetInt16(7),
        Status = row.TextOrNull(8),
        Message = row.GuidOrNull(9) is { } message ? new MessageId(message) : null,
    };
}
