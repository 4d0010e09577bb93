using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Search;

/// <summary>
/// The tables of the search by subject. A message gets its number in the transaction that accepts it; numbers are indexed in order, and how
/// far that has come is written with what was indexed. So after a crash nothing is missing and nothing is there twice.
/// </summary>
static class SubjectIndex
{
    const string NumberSql = """
        insert into subject_row (tenant_id, message_id)
        values (@tenant, @message)
        """;

    public static void Number(Connection db, TenantId tenant, MessageId message) =>
        db.Prepare(NumberSql).Bind(tenant.Value).Bind(message.Value).Run();

    const string IndexedSql = """
        select no, (select coalesce(max(no), 0) from subject_row) from subject_indexed
        where id = 1
        """;

    const string NextSql = """
        -- A message that is gone is passed over.
        select s.no, s.tenant_id, m.subject
        from subject_row s
        cross join message m on m.tenant_id = s.tenant_id and m.id = s.message_id
        where s.no > @indexed and s.no <= @to
        order by s.no
        """;

    /// <summary>
    /// The next messages to index, with their words: a subject never changes, so this need not wait for the writer's turn.
    /// </summary>
    /// <returns>Null when fewer than <paramref name="atLeast"/> are left.</returns>
    public static Step? Next(Connection db, int atLeast, int atMost)
    {
        var row = db.Prepare(IndexedSql);
        row.Step();
        var (indexed, newest) = (row.Int64(0), row.Int64(1));
        row.Reset();
        if (newest - indexed < atLeast)
            return null;

        var to = Math.Min(indexed + atMost, newest);
        var subjects = new List<(long No, byte[] Words)>(atMost);
        row = db.Prepare(NextSql).Bind(indexed).Bind(to);
        while (row.Step())
        {
            var words = SubjectGrams.Of(new TenantId(row.Guid(1)), row.Text(2));
            if (words.Length > 0)
                subjects.Add((row.Int64(0), words));
        }
        return new Step(indexed, to, subjects);
    }

    const string AdvanceSql = """
        update subject_indexed set no = @to
        where id = 1 and no = @indexed
        """;

    const string IndexSql = """
        insert into subject_gram (rowid, gram)
        values (@no, @words)
        """;

    /// <returns>False, and nothing is changed, when the step was done before.</returns>
    public static bool Write(WriteSession session, Step step)
    {
        var db = session.Connection;
        db.Prepare(AdvanceSql).Bind(step.To).Bind(step.Indexed).Run();
        if (db.Changes == 0)
            return false;
        foreach (var (no, words) in step.Subjects)
            db.Prepare(IndexSql).Bind(no).BindText(words).Run();
        return true;
    }

    /// <param name="Indexed">All up to this number were indexed when it was read.</param>
    /// <param name="To">The last number of the step.</param>
    public sealed record Step(long Indexed, long To, IReadOnlyList<(long No, byte[] Words)> Subjects);
}
