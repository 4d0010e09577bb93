using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>
/// The plans of the hot statements on tables that hold something: they seek in their index, and look at no partition of another month.
/// </summary>
public sealed partial class PostgresPlanTests : StoreConformance<PostgresFixture>
{
    const int Messages = 3_000;

    /// <summary>Of parameters whose type PostgreSQL cannot tell from where they stand.</summary>
    static readonly Dictionary<string, string> Types = new()
    {
        ["tenants"] = "uuid[]", ["messages"] = "uuid[]", ["domains"] = "text[]", ["nows"] = "timestamptz[]", ["limits"] = "integer[]",
        ["owners"] = "uuid[]", ["untils"] = "timestamptz[]", ["claim_ids"] = "uuid[]", ["writes"] = "integer[]",
        ["generations"] = "integer[]",
        ["phases"] = "smallint[]", ["due_ats"] = "timestamptz[]", ["ids"] = "uuid[]", ["ordinals"] = "integer[]", ["states"] = "smallint[]",
        ["replies"] = "text[]", ["ats"] = "timestamptz[]", ["places"] = "integer[]", ["retry_counts"] = "integer[]",
        ["statuses"] = "smallint[]",
        ["sent_ats"] = "timestamptz[]", ["settled_ats"] = "timestamptz[]", ["batches"] = "uuid[]", ["days"] = "integer[]",
        ["targets"] = "smallint[]", ["continuations"] = "smallint[]", ["errors"] = "text[]", ["recipient_writes"] = "integer[]",
        ["recipient_tenants"] = "uuid[]", ["recipient_messages"] = "uuid[]", ["recipient_ats"] = "timestamptz[]",
        ["event_writes"] = "integer[]",
        ["event_tenants"] = "uuid[]", ["event_messages"] = "uuid[]", ["event_ids"] = "uuid[]", ["event_types"] = "smallint[]",
        ["event_recipients"] = "integer[]", ["event_ats"] = "timestamptz[]", ["event_data"] = "text[]",
    };

    [Theory]
    [InlineData("ClaimWriter.ClaimSql", "queue_due")]
    [InlineData("ClaimWriter.NextDueSql", "queue_due")]
    [InlineData("Backlogs.ReadSql", "queue_due")]
    [InlineData("Retention.LiveSql", "queue_pkey")]
    [InlineData("Recount.CountDaySql", "queue_pkey")]
    [InlineData("Recount.CountBatchSql", "_batch_id_id_idx")]
    [InlineData("MessageReads.FindSql", "_pkey")]
    [InlineData("ContentRows.ChunkSql", "content_")]
    [InlineData("MessageLists.SummariesSql", "_pkey")]
    public async Task A_hot_statement_seeks_in_its_index(string name, string index)
    {
        await FillAsync();

        var plan = await PlanAsync(StatementNamed(name), writer: !name.StartsWith("Message", StringComparison.Ordinal));

        Assert.Contains(index, plan, StringComparison.Ordinal);
        AssertSeeks(name, plan);
    }

    /// <summary>As in the first minute of an installation, and of each month: before the server has looked at what the tables hold.</summary>
    [Fact]
    public async Task A_page_is_looked_up_message_by_message_whatever_is_known_of_the_tables()
    {
        await FillAsync(analyze: false);

        var plan = await PlanAsync(StatementNamed("MessageLists.SummariesSql"), writer: false);

        Assert.Contains("(id = p.id)", plan, StringComparison.Ordinal);
        Assert.Contains("(message_id = p.id)", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Join Filter", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Hash", plan, StringComparison.Ordinal);
    }

    /// <summary>Those of the writers, which run for every message: whatever they read of a table that grows, they seek.</summary>
    [Fact]
    public async Task A_step_and_a_settlement_read_no_table_from_end_to_end()
    {
        await FillAsync();
        var planned = 0;
        foreach (var (name, sql) in PostgresStatementTests.Statements().Select(row => row.Data).Where(row => IsOfTheHotPath(row.Item1)))
        {
            AssertSeeks(name, await PlanAsync(sql, writer: true));
            planned++;
        }

        Assert.InRange(planned, 2, 20);
    }

