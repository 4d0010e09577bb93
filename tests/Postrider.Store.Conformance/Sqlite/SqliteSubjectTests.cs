using System.Text;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Search;

namespace Postrider.Store.Conformance.Sqlite;

/// <summary>The search by subject, run on SQLite, and what only this store has: an index that follows in the background.</summary>
public sealed class SqliteSubjectTests : SubjectConformance<SqliteFixture>
{
    static readonly MessageFilter Notices = new() { Subject = "notice" };

    [Fact]
    public void What_is_equal_to_the_comparison_has_the_same_words()
    {
        var tenant = new TenantId(Store.Ids.Next());
        var classes = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var joined = 0;
        for (var code = 0; code <= 0x10FFFF; code++)
        {
            if (!Rune.IsValid(code))
                continue;
            var character = new Rune(code).ToString();
            if (classes.TryAdd(character, character))
                continue;
            joined++;
            var words = SubjectGrams.Query(tenant, $"a{character}b");
            Assert.True(words == SubjectGrams.Query(tenant, $"A{classes[character]}B"), $"U+{code:X4}");
            Assert.Contains(
                words.Trim(), Encoding.ASCII.GetString(SubjectGrams.Of(tenant, $"xA{classes[character]}By")), StringComparison.Ordinal);
        }
        Assert.InRange(joined, 1000, 2000);
    }

