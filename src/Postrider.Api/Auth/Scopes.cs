using Postrider.Engine.Tenants;

namespace Postrider.Api.Auth;

/// <summary>What an API key may do: contracts/scaisend.md §1.2.</summary>
static class Scopes
{
    public const string MailSend = "mail.send";
    public const string MailSchedule = "mail.schedule";
    public const string MailCancel = "mail.cancel";
    public const string StatsRead = "stats.read";
    public const string SuppressionsRead = "suppressions.read";
    public const string SuppressionsWrite = "suppressions.write";

    public static bool Has(this Credential credential, string scope)
    {
        var scopes = credential.Key.Scopes;
        for (var i = 0; i < scopes.Count; i++)
        {
            if (scopes[i] == scope)
                return true;
        }
        return false;
    }

    /// <param name="scopes">Empty when any credential will do.</param>
    public static bool HasAny(this Credential credential, string[] scopes)
    {
        foreach (var scope in scopes)
        {
            if (credential.Has(scope))
                return true;
        }
        return scopes.Length == 0;
    }
}
