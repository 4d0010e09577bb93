using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Conformance.Postgres;

public sealed class PostgresRecountTests : StoreConformance<PostgresFixture>
{
    /// <summary>A settlement has changed its totals, and stands at the gate before it commits.</summary>
    const string GateSql = $"""
        create function pass() returns trigger language plpgsql as $$
        begin
            {Gate.PassSql}
            return null;
        end $$;
        create trigger gate after update on counter for each row execute function pass();
        """;

    [Fact]
    public async Task A_settlement_under_way_is_in_the_count_once()
    {
        var settled = await Sample.SendingAsync();
        var other = await Sample.AcceptAsync();
        await Store.ExecuteAsync("update counter set failed = 5");
        await Store.Cluster.QueryAsync(Store.Database, GateSql);
        await using var gate = await Gate.CloseAsync(Store);
        var settling = Sample.SettleAsync(Sample.Delivered(settled));
        Assert.True(await Store.IsWaitedAsync(1, settling));

        var fault = new PostgresException("", "ERROR", "ERROR", PostgresErrorCodes.CheckViolation, constraintName: "counter_queued_check");
        var recounting = new Recount(Store.Postgres.Database, NullLogger.Instance).OfMessageAsync(fault, Sample.Tenant, other.Id);
        Assert.True(await Store.IsWaitedAsync(2, recounting));
        await gate.OpenAsync();

        Assert.True(await settling);
        Assert.True(await recounting);
        Assert.Equal(
            (1L, 1L, 0L),
            (await TotalAsync(MessageStatus.Queued), await TotalAsync(MessageStatus.Delivered), await TotalAsync(MessageStatus.Failed)));
    }

    async Task<long> TotalAsync(MessageStatus status) => (await Sample.ListAsync(new MessageFilter { Statuses = [status] })).Total;
}
