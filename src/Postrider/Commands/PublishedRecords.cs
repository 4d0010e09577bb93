using System.Text.Json.Serialization;
using Postrider.Engine.Composing;
using Postrider.Engine.Tenants;
using Postrider.Mail.Dkim;
using Postrider.Mail.Dns;

namespace Postrider.Commands;

/// <param name="Purpose">dkim, spf or dmarc.</param>
sealed record PublishedRecord(string Type, string Name, string Value, string Purpose);

/// <summary>What a sending domain publishes (contracts/scaisend.md §8.6), and whether it does: all three must be there.</summary>
static class PublishedRecords
{
    public static IReadOnlyList<PublishedRecord> Of(SendingDomain sending, CommandContext context)
    {
        using var key = new DkimKeys(context.Secrets).Open(sending);
        return
        [
            new("TXT", DkimDnsRecord.Name(sending.Selector, sending.Domain), DkimDnsRecord.Text(key), "dkim"),
            .. sending.Next is { } next ? [OfNext(sending, next, context)] : Array.Empty<PublishedRecord>(),
            new("TXT", sending.Domain.Ascii, $"v=spf1 a:{context.Settings.Delivery.HostName} ~all", "spf"),
            new("TXT", $"_dmarc.{sending.Domain.Ascii}", "v=DMARC1; p=none", "dmarc"),
        ];
    }

    public static PublishedRecord OfNext(SendingDomain sending, NextDkimKey next, CommandContext context) =>
        Of(WithNext(sending, next), context)[0];

    /// <returns>What keeps the key that follows from signing; null when its record is there.</returns>
    public static async Task<string?> FaultOfNextAsync(
        SendingDomain sending, NextDkimKey next, CommandContext context, DnsResolver resolver, CancellationToken cancel)
    {
        using var key = new DkimKeys(context.Secrets).Open(WithNext(sending, next));
        return await FaultAsync(
            DkimDnsRecord.Name(next.Selector, sending.Domain), text => DkimDnsRecord.Publishes(text, key), "the next DKIM key", resolver,
            cancel);
    }

    static SendingDomain WithNext(SendingDomain sending, NextDkimKey next) =>
        sending with { Selector = next.Selector, SealedKey = next.SealedKey, Next = null };

    /// <returns>A sentence for each record that is missing or wrong.</returns>
    public static async Task<IReadOnlyList<string>> FaultsAsync(
        SendingDomain sending, CommandContext context, DnsResolver resolver, CancellationToken cancel)
    {
        using var key = new DkimKeys(context.Secrets).Open(sending);
        var faults = new List<string>();
        await CheckAsync(DkimDnsRecord.Name(sending.Selector, sending.Domain), text => DkimDnsRecord.Publishes(text, key), "the DKIM key");
        await CheckAsync(sending.Domain.Ascii, text => text.StartsWith("v=spf1", StringComparison.OrdinalIgnoreCase), "an SPF policy");
        await CheckAsync(
            $"_dmarc.{sending.Domain.Ascii}", text => text.StartsWith("v=DMARC1", StringComparison.OrdinalIgnoreCase), "a DMARC policy");
        return faults;

        async Task CheckAsync(string name, Func<string, bool> isIt, string what)
        {
            if (await FaultAsync(name, isIt, what, resolver, cancel) is { } fault)
                faults.Add(fault);
        }
    }

    static async Task<string?> FaultAsync(
        string name, Func<string, bool> isIt, string what, DnsResolver resolver, CancellationToken cancel)
    {
        if (!DnsName.TryParse(name, out var parsed))
            throw new InvalidOperationException($"{name} is a name.");
        return await resolver.QueryAsync<TxtData>(parsed, cancel) switch
        {
            DnsAnswer<TxtData>.Found found when found.Records.Any(record => isIt(record.Text)) => null,
            DnsAnswer<TxtData>.TemporaryFailure failure => $"{name}: DNS did not answer: {failure.Detail}",
            _ => $"{name}: no TXT record holds {what}",
        };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<PublishedRecord>))]
sealed partial class PublishedRecordsJson : JsonSerializerContext;
