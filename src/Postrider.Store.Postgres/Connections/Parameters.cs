using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres.Connections;

/// <summary>Statements with their parameters, in a chain.</summary>
static class Parameters
{
    public static NpgsqlBatchCommand Add(this NpgsqlBatch batch, string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        return command;
    }

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, NpgsqlDbType type, object? value)
    {
        command.Parameters.Add(new NpgsqlParameter(name, type) { Value = value ?? DBNull.Value });
        return command;
    }

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, short value) =>
        command.With(name, NpgsqlDbType.Smallint, value);

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, int value) =>
        command.With(name, NpgsqlDbType.Integer, value);

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, Guid value) =>
        command.With(name, NpgsqlDbType.Uuid, value);

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, string? value) =>
        command.With(name, NpgsqlDbType.Text, Text.Of(value));

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, bool value) =>
        command.With(name, NpgsqlDbType.Boolean, value);

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, DateTimeOffset? value) =>
        command.With(name, NpgsqlDbType.TimestampTz, value?.ToUniversalTime());

    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, string name, in ContentHash value) =>
        command.With(name, NpgsqlDbType.Bytea, value.ToArray());

    /// <summary>A column of a group's rows, for <c>unnest</c>.</summary>
    public static NpgsqlBatchCommand WithAll<T>(this NpgsqlBatchCommand command, string name, NpgsqlDbType type, List<T> values) =>
        command.With(name, NpgsqlDbType.Array | type, values);
}

static class Text
{
    /// <summary>PostgreSQL's text holds no NUL, and nothing that is not Unicode: what a peer wrote of that kind becomes U+FFFD.</summary>
    public static string? Of(string? text)
    {
        if (text is null || (!text.Contains('\0') && !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF')))
            return text;
        return string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < from.Length; i++)
            {
                var whole = !char.IsSurrogate(from[i])
                    || (char.IsHighSurrogate(from[i]) && i + 1 < from.Length && char.IsLowSurrogate(from[i + 1]))
                    || (char.IsLowSurrogate(from[i]) && i > 0 && char.IsHighSurrogate(from[i - 1]));
                to[i] = whole && from[i] != '\0' ? from[i] : '\uFFFD';
            }
        });
    }
}
