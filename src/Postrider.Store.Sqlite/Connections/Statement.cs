using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Postrider.Engine.Messages;
using SQLitePCL;

namespace Postrider.Store.Sqlite.Connections;

/// <summary>A prepared statement.</summary>
/// <remarks>
/// Parameters are named in the SQL, for its reader; each <c>Bind</c> fills the next one, in the order in which their names first appear.
/// A statement that has come to its end is reset; one left before is reset when it is prepared again or the transaction ends.
/// </remarks>
sealed class Statement(Connection connection, sqlite3_stmt handle) : IDisposable
{
    const int StackOctets = 512;

    int _bound;

    public Statement Bind(long value)
    {
        connection.Check(raw.sqlite3_bind_int64(handle, ++_bound, value));
        return this;
    }

    public Statement Bind(bool value) => Bind(value ? 1L : 0);

    public Statement Bind(DateTimeOffset at) => Bind(at.ToUnixTimeMilliseconds());

    public Statement Bind(DateTimeOffset? at) => at is { } value ? Bind(value) : BindNull();

    public Statement Bind(Guid id)
    {
        Span<byte> octets = stackalloc byte[16];
        id.TryWriteBytes(octets, bigEndian: true, out _);
        return Bind(octets);
    }

    public Statement Bind(Guid? id) => id is { } value ? Bind(value) : BindNull();

    public Statement Bind(in ContentHash hash) => Bind(MemoryMarshal.AsBytes(new ReadOnlySpan<ContentHash>(in hash)));

    public Statement Bind(ReadOnlySpan<byte> blob)
    {
        // A null pointer would bind null.
        connection.Check(blob.IsEmpty
            ? raw.sqlite3_bind_zeroblob(handle, ++_bound, 0)
            : raw.sqlite3_bind_blob(handle, ++_bound, blob));
        return this;
    }

    public Statement Bind(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            if (text is null)
                return BindNull();
            connection.Check(raw.sqlite3_bind_text(handle, ++_bound, text));
            return this;
        }
        var longest = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (longest <= StackOctets)
        {
            Span<byte> octets = stackalloc byte[StackOctets];
            return BindText(octets[..Encoding.UTF8.GetBytes(text, octets)]);
        }
        var rented = ArrayPool<byte>.Shared.Rent(longest);
        try
        {
            return BindText(rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>UTF-8 text; null when it is empty.</summary>
    public Statement BindText(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
            return BindNull();
        connection.Check(raw.sqlite3_bind_text(handle, ++_bound, utf8));
        return this;
    }

    public Statement BindNull()
    {
        connection.Check(raw.sqlite3_bind_null(handle, ++_bound));
        return this;
    }

    /// <summary>For texts put together from parts: does nothing when this one does not name the parameter.</summary>
    public void BindNamed(string name, Guid? id)
    {
        if (TryPlace(name))
            Bind(id);
    }

    public void BindNamed(string name, string? text)
    {
        if (TryPlace(name))
            Bind(text);
    }

    public void BindNamed(string name, long value)
    {
        if (TryPlace(name))
            Bind(value);
    }

    bool TryPlace(string name)
    {
        var index = raw.sqlite3_bind_parameter_index(handle, name);
        _bound = index - 1;
        return index > 0;
    }

    /// <returns>False at the end; the statement is then reset.</returns>
    public bool Step()
    {
        var code = raw.sqlite3_step(handle);
        if (code == raw.SQLITE_ROW)
            return true;
        if (code != raw.SQLITE_DONE)
        {
            var fault = connection.Fault(code);
            Reset();
            throw fault;
        }
        Reset();
        return false;
    }

    public void Run()
    {
        while (Step())
        {
        }
    }

    public void Reset()
    {
        // Answers with the error of the last step, which has been thrown already.
        _ = raw.sqlite3_reset(handle);
        _bound = 0;
    }

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    public int Int32(int column) => raw.sqlite3_column_int(handle, column);

    public bool Bool(int column) => Int32(column) != 0;

    public DateTimeOffset Time(int column) => DateTimeOffset.FromUnixTimeMilliseconds(Int64(column));

    public DateTimeOffset? TimeOrNull(int column) => IsNull(column) ? null : Time(column);

    public Guid Guid(int column) => new(Octets(column), bigEndian: true);

    public Guid? GuidOrNull(int column) => IsNull(column) ? null : Guid(column);

    public ContentHash? HashOrNull(int column) => IsNull(column) ? null : ContentHash.From(Octets(column));

    public string Text(int column) => Encoding.UTF8.GetString(Octets(column));

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    /// <summary>A blob, or a text's UTF-8; valid until the next step.</summary>
    public ReadOnlySpan<byte> Octets(int column) => raw.sqlite3_column_blob(handle, column);

    public void Dispose() => handle.Dispose();
}
