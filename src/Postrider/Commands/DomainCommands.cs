using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dkim;
using Postrider.Mail.Dns;

namespace Postrider.Commands;

/// <summary>
/// <c>postrider domain add</c> prints the DNS records to publish; <c>domain verify</c> looks whether they are. <c>domain rotate</c> makes
/// the DKIM key that follows: the old one signs, and the domain stays verified, until <c>domain verify</c> has seen the new record.
/// </summary>
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
        var rotate = new Command("rotate", "Make the next DKIM key of a sending domain and print the DNS record to publish.")
        {
            TenantName, Name, Json,
        };
        rotate.DoesWithStore(RotateAsync);
        return new Command("domain", "Sending domains.") { add, verify, rotate };
    }

    static async Task<int> AddAsync(ParseResult parsed, CommandContext context, CancellationToken cancel)
    {
        if (!Domain.TryParse(parsed.GetRequiredValue(Name), out var domain))
            return await CommandLine.RefuseAsync($"\"{parsed.GetValue(Name)}\" is not a domain.");
        var desk = TenantDesk.Of(context);
        if (await desk.FindAsync(parsed.GetRequiredValue(TenantName), cancel) is not { } tenant)
            return await CommandLine.RefuseAsync($"There is no tenant {parsed.GetValue(TenantName)}.");

        var sending = await desk.AddDomainAsync(tenant, domain, cancel);
        return await PrintAsync(PublishedRecords.Of(sending, context), parsed);
    }

    static async Task<int> RotateAsync(ParseResult parsed, CommandContext context, CancellationToken cancel)
    {
        if (!Domain.TryParse(parsed.GetRequiredValue(Name), out var domain))
            return await CommandLine.RefuseAsync($"\"{parsed.GetValue(Name)}\" is not a domain.");
        var desk = TenantDesk.Of(context);
        if (await desk.FindAsync(parsed.GetRequiredValue(TenantName), cancel) is not { } tenant
            || await context.Store.FindDomainAsync(tenant.Id, domain, cancel) is not { } sending)
            return await CommandLine.RefuseAsync($"There is no tenant {parsed.GetValue(TenantName)} with {domain.Unicode}.");

        var rotating = await desk.RotateKeyAsync(sending, cancel);
        return rotating.Next is { } next
            ? await PrintAsync([PublishedRecords.OfNext(rotating, next, context)], parsed)
            : await CommandLine.RefuseAsync($"The next key of {domain.Unicode} was taken just now; it signs with {rotating.Selector}.");
    }

    static async Task<int> PrintAsync(IReadOnlyList<PublishedRecord> records, ParseResult parsed)
    {
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
        foreach (var known in found)
        {
            var sending = known;
            if (known.Next is { } next)
            {
                var fault = parsed.GetValue(AssumePublished)
                    ? null : await PublishedRecords.FaultOfNextAsync(known, next, context, resolver, cancel);
                if (fault is null)
                {
                    await desk.TakeNextKeyAsync(known, next, cancel);
                    sending = known with { Selector = next.Selector, SealedKey = next.SealedKey, Next = null };
                }
                else
                    await Console.Error.WriteLineAsync($"{fault}; {known.Selector} goes on signing");
            }
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
