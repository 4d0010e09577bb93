using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Postgres;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Moving;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>The SQL, read as text: no statement on a table that grows with mail does without its lane.</summary>
public sealed partial class PostgresStatementTests
{
    static readonly string[] BeforeTables = ["from", "join", "update", "into", "using", "copy", "only"];
    static readonly string[] AfterTables =
        ["set", "where", "on", "using", "order", "limit", "for", "select", "values", "cross", "left", "join", "default", "returning"];

    /// <summary>Those whose first column is the lane.</summary>
    static readonly string[] LanedTables = ReadLanedTables();

    public static TheoryData<string, string> Statements()
    {
        var statements = new TheoryData<string, string>();
        foreach (var field in typeof(PostgresStore).Assembly.GetTypes()
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
            .Where(field => field.IsLiteral && field.Name.EndsWith("Sql", StringComparison.Ordinal)))
            statements.Add($"{field.DeclaringType!.Name}.{field.Name}", (string)field.GetRawConstantValue()!);
        var some = new BatchId(Guid.Parse("018f0000-0000-7000-8000-000000000001"));
        foreach (var filter in (MessageFilter[])
        [
            new(), new() { RecipientKey = "a" }, new() { FromKey = "a" }, new() { Batch = some }, new() { TemplateId = "a" },
            new() { Category = "a" },
            new() { Statuses = [.. Enum.GetValues<MessageStatus>()] },
            new()
            {
                RecipientKey = "a", Category = "a", Subject = "a", Statuses = [.. Enum.GetValues<MessageStatus>()],
                CreatedFrom = DateTimeOffset.UnixEpoch,
            },
            new() { Category = "a", Subject = "a" },
        ])
        {
            var query = new ListQuery(filter);
            statements.Add($"page of {filter}", query.PageSql(afterKey: true));
            statements.Add($"first page of {filter}", query.PageSql(afterKey: false));
            statements.Add($"total of {filter}", query.TotalSql());
        }
        foreach (var table in MovedTables.All)
        {
            var moving = TableSql.Of(table);
            foreach (var sql in (string[])[moving.AnySql, moving.FirstSql, moving.NextSql, moving.CopySql])
                statements.Add($"moving {table}: {sql.Split(' ')[0]}", sql);
        }
        return statements;
    }

    [Theory]
    [MemberData(nameof(Statements))]
    public void A_statement_names_the_lane_of_every_laned_table(string name, string sql)
    {
        foreach (var uses in TablesOf(sql).GroupBy(use => use.Alias))
        {
            var lane = uses.Key.Length == 0 ? " lane = @lane" : $" {uses.Key}.lane = @lane";
            Assert.True(
                CountOf(Normal(sql), lane) >= uses.Count(), $"{name}: {string.Join(", ", uses.Select(use => use.Table))} without{lane}");
        }
        foreach (var insert in InsertOrCopy().Split(Normal(sql)).Skip(1))
        {
            if (!LanedTables.Contains(insert.Split(' ')[0]))
                continue;
            var columns = insert[insert.IndexOf('(', StringComparison.Ordinal)..].Replace("( ", "(", StringComparison.Ordinal);
            Assert.StartsWith("(lane,", columns, StringComparison.Ordinal);
        }
    }

    /// <summary>No statement is hidden from the test above: in a constant of another name, or in the middle of a method.</summary>
    [Fact]
    public void Every_text_in_the_assembly_that_names_a_laned_table_is_a_statement_above_or_a_part_of_one()
    {
        var statements = Statements().Select(row => Normal(row.Data.Item2)).ToArray();
        var texts = TextsOf(typeof(PostgresStore).Assembly).Where(text => TablesOf(text).Count > 0).Select(Normal).ToList();

        var hidden = texts.Where(text => !Array.Exists(statements, statement => statement.Contains(text.Trim(), StringComparison.Ordinal)));

        Assert.InRange(texts.Count, 20, 500);
        Assert.Empty(hidden);
    }

    [Fact]
    public void The_reading_finds_the_tables_and_sees_what_is_missing()
    {
        Assert.Superset(
            new HashSet<string>(
            [
                "batch", "batch_order", "content", "counter", "event", "idempotency", "message", "message_category", "queue", "recipient",
                "copy_progress",
            ]),
            LanedTables.ToHashSet());
        Assert.InRange(Statements().Count, 40, 300);
        Assert.Equal([("queue", "q"), ("message", "")], TablesOf("select 1 from queue q\njoin message on true where q.lane = @lane"));
        Assert.Throws<Xunit.Sdk.TrueException>(
            () => A_statement_names_the_lane_of_every_laned_table(
                "bad", "select 1 from queue q join queue p on p.lane = @lane where q.tenant_id = @t"));
        Assert.Throws<Xunit.Sdk.StartsWithException>(
            () => A_statement_names_the_lane_of_every_laned_table("bad", "copy queue (tenant_id, message_id) from stdin"));
    }

    static string[] ReadLanedTables()
    {
        var assembly = typeof(PostgresStore).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).SelectMany(name =>
        {
            using var migration = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return LanedTable().Matches(migration.ReadToEnd()).Select(match => match.Groups[1].Value);
        })];
    }

    [GeneratedRegex(@"create (?:unlogged )?table (\w+) \(\s*lane ")]
    private static partial Regex LanedTable();

    [GeneratedRegex("(?:insert into|copy) ")]
    private static partial Regex InsertOrCopy();

    /// <summary>The texts that its code loads: a constant is one where it is used.</summary>
    static List<string> TextsOf(Assembly assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var metadata = file.GetMetadataReader();
        var texts = new List<string>();
        var first = metadata.GetNextHandle(MetadataTokens.UserStringHandle(0));
        for (var handle = first; !handle.IsNil; handle = metadata.GetNextHandle(handle))
            texts.Add(metadata.GetUserString(handle));
        return texts;
    }

    /// <summary>Every place that reads or changes a laned table, inserts apart.</summary>
    static List<(string Table, string Alias)> TablesOf(string sql)
    {
        var words = Normal(sql).Replace("(", " ( ", StringComparison.Ordinal).Replace(")", " ) ", StringComparison.Ordinal)
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var tables = new List<(string, string)>();
        for (var i = 1; i < words.Length; i++)
        {
            if (!BeforeTables.Contains(words[i - 1]) || !LanedTables.Contains(words[i]) || words[i - 1] is "into" or "copy")
                continue;
            var next = i + 1 < words.Length ? words[i + 1] : "";
            tables.Add((words[i], next.All(char.IsAsciiLetter) && !AfterTables.Contains(next) ? next : ""));
        }
        return tables;
    }

    static string Normal(string sql) => " " + string.Join(' ', sql.Split('\n')
        .Select(line => line.TrimStart().StartsWith("--", StringComparison.Ordinal) ? "" : line)
        .SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        .Replace("(select ", "( select ", StringComparison.Ordinal);

    static int CountOf(string text, string part) => text.Split(part).Length - 1;
}
