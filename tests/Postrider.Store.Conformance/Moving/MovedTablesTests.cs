using Postrider.Engine.Moving;
using Postrider.Store.Conformance.Postgres;
using Postrider.Store.Conformance.Sqlite;

namespace Postrider.Store.Conformance.Moving;

/// <summary>
/// No table and no column of a schema is forgotten by a copy: each is in <see cref="MovedTables"/>, or here with the reason why it stays.
/// </summary>
public sealed class MovedTablesTests
{
    static readonly Dictionary<string, string> StaysInSqlite = new()
    {
        ["schema_migration"] = "the store's own schema",
        ["readiness"] = "what /ready writes to",
        ["installation"] = "taken over at the end of a copy",
        ["store_copy"] = "the copy's own mark",
        ["copy_progress"] = "the copy's own position",
        ["destination_report"] = "what servers that run say",
        ["subject_row"] = "the subject index, made anew from the messages",
        ["subject_indexed"] = "the subject index",
        ["content.no"] = "where the row is in the file",
        ["content.tag"] = "the hash's first octets",
        ["queue.lease_owner"] = "leases are given back first",
        ["queue.lease_until"] = "leases are given back first",
        ["batch_order.owner"] = "taken anew by a server",
        ["batch_order.lease_until"] = "taken anew by a server",
    };

    static readonly Dictionary<string, string> StaysInPostgres = new()
    {
        ["schema_migration"] = "the store's own schema",
        ["readiness"] = "what /ready writes to",
        ["installation"] = "taken over at the end of a copy",
        ["store_copy"] = "the copy's own mark",
        ["copy_progress"] = "the copy's own position",
        ["destination_report"] = "what servers that run say",
        ["node"] = "servers that run, none during a copy",
        ["list_walk"] = "forgotten after minutes",
        ["queue.day"] = "of the message's id",
        ["queue.claim_id"] = "leases are given back first",
        ["queue.lease_owner"] = "leases are given back first",
        ["queue.lease_until"] = "leases are given back first",
        ["batch_order.owner"] = "taken anew by a server",
        ["batch_order.lease_until"] = "taken anew by a server",
    };

    [Fact]
    public async Task Every_column_of_sqlite_moves_or_is_said_to_stay()
    {
        await using var sqlite = new SqliteFixture();
        await sqlite.OpenAsync();
        var columns = await sqlite.Sqlite.Readers.ReadAsync(
            db =>
            {
                using var read = db.PrepareOnce("""
                    select t.name || '.' || c.name from sqlite_master t, pragma_table_info(t.name) c
                    where t.type = 'table' and t.name not like 'sqlite_%' and t.name not like 'subject_gram%'
                    """);
                var found = new List<string>();
                while (read.Step())
                    found.Add(read.Text(0));
                return found;
            },
            CancellationToken.None);

        // Contents are not kept by month there.
        AssertComplete([.. columns, "content.month"], StaysInSqlite);
    }

    [Fact]
    public async Task Every_column_of_postgres_moves_or_is_said_to_stay()
    {
        await using var postgres = new PostgresFixture();
        await postgres.OpenAsync();
        var columns = await postgres.Cluster.QueryAsync(postgres.Database, """
            select c.relname || '.' || a.attname from pg_attribute a
            join pg_class c on c.oid = a.attrelid
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
                and a.attnum > 0 and not a.attisdropped
            """);

        AssertComplete(
            columns.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(column => !column.EndsWith(".lane", StringComparison.Ordinal)),
            StaysInPostgres);
    }

    static void AssertComplete(IEnumerable<string> columns, Dictionary<string, string> stay)
    {
        var moved = MovedTables.All.SelectMany(table => table.Columns.Select(column => $"{table.Name}.{column.Name}"));
        var there = columns.Where(column => !stay.ContainsKey(column) && !stay.ContainsKey(column.Split('.')[0]));
        Assert.Equal(moved.Order(StringComparer.Ordinal), there.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_key_of_a_tenants_table_begins_with_the_tenant() =>
        Assert.All(MovedTables.All.Where(table => table.IsTenants), table => Assert.Equal(new("tenant_id", ColumnKind.Id), table.Key[0]));
}
