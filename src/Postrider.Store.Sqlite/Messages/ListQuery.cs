using System.Text;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Search;

namespace Postrider.Store.Sqlite.Messages;

/// <summary>
/// The statement for one filter. The most telling filter leads, through its index, which gives ids in order; the others are checked on
/// each message. <c>cross join</c> keeps SQLite to that order. Statuses alone lead to one part for each status, as each has its index.
/// </summary>
sealed class ListQuery
{
    static readonly TimeSpan Day = TimeSpan.FromDays(1);

    readonly MessageFilter _filter;
    readonly List<string> _conditions = [];
    readonly List<(string Source, string Id)> _parts = [];

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
        if (filter.Category is not null && (filter.RecipientKey is not null || IsSearch))
        {
            _conditions.Add("""
                exists (
                    select 1 from message_category c
                    where c.tenant_id = @tenant and c.category = @category and c.message_id = m.id)
                """);
        }
        if (filter.Subject is not null)
            _conditions.Add("subject_contains(m.subject, @subject)");
    }

    /// <summary>
    /// The index of subjects leads. It gives what it finds in no order, so <see cref="AllSql"/> serves the page and the total at once.
    /// A recipient's or a batch's messages are few: those lead instead. A part of less than three characters is in no index.
    /// </summary>
    public bool IsSearch => _filter is { RecipientKey: null, Batch: null, Subject: { } part } && SubjectGrams.HasAny(part);

    /// <summary>The counters know the total.</summary>
    public bool IsCounted => _filter is { RecipientKey: null, FromKey: null, Subject: null, Batch: null, TemplateId: null, Category: null }
        && IsWholeDay(_filter.CreatedFrom) && IsWholeDay(_filter.CreatedBefore);

    public string PageSql(bool afterKey)
    {
        // Each part gives as many as the page and what is skipped may need, already in order; the union of them is cut to the page.
        var text = new StringBuilder("select id from (\n");
        for (var i = 0; i < _parts.Count; i++)
        {
            var (source, id) = _parts[i];
            text.Append(i == 0 ? "" : "\nunion all\n").Append("select id from (\n");
            AppendPart(text, source, id, afterKey ? $"{id} < @after" : null);
            text.Append("\norder by ").Append(id).Append(" desc\nlimit @window)");
        }
        return text.Append(")\norder by id desc\nlimit @limit offset @skip").ToString();
    }

    public string TotalSql()
    {
        var text = new StringBuilder("select count(*) from (\n");
        AppendParts(text);
        return text.Append(')').ToString();
    }

    public string AllSql()
    {
        var text = new StringBuilder("select id from (\n");
        AppendParts(text);
        return text.Append(")\norder by id desc").ToString();
    }

    public void Bind(Statement statement, TenantId tenant)
    {
        if (IsSearch)
            statement.BindNamed("@words", SubjectGrams.Query(tenant, _filter.Subject!));
        statement.BindNamed("@tenant", tenant.Value);
        statement.BindNamed("@recipient", _filter.RecipientKey);
        statement.BindNamed("@from_key", _filter.FromKey);
        statement.BindNamed("@batch", _filter.Batch?.Value);
        statement.BindNamed("@template", _filter.TemplateId);
        statement.BindNamed("@category", _filter.Category);
        statement.BindNamed("@subject", _filter.Subject);
        statement.BindNamed("@from", _filter.CreatedFrom is { } from ? IdRange.FirstAt(from) : null);
        statement.BindNamed("@before", _filter.CreatedBefore is { } before ? IdRange.FirstAt(before) : null);
    }

    void AppendParts(StringBuilder text)
    {
        for (var i = 0; i < _parts.Count; i++)
        {
            text.Append(i == 0 ? "" : "\nunion all\n");
            AppendPart(text, _parts[i].Source, _parts[i].Id, null);
        }
    }

    void AppendPart(StringBuilder text, string source, string id, string? after)
    {
        text.Append("select ").Append(id).Append(" as id\n").Append(source);
        foreach (var condition in _conditions)
            text.Append("\n    and ").Append(condition);
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
                from recipient r indexed by recipient_address
                cross join message m on m.tenant_id = r.tenant_id and m.id = r.message_id
                where r.tenant_id = @tenant and r.address_key = @recipient
                    and not exists (
                        select 1 from recipient e
                        where e.tenant_id = r.tenant_id and e.message_id = r.message_id
                            and e.ordinal < r.ordinal and e.address_key = r.address_key)
                """, "r.message_id");
        }
        else if (IsSearch)
            LeadBySubject();
        else if (_filter.Category is not null)
        {
            Lead("""
                from message_category c
                cross join message m on m.tenant_id = c.tenant_id and m.id = c.message_id
                where c.tenant_id = @tenant and c.category = @category
                """, "c.message_id");
        }
        else if (_filter.Batch is not null)
            LeadByMessage("message_batch");
        else if (_filter.TemplateId is not null)
            LeadByMessage("message_template");
        else if (_filter.FromKey is not null)
            LeadByMessage("message_from");
        else if (_filter.Statuses.Count > 0)
            LeadByStatus();
        else
            _parts.Add(("from message m\nwhere m.tenant_id = @tenant", "m.id"));
    }

    void Lead(string source, string id)
    {
        _parts.Add((source, id));
        AddStatusCondition();
    }

    void LeadByMessage(string index) => Lead($"from message m indexed by {index}\nwhere m.tenant_id = @tenant", "m.id");

    /// <summary>What is indexed, and what is not yet: each message is one or the other.</summary>
    void LeadBySubject()
    {
        _parts.Add(("""
            from subject_gram g
            cross join subject_row s on s.no = g.rowid
            cross join message m on m.tenant_id = s.tenant_id and m.id = s.message_id
            where g.subject_gram match @words and s.tenant_id = @tenant
            """, "s.message_id"));
        _parts.Add(("""
            from subject_row s
            cross join message m on m.tenant_id = s.tenant_id and m.id = s.message_id
            where s.no > (select no from subject_indexed where id = 1) and s.tenant_id = @tenant
            """, "s.message_id"));
        AddStatusCondition();
    }

    void LeadByStatus()
    {
        foreach (var status in _filter.Statuses.Distinct())
        {
            _parts.Add(status switch
            {
                MessageStatus.Queued => FromQueue("queue q", "q.phase = 0 and q.partly_accepted = 0"),
                MessageStatus.Sent => FromQueue("queue q indexed by queue_partly", "q.partly_accepted = 1"),
                < MessageStatus.Sent => FromQueue(
                    "queue q indexed by queue_leased", $"q.phase > 0 and q.phase = {(int)status} and q.partly_accepted = 0"),
                _ => ($"from message m indexed by message_status\nwhere m.tenant_id = @tenant and m.status = {(int)status}", "m.id"),
            });
        }
    }

    static (string Source, string Id) FromQueue(string table, string condition) => ($"""
        from {table}
        cross join message m on m.tenant_id = q.tenant_id and m.id = q.message_id
        where q.tenant_id = @tenant and {condition}
        """, "q.message_id");

    /// <summary>Where another filter leads: the status of each message, its own or its queue row's.</summary>
    void AddStatusCondition()
    {
        var settled = string.Join(", ", _filter.Statuses.Where(status => status.IsSettled()).Distinct().Select(status => (int)status));
        var live = string.Join(", ", _filter.Statuses.Where(status => !status.IsSettled()).Distinct().Select(status => (int)status));
        var ofLive = $"""
            (m.status is null and exists (
                select 1 from queue q
                where q.tenant_id = @tenant and q.message_id = m.id
                    and case q.partly_accepted when 1 then 4 else q.phase end in ({live})))
            """;
        if (settled.Length > 0)
            _conditions.Add(live.Length > 0 ? $"(m.status in ({settled}) or {ofLive})" : $"m.status in ({settled})");
        else if (live.Length > 0)
            _conditions.Add(ofLive);
    }

    static bool IsWholeDay(DateTimeOffset? at) => at is not { } time || time.UtcTicks % Day.Ticks == 0;
}
