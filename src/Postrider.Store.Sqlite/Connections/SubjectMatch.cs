using System.Text;
using SQLitePCL;

namespace Postrider.Store.Sqlite.Connections;

/// <summary>
/// The SQL function <c>subject_contains(subject, part)</c>: in any case, of every script; SQLite's own <c>like</c> folds ASCII only.
/// </summary>
static class SubjectMatch
{
    const int StackCharacters = 512;

    // Held here: the native side keeps only a pointer.
    static readonly delegate_function_scalar Function = Contains;

    public static void Register(sqlite3 connection) => _ = raw.sqlite3_create_function(
        connection, "subject_contains", 2, raw.SQLITE_UTF8 | raw.SQLITE_DETERMINISTIC, null, Function);

    static void Contains(sqlite3_context context, object data, sqlite3_value[] arguments)
    {
        // Blobs have a length; as texts they would end at a NUL.
        var subject = Decode(raw.sqlite3_value_blob(arguments[0]), stackalloc char[StackCharacters]);
        var part = Decode(raw.sqlite3_value_blob(arguments[1]), stackalloc char[StackCharacters]);
        raw.sqlite3_result_int(context, subject.Contains(part, StringComparison.OrdinalIgnoreCase) ? 1 : 0);
    }

    static ReadOnlySpan<char> Decode(ReadOnlySpan<byte> utf8, Span<char> room) =>
        utf8.Length <= room.Length ? room[..Encoding.UTF8.GetChars(utf8, room)] : Encoding.UTF8.GetString(utf8);
}
