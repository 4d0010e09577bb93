using System.Text;
using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Messages;

/// <summary>
/// The statement for one filter. The most telling filter leads, through its index, which gives ids in order; the others are checked on
/// each message. Statuses alone lead to one part for each status, as each has its index. Every part names the lane.
/// </summary>
/// <remarks>
/// What belongs to a row is looked up with a sub-select for a value, not joined, nor asked for with "exists", of which the planner makes a
/// join. Of a tenant or a batch that it has no statistics of, or in a month that is new, it expects one row, and finds it as cheap to
/// compare each row with each as to seek: seconds at a few thousand messages, growing with their square.
/// </remarks>
sealed class ListQuery
{
    static readonly TimeSpan Day = TimeSpan.FromDays(1);

    readonly MessageFilter _filter;
    readonly List<string> _conditions = [];
    readonly List<Part> _parts = [];

    /// <param name="HasMessage">The source names message m; else the conditions are about the message of the id, to be looked up.</param>
    readonly record struct Part(string Source, string Id, bool HasMessage);

    public ListQuery(MessageFilter filter)
    {
        _filter = filter;
        ChooseParts();
        if (filter.FromKey is not null)
            _conditions.Add("m.from_key = @from_key");
        if (filter.Batch is not null)
            _conditions.Add("m.batch_id = @batch");
        if (filter.TemplateId is not null)
            _conditions.Add("m.template_id = @template");
        if (filter.Category is not null && filter.RecipientKey is not null)
        {
            _conditions.Add("""
                (select true from message_category c
                where c.lane = @lane and c.tenant_id = @tenant and c.category = @category and c.message_id = m.id)
                """);
        }
        if (filter.Subject is not null)
            {
            // Index message_subject, where the pattern is telling; else the part's own.
            _conditions.Add("""lower(m.subject collate "und-x-icu") like lower(@subject collate "und-x-icu")""");
        }
    }

    /// <summary>The counters know the total.</summary>
    public bool IsCounted => _filter is { RecipientKey: null, FromKey: null, Subject: null, Batch: null, TemplateId: null, Category: null }
        && IsWholeDay(_filter.CreatedFrom) && IsWholeDay(_filter.CreatedBefore);

    public string PageSql(bool afterKey)
    {
        // Each part gives as many as the page and what is skipped may need, already in order; the union of them is cut to the page.
        var text = new StringBuilder("select id from (\n");
        for (var i = 0; i < _parts.Count; i++)
        {
            var id = _parts[i].Id;
            text.Append(i == 0 ? "" : "\nunion all\n").Append("select id from (\n");
            AppendPart(text, _parts[i], afterKey ? $"{id} < @after" : null);
            text.Append("\norder by ").Append(id).Append(" desc\nlimit @window) part").Append(i);
        }
        return text.Append(") parts\norder by id desc\nlimit @limit offset @skip").ToString();
    }

    public string TotalSql()
    {
        var text = new StringBuilder("select count(*) from (\n");
        for (var i = 0; i < _parts.Count; i++)
        {
            text.Append(i == 0 ? "" : "\nunion all\n");
            AppendPart(text, _parts[i], null);
        }
        return text.Append(") parts").ToString();
    }

    public void Bind(NpgsqlBatchCommand command, TenantId tenant)
    {
        command.With("lane", Lane.Of(tenant)).With("tenant", tenant.Value);
        if (_filter.RecipientKey is not null)
            command.With("recipient", _filter.RecipientKey);
        if (_filter.FromKey is not null)
            command.With("from_key", _filter.FromKey);
        if (_filter.Batch is { } batch)
            command.With("batch", batch.Value);
        if (_filter.TemplateId is not null)
            command.With("template", _filter.TemplateId);
        if (_filter.Category is not null)
            command.With("category", _filter.Category);
        if (_filter.Subject is not null)
            command.With("subject", PatternOf(_filter.Subject));
        if (_filter.CreatedFrom is { } from)
            command.With("from", IdRange.FirstAt(from));
        if (_filter.CreatedBefore is { } before)
            command.With("before", IdRange.FirstAt(before));
    }