    [Fact]
    public void A_query_asks_for_a_bounded_number_of_words_all_of_which_the_subject_has()
    {
        var tenant = new TenantId(Store.Ids.Next());
        var subject = string.Concat(Enumerable.Range(0, 200).Select(i => $"{i} "));
        var all = Split(Encoding.ASCII.GetString(SubjectGrams.Of(tenant, subject)));
        Assert.Equal(subject.Length - 2, all.Length);

        for (var length = 3; length <= subject.Length; length++)
        {
            var sought = Split(SubjectGrams.Query(tenant, subject[..length]));
            Assert.InRange(sought.Length, 1, 16);
            Assert.Subset(all.ToHashSet(), sought.ToHashSet());
            Assert.All(sought, word => Assert.Equal(14, word.Length));
            Assert.Equal(sought[^1], all[length - 3]);
        }
        Assert.Empty(SubjectGrams.Of(tenant, "ab"));
        Assert.Empty(all.Intersect(Split(Encoding.ASCII.GetString(SubjectGrams.Of(new TenantId(Store.Ids.Next()), subject)))));

        static string[] Split(string words) => words.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public async Task A_search_is_led_by_the_index_and_walks_through_no_table()
    {
        foreach (var filter in (MessageFilter[])
        [
            Notices, Notices with { Category = "c", FromKey = "f", TemplateId = "t", CreatedFrom = Store.Now, CreatedBefore = Store.Now },
            Notices with { Statuses = [MessageStatus.Delivered, MessageStatus.Queued] },
        ])
        {
            var plan = await Store.PlanAsync(new ListQuery(filter).AllSql());

            var steps = plan.FindAll(
                step => step.StartsWith("SCAN ", StringComparison.Ordinal) || step.StartsWith("SEARCH ", StringComparison.Ordinal));
            var index = steps.FindIndex(step => step.StartsWith("SCAN g VIRTUAL INDEX ", StringComparison.Ordinal));
            Assert.True(index >= 0 && !steps[index].EndsWith(" 0:", StringComparison.Ordinal), string.Join("; ", plan));
            // Its own order, whatever the planner thinks: the index, then the number's row, then the message.
            Assert.StartsWith("SEARCH s USING INTEGER PRIMARY KEY (rowid=?)", steps[index + 1], StringComparison.Ordinal);
            Assert.StartsWith("SEARCH m USING PRIMARY KEY (tenant_id=? AND id=?", steps[index + 2], StringComparison.Ordinal);
            Assert.Contains("SEARCH s USING INTEGER PRIMARY KEY (rowid>?)", steps);
            Assert.DoesNotContain(steps, step => step.StartsWith("SCAN", StringComparison.Ordinal)
                && step != steps[index] && !step.StartsWith("SCAN (", StringComparison.Ordinal)
                && !step.StartsWith("SCAN SUBQUERY", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_step_takes_a_bounded_number_and_leaves_less_than_one_for_the_next_occasion()
    {
        await AcceptNoticesAsync(700);

        Assert.True(await StepAsync(SubjectIndexer.StepMessages));
        Assert.Equal((256, 256, 700), await ProgressAsync());
        Assert.True(await StepAsync(SubjectIndexer.StepMessages));
        Assert.False(await StepAsync(SubjectIndexer.StepMessages));

        Assert.Equal((512, 512, 700), await ProgressAsync());
        Assert.Equal(700, (await Sample.ListAsync(Notices)).Total);
    }

    [Fact]
    public async Task The_index_catches_up_by_itself_also_with_messages_of_before_it_was_there()
    {
        await AcceptNoticesAsync(600);
        await Store.Sqlite.Writer.RunAsync(
            session =>
            {
                foreach (var table in (string[])["subject_gram", "subject_row", "subject_indexed"])
                    session.Connection.Execute($"drop table {table}");
                session.Connection.Execute("delete from schema_migration where version = 2");
                return true;
            },
            CancellationToken.None);
        await Store.Sqlite.DisposeAsync();

        await Store.OpenAsync();

        // Nothing but the store's own loop; each search in between is complete.
        while ((await ProgressAsync()).Indexed < 512)
        {
            Assert.Equal(600, (await Sample.ListAsync(Notices)).Total);
            await Task.Yield();
        }
        Assert.Equal((512, 512, 600), await ProgressAsync());
        await AcceptNoticesAsync(168);
        Store.Time.Advance(TimeSpan.FromSeconds(1));
        while ((await ProgressAsync()).Indexed < 768)
            await Task.Yield();
        Assert.Equal(768, (await Sample.ListAsync(Notices)).Total);
    }

    [Fact]
    public async Task A_crash_at_any_moment_loses_nothing_and_repeats_nothing()
    {
        var crashes = new List<string>();
        var accepted = 0;
        for (var i = 0; i < 4; i++)
        {
            await AcceptNoticesAsync(200);
            accepted += 200;
            crashes.Add(Crash(i * 2));
            Assert.True(await StepAsync(1));
            crashes.Add(Crash((i * 2) + 1));
        }

        for (var i = 0; i < crashes.Count; i++)
        {
            var expected = ((i / 2) + 1) * 200;
            await using var reopened = await Store.OpenAsync(crashes[i]);
            Assert.Equal(expected, (await ListAsync(reopened)).Total);
            while (await reopened.Subjects!.StepAsync(1, CancellationToken.None))
                Assert.Equal(expected, (await ListAsync(reopened)).Total);
            Assert.Equal((expected, expected, expected), await ProgressAsync(reopened));
            var page = await ListAsync(reopened);
            Assert.Equal((expected, expected), (page.Total, page.Items.Select(item => item.Id).Distinct().Count()));
        }
        Assert.Equal(800, accepted);
    }

    [Fact]
    public async Task A_step_that_comes_twice_changes_nothing_and_one_that_fails_leaves_nothing()
    {
        await AcceptNoticesAsync(20);
        var step = await Store.Sqlite.Readers.ReadAsync(db => SubjectIndex.Next(db, 1, 10), CancellationToken.None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.Sqlite.Writer.RunAsync<bool>(
            session =>
            {
                SubjectIndex.Write(session, step!);
                throw new InvalidOperationException("in the middle");
            },
            CancellationToken.None));
        Assert.Equal((0, 0, 20), await ProgressAsync());

        Assert.True(await Store.Sqlite.Writer.RunAsync(session => SubjectIndex.Write(session, step!), CancellationToken.None));
        Assert.False(await Store.Sqlite.Writer.RunAsync(session => SubjectIndex.Write(session, step!), CancellationToken.None));

        Assert.Equal((10, 10, 20), await ProgressAsync());
        Assert.Equal(20, (await Sample.ListAsync(Notices)).Total);
    }

    [Fact]
    public async Task A_message_that_is_gone_is_passed_over_and_its_number_is_not_used_again()
    {
        await AcceptNoticesAsync(10);
        await Store.Sqlite.Writer.RunAsync(
            session =>
            {
                session.Connection.Execute("delete from message where id = (select max(message_id) from subject_row)");
                return true;
            },
            CancellationToken.None);
        await Store.CatchUpAsync();
        await Store.Sqlite.Writer.RunAsync(
            session =>
            {
                session.Connection.Execute(
                    "delete from subject_row where no >= 5; delete from message where id not in (select message_id from subject_row)");
                return true;
            },
            CancellationToken.None);

        await AcceptNoticesAsync(3);

        Assert.Equal(7, (await Sample.ListAsync(Notices)).Total);
        await Store.CatchUpAsync();
        Assert.Equal(7, (await Sample.ListAsync(Notices)).Total);
    }

    [Fact]
    public async Task The_operators_commands_index_nothing_and_the_server_indexes_what_they_wrote()
    {
        await using var command = await SqliteStore.OpenAsync(
            new SqliteStoreOptions(Store.Path), Store.Time, Store.Ids, null, CancellationToken.None);
        var message = Sample.Message(message => message with { Subject = "Notice of a command" });
        Assert.IsType<AcceptOutcome.Stored>(await command.AcceptAsync(Sample.Acceptance(message), CancellationToken.None));

        Assert.Null(command.Subjects);
        Assert.Equal(1, (await ListAsync(command)).Total);
        await Store.CatchUpAsync();
        Assert.Equal((1, 1, 1), await ProgressAsync());
        Assert.Equal(1, (await ListAsync(command)).Total);
    }

    Task<bool> StepAsync(int atLeast) => Store.Sqlite.Subjects!.StepAsync(atLeast, CancellationToken.None);

    Task<MessagePage> ListAsync(SqliteStore store) =>
        store.ListAsync(Sample.Tenant, Notices, new PageRequest(null, 0, 1000), CancellationToken.None);

    async Task AcceptNoticesAsync(int count) => Assert.IsType<AcceptOutcome.Stored>(await Sample.AcceptAsync(Sample.Acceptance(
        [.. Enumerable.Range(0, count).Select(i => Sample.Message(message => message with { Subject = $"A notice, {i}" }))])));

    /// <summary>The files as a kill leaves them.</summary>
    string Crash(int number)
    {
        var path = Path.Combine(Store.Folder, $"crash{number}", "postrider.db");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(Store.Path, path);
        File.Copy(Store.Path + "-wal", path + "-wal");
        return path;
    }

    Task<(long Indexed, long InIndex, long All)> ProgressAsync() => ProgressAsync(Store.Sqlite);

    Task<(long Indexed, long InIndex, long All)> ProgressAsync(SqliteStore store) => store.Readers.ReadAsync(
        db =>
        {
            using var row = db.PrepareOnce("""
                select (select no from subject_indexed), (select count(*) from subject_gram where subject_gram match @words),
                    (select count(*) from subject_row)
                """);
            row.Bind(SubjectGrams.Query(Sample.Tenant, Notices.Subject!));
            row.Step();
            return (row.Int64(0), row.Int64(1), row.Int64(2));
        },
        CancellationToken.None);
}
