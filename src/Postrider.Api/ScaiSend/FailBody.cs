using System.Text.Json.Serialization;

namespace Postrider.Api.ScaiSend;

/// <summary>The optional body of <c>/fail</c>. Other members are passed over.</summary>
sealed record FailBody(string? Reason)
{
    public static FailBody Empty { get; } = new((string?)null);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(FailBody))]
sealed partial class ControlBodies : JsonSerializerContext;
