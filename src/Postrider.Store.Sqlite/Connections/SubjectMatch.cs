using SQLitePCL;

namespace Postrider.Store.Sqlite.Connections;

/// <summary>The SQL function <c>subject_contains(subject, part)</c>: in any case, of every script; SQLite's own <c>like</c> folds ASCII only.</summary>
static class SubjectMatch
{
    // Held here: the native side keeps only a pointer.
    static readonly delegate_function_scalar Function = Contains;

    public static void Register(sqlite3 connection) => _ = raw.sqlite3_create_function(
        connection, "subject_contains", 2, raw.SQLITE_UTF8 | raw.SQLITE_DETERMINISTIC, null, Function);

    static void Contains(sqlite3_context context, object data, sqlite3_value[] arguments)
    {
        var subject = raw.sqlite3_value_text(arguments[0]).utf8_to_string();
        var part = raw.sqlite3_value_text(arguments[1]).utf8_to_string();
        raw.sqlite3_result_int(context, subject is not null && subject.Contains(part, StringComparison.OrdinalIgnoreCase) ? 1 : 0);
    }
}
