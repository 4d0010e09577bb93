using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dkim;
using Postrider.Mail.Dns;

namespace Postrider.Commands;

/// <summary><c>postrider domain add</c> prints the DNS records to publish; <c>domain verify</c> looks whether they are.</summary>
static class DomainCommands
{
    static readonly Option<string> TenantName = new("--tenant") { Description = "The tenant's name", Required = true };
    static readonly Argument<string> Name = new("DOMAIN") { Description = "The domain mail is sent from" };
    static readonly Option<bool> AssumePublished = new("--assume-published") { Description = "Verify without a look at DNS" };
    static readonly Option<bool> Json = new("--json") { Description = "Print JSON" };

    /// <summary>For people to copy from: a key's + as it is.</summary>
    static readonly PublishedRecordsJson Plain = new(
        new(PublishedRecordsJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static Command Create()
    {
        var add = new Command("add", "Add a sending domain and print the DNS records to publish.") { TenantName, Name, Json };
        add.DoesWithStore(AddAsync);
        var verify = new Command("verify", "Verify a sending domain, for every tenant that has it.") { Name, AssumePublished };
        verify.DoesWithStore(VerifyAsync);
        return new Command("domain", "Sending domains.") { add, verify };
    }

    static async Task<int> AddAsync(ParseResult parsed, CommandContext context, CancellationToken cancel)
    {
        if (!Domain.TryParse(parsed.GetRequiredValue(Name), out var domain))
            return await CommandLine.RefuseAsync($"\"{parsed.GetValue(Name)}\" is not a domain.");
        var desk = TenantDesk.Of(context);
        if (await desk.FindAsync(parsed.GetRequiredValue(TenantName), cancel) is not { } tenant)
            return await CommandLine.RefuseAsync($"There is no tenant {parsed.GetValue(TenantName)}.");

        var sending = await desk.AddDomainAsync(tenant, domain, cancel);
        var records = PublishedRecords.Of(sending, context);
        if (parsed.GetValue(Json))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(records, Plain.IReadOnlyListPublishedRecord));
            return ExitCode.Done;
        }
        foreach (var record in records)
            await Console.Out.WriteLineAsync($"{record.Name}. TXT {DkimDnsRecord.ZoneFileText(record.Value)}    ; {record.Purpose}");
        return ExitCode.Done;
    }

    static async Task<int> VerifyAsync(ParseResult parsed, CommandContext context, CancellationToken cancel)
    {
        if (!Domain.TryParse(parsed.GetRequiredValue(Name), out var domain))
            return await CommandLine.RefuseAsync($"\"{parsed.GetValue(Name)}\" is not a domain.");
        var found = await context.Store.DomainsAsync(domain, cancel);
        if (found.Count == 0)
            return await CommandLine.RefuseAsync($"No tenant has {domain.Unicode}; add it first.");

        var desk = TenantDesk.Of(context);
        await using var resolver = new DnsResolver(context.Settings.Resolver, TimeProvider.System);
        var missing = 0;
        foreach (var sending in found)
        {
            var faults = parsed.GetValue(AssumePublished) ? [] : await PublishedRecords.FaultsAsync(sending, context, resolver, cancel);
            foreach (var fault in faults)
                await Console.Error.WriteLineAsync(fault);
            missing += faults.Count;
            if (faults.Count == 0)
                await desk.SetVerifiedAsync(sending, cancel);
        }
        if (missing > 0)
            return ExitCode.Refused;
        await Console.Out.WriteLineAsync($"{domain.Unicode} is verified.");
        return ExitCode.Done;
    }
}