    /// <summary>The text itself anywhere: what <c>like</c> gives a meaning to loses it.</summary>
    static string PatternOf(string text) =>
        "%" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal)
            .Replace("_", "\\_", StringComparison.Ordinal) + "%";

    void AppendPart(StringBuilder text, Part part, string? after)
    {
        var id = part.Id;
        text.Append("select ").Append(id).Append(" as id\n").Append(part.Source);
        if (!part.HasMessage)
            text.Append("\n    and (select true from message m where m.lane = @lane and m.tenant_id = @tenant and m.id = ").Append(id);
        foreach (var condition in _conditions)
            text.Append("\n    and ").Append(condition);
        if (!part.HasMessage)
            text.Append(')');
        if (_filter.CreatedFrom is not null)
            text.Append("\n    and ").Append(id).Append(" >= @from");
        if (_filter.CreatedBefore is not null)
            text.Append("\n    and ").Append(id).Append(" < @before");
        if (after is not null)
            text.Append("\n    and ").Append(after);
    }

    void ChooseParts()
    {
        if (_filter.RecipientKey is not null)
        {
            // Once each, also when the address is both a to and a cc: the least ordinal counts.
            Lead("""
                from recipient r
                where r.lane = @lane and r.tenant_id = @tenant and r.address_key = @recipient
                    and r.ordinal = (
                        select min(e.ordinal) from recipient e
                        where e.lane = @lane and e.tenant_id = @tenant and e.message_id = r.message_id and e.address_key = @recipient)
                """, "r.message_id");
        }
        else if (_filter.Category is not null && _filter.Subject is not null)
        {
            // Either may be the telling one. The planner has to weigh that, so it is a join here.
            Lead("""
                from message_category c
                join message m on m.lane = @lane and m.tenant_id = @tenant and m.id = c.message_id
                where c.lane = @lane and c.tenant_id = @tenant and c.category = @category
                """, "c.message_id", hasMessage: true);
        }
        else if (_filter.Category is not null)
        {
            Lead("""
                from message_category c
                where c.lane = @lane and c.tenant_id = @tenant and c.category = @category
                """, "c.message_id");
        }
        else if (_filter.Batch is not null)
            LeadByMessage();
        else if (_filter.TemplateId is not null)
            LeadByMessage();
        else if (_filter.FromKey is not null)
            LeadByMessage();
        else if (_filter.Subject is not null)
            LeadByMessage();
        else if (_filter.Statuses.Count > 0)
            LeadByStatus();
        else
            LeadByMessage();
    }

    void Lead(string source, string id, bool hasMessage = false)
    {
        _parts.Add(new Part(source, id, hasMessage));
        AddStatusCondition();
    }

    void LeadByMessage() => Lead("from message m\nwhere m.lane = @lane and m.tenant_id = @tenant", "m.id", hasMessage: true);

    void LeadByStatus()
    {
        foreach (var status in _filter.Statuses.Distinct())
        {
            _parts.Add(status switch
            {
                MessageStatus.Queued => FromQueue("q.lease_until is null and not q.partly_accepted"),
                MessageStatus.Sent => FromQueue("q.partly_accepted"),
                < MessageStatus.Sent => FromQueue($"q.lease_until is not null and q.phase = {(int)status} and not q.partly_accepted"),
                _ => new Part(
                    $"from message m\nwhere m.lane = @lane and m.tenant_id = @tenant and m.status = {(int)status}", "m.id",
                    HasMessage: true),
            });
        }
    }

    static Part FromQueue(string condition) => new($"""
        from queue q
        where q.lane = @lane and q.tenant_id = @tenant and {condition}
        """, "q.message_id", HasMessage: false);

    /// <summary>Where another filter leads: the status of each message, its own or its queue row's.</summary>
    void AddStatusCondition()
    {
        var settled = string.Join(", ", _filter.Statuses.Where(status => status.IsSettled()).Distinct().Select(status => (int)status));
        var live = string.Join(", ", _filter.Statuses.Where(status => !status.IsSettled()).Distinct().Select(status => (int)status));
        var ofLive = $"""
            (m.status is null and (
                select case when q.partly_accepted then 4 else q.phase end from queue q
                where q.lane = @lane and q.tenant_id = @tenant and q.message_id = m.id) in ({live}))
            """;
        if (settled.Length > 0)
            _conditions.Add(live.Length > 0 ? $"(m.status in ({settled}) or {ofLive})" : $"m.status in ({settled})");
        else if (live.Length > 0)
            _conditions.Add(ofLive);
    }

    static bool IsWholeDay(DateTimeOffset? at) => at is not { } time || time.UtcTicks % Day.Ticks == 0;
}
