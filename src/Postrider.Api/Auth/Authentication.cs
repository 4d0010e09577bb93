using Microsoft.AspNetCore.Http;
using Postrider.Engine.Tenants;

namespace Postrider.Api.Auth;

/// <summary>What the <c>Authorization</c> field of a request came to.</summary>
/// <param name="Credential">Null when the request is not to be served.</param>
/// <param name="Fault">Then the reason, in the words that clients know.</param>
readonly record struct Authentication(Credential? Credential, string? Fault)
{
    public static Authentication Refused(string fault) => new(null, fault);
}

/// <summary>Finds the key behind <c>Authorization: Bearer …</c> (RFC 6750 §2.1). A key works for the dialect it was issued for
/// only.</summary>
sealed class BearerAuthenticator(ApiKeys keys)
{
    const string Scheme = "Bearer ";
    const int JwtParts = 3;

    public ValueTask<Authentication> AuthenticateAsync(HttpRequest request, Dialect dialect, CancellationToken cancel)
    {
        var fields = request.Headers.Authorization;
        if (fields.Count == 0 || string.IsNullOrEmpty(fields[0]))
            return ValueTask.FromResult(Authentication.Refused("Missing Authorization header"));

        var field = fields[0]!;
        if (fields.Count > 1 || !field.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return ValueTask.FromResult(Authentication.Refused("Invalid API key"));

        var token = field.AsSpan(Scheme.Length).Trim(' ').ToString();
        // No identity provider is configured, so there is no key that could have signed it.
        if (IsJwt(token))
            return ValueTask.FromResult(Authentication.Refused("JWT signature invalid"));
        return FindAsync(token, dialect, cancel);
    }

    async ValueTask<Authentication> FindAsync(string token, Dialect dialect, CancellationToken cancel) =>
        token.Length > 0 && await keys.FindAsync(token, cancel) is { } credential && credential.Key.Dialect == dialect
            ? new Authentication(credential, null)
            : Authentication.Refused("Invalid API key");

    /// <summary>RFC 7515 §3.1: three base64url parts, the first of them a JSON object.</summary>
    static bool IsJwt(ReadOnlySpan<char> token) => token.StartsWith("eyJ", StringComparison.Ordinal) && token.Count('.') == JwtParts - 1;
}
