using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Reports;

namespace Postrider.Store.Conformance.Postgres;

public sealed class PostgresReportRaceTests : StoreConformance<PostgresFixture>
{
    /// <summary>
    /// Who holds a queue row may be waiting for the message, which the report holds: to wait for the row too would be a deadlock.
    /// </summary>
    [Fact]
    public async Task A_report_does_not_wait_for_a_queue_row_that_came_after_it_had_looked_for_one()
    {
        var lease = await Sample.SendingAsync();
        Assert.True(await Sample.SettleAsync(Sample.Delivered(lease)));
        var report = new RecipientReport(lease.Message, 0, EventType.SpamReport, new EventData(), ReportCause.Of(EventType.SpamReport, 0));
        await using var message = await HoldAsync($"select 1 from message where id = '{lease.Message.Value}' for update");
        var reporting = Store.RecipientReports.RecordAsync(Sample.Tenant, report, Store.Now, CancellationToken.None);
        Assert.True(await Store.IsWaitedAsync(1, reporting));
        await Store.ExecuteAsync($"""
            insert into queue (lane, tenant_id, message_id, domain, due_at, first_due_at, phase, day)
            select lane, tenant_id, id, 'example.net', now(), now(), 0, 1 from message
            """);
        await using var row = await HoldAsync("select 1 from queue for update");
        await message.DisposeAsync();

        Assert.Equal(ReportResult.Recorded, await reporting.WaitAsync(PostgresFixture.Longest));
    }

    /// <summary>A transaction of its own, until it is disposed of.</summary>
    async Task<NpgsqlConnection> HoldAsync(string sql)
    {
        var connection = new NpgsqlConnection(Store.Cluster.ConnectionString(Store.Database) + ";Pooling=false");
        await connection.OpenAsync();
        await connection.BeginTransactionAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Two of its own.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
        return connection;
    }
}
