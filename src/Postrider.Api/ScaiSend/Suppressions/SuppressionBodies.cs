using System.Text.Json.Serialization;

namespace Postrider.Api.ScaiSend.Suppressions;

sealed record BounceBody(string? Email, string? BounceType, string? Reason);

sealed record EmailBody(string? Email);

sealed record EmailsBody(List<string?>? RecipientEmails);

sealed record RemovalBody(bool? DeleteAll, List<string?>? Emails);

sealed record GroupBody(string? Name, string? Description, bool? IsDefault);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BounceBody))]
[JsonSerializable(typeof(EmailBody))]
[JsonSerializable(typeof(EmailsBody))]
[JsonSerializable(typeof(RemovalBody))]
[JsonSerializable(typeof(GroupBody))]
sealed partial class SuppressionBodies : JsonSerializerContext;
