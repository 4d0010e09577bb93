using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Mail.Addresses;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Suppressions;

/// <summary>Writing and looking up suppressions; lists are in <see cref="SuppressionLists"/>.</summary>
static class SuppressionTable
{
    const int ClearedAtOnce = 500;

    const string BlockingSql = """
        -- Primary key: one seek.
        select address_key, list, group_id, id, mailbox, created_at, reason, bounce_type, status, message_id from suppression
        where tenant_id = @tenant and address_key = @address and (list > 0 or bounce_type = 0)
        """;

    public static List<Suppression> FindBlocking(Connection db, TenantId tenant, IReadOnlyCollection<string> addressKeys)
    {
        var found = new List<Suppression>();
        foreach (var address in addressKeys)
        {
            var row = db.Prepare(BlockingSql).Bind(tenant.Value).Bind(address);
            while (row.Step())
                found.Add(Read(row));
        }
        return found;
    }

    const string InsertSql = """
        -- On conflict: the bounce was recorded before, or the address is on the list already.
        insert into suppression (
            tenant_id, address_key, list, group_id, id, mailbox, created_at, reason, bounce_type, status, message_id)
        values (@tenant, @address, @list, @group, @id, @mailbox, @created_at, @reason, @bounce_type, @status, @message)
        on conflict do nothing
        """;

    const string TrimSql = """
        -- Primary key: the rows of one address.
        delete from suppression
        where tenant_id = @tenant and address_key = @address and list = 0 and group_id = 0 and bounce_type = @bounce_type and id < (
            select id from suppression
            where tenant_id = @tenant and address_key = @address and list = 0 and group_id = 0 and bounce_type = @bounce_type
            order by id desc
            limit 1 offset @most - 1)
        """;

    public static void Add(Connection db, TenantId tenant, Suppression row)
    {
        var isBounce = row.List == SuppressionList.Bounces;
        var (key, text) = (row.Address.Key, row.Address.ToString());
        var insert = db.Prepare(InsertSql)
            .Bind(tenant.Value).Bind(key).Bind((long)row.List).Bind(row.Group).Bind(isBounce ? row.Id : Guid.Empty)
            .Bind(text == key ? null : text).Bind(row.CreatedAt).Bind(row.Reason);
        _ = row.BounceType is { } type ? insert.Bind((long)type) : insert.BindNull();
        insert.Bind(row.Status).Bind(row.Message?.Value).Run();
        if (isBounce && db.Changes > 0)
            db.Prepare(TrimSql).Bind(tenant.Value).Bind(key).Bind((long)row.BounceType!).Bind(Suppression.MostOfOneAddress).Run();
    }

    public static bool AddAll(WriteSession session, TenantId tenant, IReadOnlyList<Suppression> rows)
    {
        foreach (var row in rows)
            Add(session.Connection, tenant, row);
        return true;
    }

    const string DeleteSql = """
        delete from suppression
        where tenant_id = @tenant and address_key = @address and list = @list
            and (@group is null or group_id = @group) and (@bounce_type is null or bounce_type = @bounce_type)
        """;

    public static int Remove(WriteSession session, TenantId tenant, SuppressionScope scope, IReadOnlyCollection<string> addressKeys)
    {
        var removed = 0;
        foreach (var address in addressKeys)
        {
            BindScope(session.Connection.Prepare(DeleteSql).Bind(tenant.Value).Bind(address).Bind((long)scope.List), scope).Run();
            removed += session.Connection.Changes;
        }
        return removed;
    }

    const string ClearSql = """
        -- Index suppression_time.
        delete from suppression
        where (tenant_id, address_key, list, group_id, id) in (
            select tenant_id, address_key, list, group_id, id from suppression indexed by suppression_time
            where tenant_id = @tenant and list = @list
                and (@group is null or group_id = @group) and (@bounce_type is null or bounce_type = @bounce_type)
            limit @limit)
        """;

    public static async Task ClearAsync(Writer writer, TenantId tenant, SuppressionScope scope, CancellationToken cancel)
    {
        while (await writer.RunAsync(session => Clear(session, tenant, scope), cancel) == ClearedAtOnce)
        {
        }
    }

    static int Clear(WriteSession session, TenantId tenant, SuppressionScope scope)
    {
        BindScope(session.Connection.Prepare(ClearSql).Bind(tenant.Value).Bind((long)scope.List), scope).Bind(ClearedAtOnce).Run();
        return session.Connection.Changes;
    }

    static Statement BindScope(Statement statement, SuppressionScope scope)
    {
        _ = scope.Group is { } group ? statement.Bind(group) : statement.BindNull();
        return scope.BounceType is { } type ? statement.Bind((long)type) : statement.BindNull();
    }

    /// <summary>A row in the order of columns that every statement here selects.</summary>
    public static Suppression Read(Statement row)
    {
        var message = row.GuidOrNull(9);
        return new Suppression
        {
            Address = Mailbox.TryParse(row.TextOrNull(4) ?? row.Text(0), out var mailbox)
                ? mailbox : throw new InvalidDataException("A suppressed address is not a mailbox."),
            List = (SuppressionList)row.Int32(1),
            Group = row.Int32(2),
            Id = row.Guid(3),
            CreatedAt = row.Time(5),
            Reason = row.TextOrNull(6),
            BounceType = row.IsNull(7) ? null : (BounceType)row.Int32(7),
            Status = row.TextOrNull(8),
            Message = message is { } id ? new MessageId(id) : null,
        };
    }
}
