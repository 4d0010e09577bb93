using System.Text.Json.Serialization;

namespace Postrider.Api.ScaiSend.Batches;

sealed record RescheduleBody(long? SendAt);

sealed record ScheduledSendBody(string? BatchId, string? Status);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RescheduleBody))]
[JsonSerializable(typeof(ScheduledSendBody))]
sealed partial class BatchBodies : JsonSerializerContext;
