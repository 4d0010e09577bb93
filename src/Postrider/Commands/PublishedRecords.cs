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
            new("TXT", sending.Domain.Ascii, $"v=spf1 a:{context.Settings.Delivery.HostName} ~all", "spf"),
            new("TXT", $"_dmarc.{sending.Domain.Ascii}", "v=DMARC1; p=none", "dmarc"),
        ];
    }

    /// <returns>A sentence for each record that is missing or wrong.</returns>
    public static async Task<IReadOnlyList<string>> FaultsAsync(
        SendingDomain sending, CommandContext context, DnsResolver resolver, CancellationToken cancel)
    {
        using var key = new DkimKeys(context.Secrets).Open(sending);
        var faults = new List<string>();
        await CheckAsync(DkimDnsRecord.Name(sending.Selector, sending.Domain), text => DkimDnsRecord.Publishes(text, key), "the DKIM key");
        await CheckAsync(sending.Domain.Ascii, text => text.StartsWith("v=spf1", StringComparison.OrdinalIgnoreCase), "an SPF policy");
        await CheckAsync($"_dmarc.{sending.Domain.Ascii}", text => text.StartsWith("v=DMARC1", StringComparison.OrdinalIgnoreCase), "a DMARC policy");
        return faults;

        async Task CheckAsync(string name, Func<string, bool> isIt, string what)
        {
            if (!DnsName.TryParse(name, out var parsed))
                throw new InvalidOperationException($"{name} is a name.");
            switch (await resolver.QueryAsync<TxtData>(parsed, cancel))
            {
                case DnsAnswer<TxtData>.Found found when found.Records.Any(record => isIt(record.Text)):
                    break;
                case DnsAnswer<TxtData>.TemporaryFailure failure:
                    faults.Add($"{name}: DNS did not answer: {failure.Detail}");
                    break;
                default:
                    faults.Add($"{name}: no TXT record holds {what}");
                    break;
            }
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<PublishedRecord>))]
sealed partial class PublishedRecordsJson : JsonSerializerContext;
