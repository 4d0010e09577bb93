using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Suppressions;

/// <summary>New rows of one lane, column by column, for <c>unnest</c>.</summary>
sealed class SuppressionColumns
{
    readonly List<Guid> _tenants = [];
    readonly List<string> _addresses = [];
    readonly List<short> _lists = [];
    readonly List<int> _groups = [];
    readonly List<Guid> _ids = [];
    readonly List<string?> _mailboxes = [];
    readonly List<DateTimeOffset> _createdAts = [];
    readonly List<string?> _reasons = [];
    readonly List<short?> _bounceTypes = [];
    readonly List<string?> _statuses = [];
    readonly List<Guid?> _messages = [];

    public bool HasBounces => _lists.Contains((short)SuppressionList.Bounces);

    public void Add(TenantId tenant, Suppression row)
    {
        var text = row.Address.ToString();
        _tenants.Add(tenant.Value);
        _addresses.Add(row.Address.Key);
        _lists.Add((short)row.List);
        _groups.Add(row.Group);
        _ids.Add(row.List == SuppressionList.Bounces ? row.Id : Guid.Empty);
        _mailboxes.Add(text == row.Address.Key ? null : text);
        _createdAts.Add(row.CreatedAt.ToUniversalTime());
        _reasons.Add(Text.Of(row.Reason));
        _bounceTypes.Add((short?)row.BounceType);
        _statuses.Add(Text.Of(row.Status));
        _messages.Add(row.Message?.Value);
    }

    public void Bind(NpgsqlBatchCommand command) => BindAddresses(command)
        .WithAll("lists", NpgsqlDbType.Smallint, _lists)
        .WithAll("groups", NpgsqlDbType.Integer, _groups)
        .WithAll("ids", NpgsqlDbType.Uuid, _ids)
        .WithAll("mailboxes", NpgsqlDbType.Text, _mailboxes)
        .WithAll("created_ats", NpgsqlDbType.TimestampTz, _createdAts)
        .WithAll("reasons", NpgsqlDbType.Text, _reasons)
        .WithAll("bounce_types", NpgsqlDbType.Smallint, _bounceTypes)
        .WithAll("statuses", NpgsqlDbType.Text, _statuses)
        .WithAll("messages", NpgsqlDbType.Uuid, _messages);

    public NpgsqlBatchCommand BindAddresses(NpgsqlBatchCommand command) => command
        .WithAll("tenants", NpgsqlDbType.Uuid, _tenants)
        .WithAll("addresses", NpgsqlDbType.Text, _addresses);
}
