namespace Postrider.Configuration;

/// <summary>Where the store is: <c>sqlite:PATH</c>.</summary>
sealed record StoreAddress(string Path)
{
    const string Scheme = "sqlite:";

    public static StoreAddress Default { get; } = new("data/postrider.db");

    public static StoreAddress? TryParse(string text) =>
        text.StartsWith(Scheme, StringComparison.Ordinal) && text.Length > Scheme.Length ? new StoreAddress(text[Scheme.Length..]) : null;

    public override string ToString() => Scheme + Path;
}
