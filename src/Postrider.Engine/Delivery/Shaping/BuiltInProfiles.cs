using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Postrider.Engine.Delivery.Shaping;

/// <summary>Limits for the big providers, from destination-profiles.json beside this file, where each number has its source.</summary>
public static class BuiltInProfiles
{
    public static IReadOnlyList<DestinationRule> All { get; } = Load();

    static DestinationRule[] Load()
    {
        using var file = Assembly.GetExecutingAssembly().GetManifestResourceStream("destination-profiles.json")
            ?? throw new InvalidOperationException("destination-profiles.json is embedded.");
        var profiles = JsonSerializer.Deserialize(file, ProfileJson.Default.ProfileArray) ?? [];
        return [.. profiles.SelectMany(
            profile => profile.MxHosts.Select(host => new DestinationRule(RuleScope.MxHost, host, LimitsOf(profile))))];
    }

    static DestinationLimits LimitsOf(Profile profile) => new()
    {
        Connections = profile.Connections,
        MessagesPerConnection = profile.MessagesPerConnection,
        Rates = profile.Rate is null ? null
            : MessageRate.TryParseAll(profile.Rate, out var rates)
                ? rates : throw new InvalidOperationException($"{profile.Provider}: {profile.Rate}"),
        BackOff = profile.BackOffSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
    };
}

/// <param name="Sources">Where each number comes from, for its reader.</param>
sealed record Profile(
    string Provider, IReadOnlyList<string> MxHosts, int? Connections, int? MessagesPerConnection, string? Rate, int? BackOffSeconds,
    IReadOnlyList<string> Sources);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Profile[]))]
sealed partial class ProfileJson : JsonSerializerContext;
