using Postrider.Store.Postgres;

namespace Postrider.Configuration;

/// <summary>Where the store is: <c>sqlite:PATH</c>, or <c>postgres://user:password@host:port/database</c>.</summary>
abstract record StoreAddress
{
    const string Scheme = "sqlite:";

    public const string Form = "sqlite:PATH or postgres://user:password@host:port/database";

    StoreAddress() { }

    public static StoreAddress Default { get; } = new Sqlite("data/postrider.db");

    public static StoreAddress? TryParse(string text)
    {
        if (text.StartsWith(Scheme, StringComparison.Ordinal) && text.Length > Scheme.Length)
            return new Sqlite(text[Scheme.Length..]);
        return PostgresAddress.TryParse(text, out var address) ? new Postgres(address) : null;
    }

    /// <summary>One file, one server.</summary>
    public sealed record Sqlite(string Path) : StoreAddress
    {
        public override string ToString() => Scheme + Path;
    }

    /// <summary>One database, any number of nodes.</summary>
    public sealed record Postgres(PostgresAddress Address) : StoreAddress
    {
        /// <summary>Without the password.</summary>
        public override string ToString() => Address.ToString();
    }
}
