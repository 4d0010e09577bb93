using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Messages;

static class ListWalkTable
{
    const string EndSql = """
        select last_id from list_walk
        where lane = @lane and tenant_id = @tenant and api_key_id = @key and filter = @filter and page_size = @page_size and page = @page
            and served_at >= @served_after
        """;

    public static async Task<MessageId?> EndOfAsync(NpgsqlConnection connection, ListWalk walk, int page, DateTimeOffset servedAfter)
    {
        await using var batch = new NpgsqlBatch(connection);
        Of(batch.Add(EndSql), walk).With("page", page).With("served_after", servedAfter);
        return await batch.ReadAllAsync(row => row.GetGuid(0)) is [var last] ? new MessageId(last) : null;
    }

    const string ForgetSql = """
        delete from list_walk
        where lane = @lane and tenant_id = @tenant and api_key_id = @key and filter = @filter and page_size = @page_size
        """;

    const string RememberSql = """
        insert into list_walk (lane, tenant_id, api_key_id, filter, page_size, page, last_id, served_at)
        values (@lane, @tenant, @key, @filter, @page_size, @page, @last, @now)
        on conflict (lane, tenant_id, api_key_id, filter, page_size, page) do update set
            last_id = excluded.last_id,
            served_at = excluded.served_at
        """;

    public static async Task<int> RememberAsync(NpgsqlConnection connection, ListWalk walk, int page, MessageId last, DateTimeOffset now)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (page == 1)
            Of(batch.Add(ForgetSql), walk);
        Of(batch.Add(RememberSql), walk).With("page", page).With("last", last.Value).With("now", now);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    static NpgsqlBatchCommand Of(NpgsqlBatchCommand command, ListWalk walk) => command
        .With("lane", Lane.Of(walk.Tenant)).With("tenant", walk.Tenant.Value).With("key", walk.Key.Value).With("filter", walk.Filter)
        .With("page_size", NpgsqlDbType.Integer, walk.PageSize);
}
