namespace Postrider.Engine.Tenants;

/// <summary>Every scope of each dialect: contracts/scaisend.md §1.2.</summary>
public static class ApiKeyScopes
{
    public static IReadOnlyList<string> ScaiSend { get; } =
    [
        "mail.send", "mail.schedule", "mail.cancel", "stats.read", "stats.export", "templates.read", "templates.write", "templates.delete",
        "suppressions.read", "suppressions.write", "webhooks.read", "webhooks.write", "domains.read", "domains.write",
        "admin.api_keys", "admin.users", "admin.settings",
    ];
}
