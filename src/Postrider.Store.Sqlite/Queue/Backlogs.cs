using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>What waits, by backlog. Each backlog costs one seek, however many rows wait in it.</summary>
static class Backlogs
{
    const string FirstSql = """
        -- Index queue_due, whose first row of a backlog is its earliest.
        select tenant_id, domain, due_at from queue indexed by queue_due
        where phase = 0
        order by tenant_id, domain, due_at
        limit 1
        """;

    const string NextDomainSql = """
        -- Index queue_due: a seek past the last backlog of the same tenant. Not (tenant_id, domain) > (@tenant, @domain): SQLite seeks
        -- the first of the two only, and would read all that waits for the tenant.
        select tenant_id, domain, due_at from queue indexed by queue_due
        where phase = 0 and tenant_id = @tenant and domain > @domain
        order by domain, due_at
        limit 1
        """;

    const string NextTenantSql = """
        -- Index queue_due: a seek past the last tenant.
        select tenant_id, domain, due_at from queue indexed by queue_due
        where phase = 0 and tenant_id > @tenant
        order by tenant_id, domain, due_at
        limit 1
        """;

    public static List<Backlog> Read(Connection db, BacklogKey? after, int limit)
    {
        var backlogs = new List<Backlog>();
        while (backlogs.Count < limit && Next(db, after) is { } backlog)
        {
            backlogs.Add(backlog);
            after = backlog.Key;
        }
        return backlogs;
    }

    static Backlog? Next(Connection db, BacklogKey? after) => after is { } key
        ? ReadOne(db.Prepare(NextDomainSql).Bind(key.Tenant.Value).Bind(key.Domain))
            ?? ReadOne(db.Prepare(NextTenantSql).Bind(key.Tenant.Value))
        : ReadOne(db.Prepare(FirstSql));

    static Backlog? ReadOne(Statement read)
    {
        if (!read.Step())
            return null;
        var backlog = new Backlog(new BacklogKey(new TenantId(read.Guid(0)), read.Text(1)), read.Time(2));
        read.Reset();
        return backlog;
    }

    const string WaitingSql = """
        -- Index queue_due: the backlog's entries. Ids sort by the time of acceptance.
        select count(*), min(message_id) from queue indexed by queue_due
        where phase = 0 and tenant_id = @tenant and domain = @domain
        """;

    const string LastReplySql = """
        -- Index queue_due up to the first row that was tried, then the recipients' primary key.
        select r.last_reply
        from (
            select tenant_id, message_id from queue indexed by queue_due
            where phase = 0 and tenant_id = @tenant and domain = @domain and retry_count > 0
            order by due_at
            limit 1) tried
        join recipient r on r.tenant_id = tried.tenant_id and r.message_id = tried.message_id
        where r.last_reply is not null
        limit 1
        """;

    public static List<BacklogView> Describe(Connection db, BacklogKey? after, int limit) =>
        Read(db, after, limit).ConvertAll(backlog =>
        {
            var read = db.Prepare(WaitingSql).Bind(backlog.Key.Tenant.Value).Bind(backlog.Key.Domain);
            read.Step();
            // The backlog may have been emptied since it was read.
            var (waiting, oldest) = read.Int64(0) is > 0 and var count ? (count, new MessageId(read.Guid(1))) : (0, default);
            read.Reset();
            read = db.Prepare(LastReplySql).Bind(backlog.Key.Tenant.Value).Bind(backlog.Key.Domain);
            var reply = read.Step() ? read.Text(0) : null;
            read.Reset();
            return new BacklogView(backlog, waiting, oldest, reply);
        });

    const string LiveSql = """
        -- Index counter_live: the days that have live messages.
        select coalesce(sum(queued + processing + rendered + sending + sent), 0) from counter indexed by counter_live
        where queued + processing + rendered + sending + sent > 0
        """;

    const string LeasedSql = """
        -- Index queue_leased.
        select count(*), count(case when lease_until < @now then 1 end) from queue indexed by queue_leased
        where phase > 0
        """;

    /// <summary>A seek a backlog for the oldest; the rest reads only what is leased.</summary>
    public static QueueSummary Summarize(Connection db, DateTimeOffset now)
    {
        var read = db.Prepare(LiveSql);
        read.Step();
        var live = read.Int64(0);
        read.Reset();
        read = db.Prepare(LeasedSql).Bind(now);
        read.Step();
        var (leased, overdue) = (read.Int64(0), read.Int64(1));
        read.Reset();
        return new QueueSummary(live, leased, OldestDue(db, now), overdue);
    }

    static DateTimeOffset? OldestDue(Connection db, DateTimeOffset now)
    {
        DateTimeOffset? oldest = null;
        for (var backlog = Next(db, null); backlog is { } one; backlog = Next(db, one.Key))
        {
            if (one.NextDueAt <= now && !(oldest <= one.NextDueAt))
                oldest = one.NextDueAt;
        }
        return oldest;
    }
}