    /// <summary>
    /// A vacuum of the empty queue has left its pages, and as they fill again it is taken for a row: then whole lanes are read for each row
    /// of a group, and those of the hot path shall be of what is leased, bounded by what nodes hold.
    /// </summary>
    [Fact]
    public async Task A_queue_taken_for_empty_is_not_read_lane_by_lane_for_a_step_or_a_settlement()
    {
        await Store.Cluster.QueryAsync(Store.Database, "alter table queue set (autovacuum_enabled = off)");
        await FillAsync();
        await Store.Cluster.QueryAsync(Store.Database, "delete from queue");
        await Store.Cluster.QueryAsync(Store.Database, "vacuum (truncate off) queue");
        foreach (var name in (string[])["StepWriter.StepSql", "SettleWriter.SettleSql"])
        {
            var plan = await PlanAsync(StatementNamed(name), writer: true);
            Assert.Contains("queue_leased on queue", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("queue_pkey on queue", plan, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_message_is_looked_for_in_the_partition_of_its_month_alone()
    {
        await FillAsync();
        var id = Store.Ids.Next();

        var plan = await Store.Cluster.QueryAsync(
            Store.Database,
            $"explain (costs off) select 1 from message where lane = 3 and tenant_id = '{Sample.Tenant.Value}' and id = '{id}'");

        Assert.Contains("message_2026_03_pkey", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("message_2026_04", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_is_led_by_the_index_of_its_filter()
    {
        await FillAsync();
        foreach (var (filter, index) in ((MessageFilter, string)[])
        [
            (new() { RecipientKey = "a" }, "_address_key_message_id_idx"), (new() { FromKey = "a" }, "_from_key_id_idx"),
            (new() { TemplateId = "a" }, "_template_id_id_idx"), (new() { Batch = new BatchId(Store.Ids.Next()) }, "_batch_id_id_idx"),
            (new() { Category = "a" }, "message_category_2026_03_pkey"), (new() { Statuses = [MessageStatus.Delivered] }, "_status_id_idx"),
            (new() { Statuses = [MessageStatus.Sending] }, "queue_leased"), (new() { Statuses = [MessageStatus.Sent] }, "queue_partly"),
            (new(), "message_2026_03_pkey"),
        ])
        {
            var plan = await PlanOfListAsync(filter);
            Assert.Contains(index, plan, StringComparison.Ordinal);
            AssertSeeks(index, plan);
        }
    }

    /// <summary>As those of a new month are. A join would compare each row with each there.</summary>
    [Fact]
    public async Task What_a_list_shows_is_looked_up_row_by_row_on_tables_never_analyzed_too()
    {
        await FillAsync(analyze: false);
        var batch = new BatchId(Store.Ids.Next());
        foreach (var filter in (MessageFilter[])
        [
            new() { Statuses = [MessageStatus.Queued] }, new() { RecipientKey = "a" }, new() { Category = "a" },
            new() { Batch = batch, Statuses = [MessageStatus.Queued] }, new() { Batch = batch, Statuses = [MessageStatus.Sending] },
            new() { FromKey = "a", Statuses = [MessageStatus.Sent] }, new() { TemplateId = "a", Statuses = [MessageStatus.Queued] },
            new() { Subject = "words", Statuses = [MessageStatus.Queued, MessageStatus.Delivered] },
            new() { Category = "a", RecipientKey = "a", Subject = "words", Statuses = [MessageStatus.Queued] },
        ])
        {
            var plan = await PlanOfListAsync(filter);

            Assert.Contains("SubPlan", plan, StringComparison.Ordinal);
            Assert.DoesNotMatch("Nested Loop|Join", plan);
        }
    }

    /// <summary>With its values, as readers let PostgreSQL choose.</summary>
    async Task<string> PlanOfListAsync(MessageFilter filter)
    {
        var query = new ListQuery(filter);
        await using var connection = await Store.Postgres.Database.OpenReaderAsync(CancellationToken.None);
        await using var batch = new NpgsqlBatch(connection);
        var command = batch.Add("explain (costs off) " + query.PageSql(afterKey: false));
        query.Bind(command, Sample.Tenant);
        command.With("limit", 26).With("skip", 0).With("window", NpgsqlDbType.Bigint, 26L);
        return string.Join('\n', await batch.ReadAllAsync(row => row.GetString(0)));
    }

    static bool IsOfTheHotPath(string name) =>
        name.StartsWith("StepWriter.", StringComparison.Ordinal) || name.StartsWith("SettleWriter.", StringComparison.Ordinal);

    static string StatementNamed(string name) =>
        PostgresStatementTests.Statements().Select(row => row.Data).Single(statement => statement.Item1 == name).Item2;

    async Task FillAsync(bool analyze = true)
    {
        foreach (var chunk in Enumerable.Range(0, Messages).Chunk(500))
            await Task.WhenAll(chunk.Select(_ => Sample.AcceptAsync(message => message with { Categories = ["news"] })));
        if (analyze)
            await Store.Cluster.QueryAsync(Store.Database, "analyze");
    }

    static void AssertSeeks(string name, string plan) => Assert.False(Walk().IsMatch(plan), $"{name}:\n{plan}");

    /// <summary>Partitions of months to come are empty: to look whether they still are is as cheap as an index.</summary>
    [GeneratedRegex(@"Seq Scan on (queue|batch|counter|idempotency|\w+_2026_03)\b")]
    private static partial Regex Walk();

    /// <summary>As a node has it: one plan for all values, with the settings of its connections.</summary>
    async Task<string> PlanAsync(string sql, bool writer)
    {
        var names = Parameter().Matches(sql).Select(match => match.Groups[1].Value).Distinct().ToList();
        var numbered = Parameter().Replace(sql, match => $"${names.IndexOf(match.Groups[1].Value) + 1}");
        var types = string.Join(", ", names.Select(name => Types.GetValueOrDefault(name, "unknown")));
        await using var connection = writer
            ? await Store.Postgres.Database.OpenWriterAsync(CancellationToken.None)
            : await Store.Postgres.Database.OpenReaderAsync(CancellationToken.None);
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The store's own statements.
        command.CommandText = $"""
            set plan_cache_mode = force_generic_plan;
            prepare hot{(names.Count > 0 ? $"({types})" : "")} as {numbered};
            explain (costs off) execute hot{(names.Count > 0 ? $"({string.Join(", ", names.Select(_ => "null"))})" : "")};
            deallocate hot;
            """;
#pragma warning restore CA2100
        await using var rows = await command.ExecuteReaderAsync(CancellationToken.None);
        var lines = new List<string>();
        while (await rows.ReadAsync(CancellationToken.None))
            lines.Add(rows.GetString(0));
        return string.Join('\n', lines);
    }

    [GeneratedRegex("@([a-z_0-9]+)")]
    private static partial Regex Parameter();
}
