using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Moving;

/// <summary>Values of the kinds that move, as PostgreSQL has them.</summary>
static class MovedValues
{
    public static void Add(this MovedPage page, NpgsqlDataReader row, int column, ColumnKind kind)
    {
        if (row.IsDBNull(column))
        {
            page.AddNull();
            return;
        }
        switch (kind)
        {
            case ColumnKind.Id:
                page.Add(row.GetGuid(column));
                break;
            case ColumnKind.Number:
                page.Add(row.GetInt64(column));
                break;
            case ColumnKind.Flag:
                page.Add(row.GetBoolean(column) ? 1L : 0);
                break;
            case ColumnKind.Instant:
                page.Add(row.Time(column));
                break;
            case ColumnKind.Text:
                page.Add(row.GetString(column));
                break;
            case ColumnKind.Octets:
                page.AddOctets(row.GetFieldValue<byte[]>(column));
                break;
            case ColumnKind.Ids:
                page.AddOctets(OctetsOf(row.Array<Guid>(column)));
                break;
            case ColumnKind.Month:
                page.Add(new MessageId(row.GetGuid(column)).CreatedAt);
                break;
        }
    }

    /// <summary>The next of a row's values; <see cref="DBNull"/> for null.</summary>
    /// <param name="type">The column's: numbers come in three sizes.</param>
    public static object Next(ref MovedRow row, ColumnKind kind, NpgsqlDbType type)
    {
        if (row.TryNull())
            return DBNull.Value;
        return kind switch
        {
            ColumnKind.Id => row.Id(),
            ColumnKind.Number when type == NpgsqlDbType.Smallint => checked((short)row.Number()),
            ColumnKind.Number when type == NpgsqlDbType.Integer => checked((int)row.Number()),
            ColumnKind.Number => row.Number(),
            ColumnKind.Flag => row.Number() != 0,
            ColumnKind.Instant => row.Instant(),
            ColumnKind.Text => row.Text(),
            ColumnKind.Octets => row.Octets().ToArray(),
            ColumnKind.Ids => IdsOf(row.Octets().Span),
            ColumnKind.Month => Month.Of(row.Instant()).FirstId,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
    }

    static byte[] OctetsOf(Guid[] ids)
    {
        var octets = new byte[ids.Length * 16];
        for (var i = 0; i < ids.Length; i++)
            ids[i].TryWriteBytes(octets.AsSpan(i * 16), bigEndian: true, out _);
        return octets;
    }

    static Guid[] IdsOf(ReadOnlySpan<byte> octets)
    {
        var ids = new Guid[octets.Length / 16];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = new Guid(octets.Slice(i * 16, 16), bigEndian: true);
        return ids;
    }
}
