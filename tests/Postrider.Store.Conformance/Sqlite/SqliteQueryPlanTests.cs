using System.Reflection;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite;
using Postrider.Store.Sqlite.Messages;

namespace Postrider.Store.Conformance.Sqlite;

/// <summary>No statement of the store walks through a table that grows with the number of messages.</summary>
public sealed class SqliteQueryPlanTests : StoreConformance<SqliteFixture>
{
    /// <summary>
    /// Walks that are meant: over an index that holds only what is leased, live or pending, or that is left after one row.
    /// </summary>
    static readonly string[] Allowed =
    [
        "USING INDEX queue_leased", "USING INDEX counter_live", "USING INDEX queue_due", "USING INDEX batch_order_pending",
        "USING INDEX batch_unswept",
    ];

    static readonly string[] Small = ["tenant", "t", "readiness", "schema_migration", "destination_report", "SUBQUERY", "tried"];

    public static TheoryData<string, string> Statements()
    {
        var statements = new TheoryData<string, string>();
        // A copy to another store reads everything, once, with no server beside it.
        foreach (var field in typeof(SqliteStore).Assembly.GetTypes()
            .Where(type => type.Namespace != "Postrider.Store.Sqlite.Moving")
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
            .Where(field => field.IsLiteral && field.Name.EndsWith("Sql", StringComparison.Ordinal)
                && field.DeclaringType!.Name != "Migrator"))
            statements.Add($"{field.DeclaringType!.Name}.{field.Name}", (string)field.GetRawConstantValue()!);
        return statements;
    }

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task A_statement_seeks(string name, string sql) => AssertSeeks(name, await PlanAsync(sql));

    [Fact]
    public async Task Each_statement_uses_the_index_its_comment_names()
    {
        var named = 0;
        foreach (var (name, sql) in Statements().Select(row => row.Data))
        {
            var begin = sql.IndexOf("Index ", StringComparison.Ordinal);
            if (begin < 0)
                continue;
            var index = new string([.. sql[(begin + 6)..].TakeWhile(c => char.IsAsciiLetter(c) || c == '_')]);
            var plan = await PlanAsync(sql);
            Assert.True(
                plan.Exists(step => step.Contains($"INDEX {index}", StringComparison.Ordinal)), $"{name}: {string.Join("; ", plan)}");
            named++;
        }
        Assert.InRange(named, 8, 100);
    }

    [Theory]
    [InlineData("Claims.DueSql", "queue_due (tenant_id=? AND domain=? AND due_at<?)")]
    [InlineData("Claims.ExpiredSql", "PRIMARY KEY (tenant_id=? AND message_id<?)")]
    [InlineData("Backlogs.NextDomainSql", "queue_due (tenant_id=? AND domain>?)")]
    [InlineData("Backlogs.NextTenantSql", "queue_due (tenant_id>?)")]
    [InlineData("Leases.HeldSql", "PRIMARY KEY (tenant_id=? AND message_id=?)")]
    [InlineData("SuppressionTable.BlockingSql", "PRIMARY KEY (tenant_id=? AND address_key=?)")]
    [InlineData(
        "SuppressionLists.PageOfListSql", "suppression_time (tenant_id=? AND list=? AND group_id=? AND created_at>? AND created_at<?)")]
    [InlineData("SuppressionLists.PageOfAllGroupsSql", "suppression_time (tenant_id=? AND list=?)")]
    [InlineData("Settlements.FinishSql", "PRIMARY KEY (tenant_id=? AND id=?)")]
    [InlineData("ContentRows.ReadSql", "content_tag (tag=? AND chunk=?)")]
    [InlineData("IntakeWrites.FindClaimSql", "PRIMARY KEY (tenant_id=? AND key=?)")]
    public async Task A_hot_statement_seeks_by_all_of_its_key_and_sorts_nothing(string name, string seek)
    {
        var sql = Statements().Select(row => row.Data).Single(statement => statement.Item1 == name).Item2;

        var step = Assert.Single(await PlanAsync(sql));

        Assert.Contains(seek, step, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_filter_of_a_list_is_led_by_its_index_and_needs_no_sorting_of_what_it_finds()
    {
        var some = new BatchId(Store.Ids.Next());
        (MessageFilter Filter, string Index)[] filters =
        [
            (new MessageFilter { RecipientKey = "a" }, "recipient_address"),
            (new MessageFilter { FromKey = "a" }, "message_from"),
            (new MessageFilter { Batch = some }, "message_batch"),
            (new MessageFilter { TemplateId = "a" }, "message_template"),
            (new MessageFilter { Category = "a" }, "c USING PRIMARY KEY"),
            (new MessageFilter { Statuses = [MessageStatus.Delivered] }, "message_status"),
            (new MessageFilter { Statuses = [MessageStatus.Queued] }, "q USING PRIMARY KEY"),
            (new MessageFilter { Statuses = [MessageStatus.Sending] }, "queue_leased"),
            (new MessageFilter { Statuses = [MessageStatus.Sent] }, "queue_partly"),
            (new MessageFilter(), "m USING PRIMARY KEY"),
        ];
        foreach (var (filter, index) in filters)
        {
            var query = new ListQuery(filter with { CreatedFrom = Store.Now });
            var page = await PlanAsync(query.PageSql(afterKey: true));
            AssertSeeks(index, page);
            AssertSeeks(index, await PlanAsync(query.TotalSql()));
            Assert.True(
                page.Exists(step => step.StartsWith("SEARCH", StringComparison.Ordinal) && step.Contains(index, StringComparison.Ordinal)),
                string.Join("; ", page));
            // The union of the parts is sorted: a page's worth each. The parts themselves are not.
            Assert.InRange(page.Count(step => step.Contains("TEMP B-TREE", StringComparison.Ordinal)), 0, 1);
        }
    }

    static void AssertSeeks(string name, List<string> plan)
    {
        var walks = plan.Where(step => step.StartsWith("SCAN ", StringComparison.Ordinal)
            && !step.StartsWith("SCAN (", StringComparison.Ordinal)
            && !Small.Contains(step.Split(' ')[1])
            && !Array.Exists(Allowed, index => step.Contains(index, StringComparison.Ordinal)));
        Assert.False(walks.Any(), $"{name}: {string.Join("; ", plan)}");
    }

    Task<List<string>> PlanAsync(string sql) => Store.PlanAsync(sql);
}
