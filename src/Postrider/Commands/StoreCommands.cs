using System.CommandLine;
using Postrider.Configuration;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Hosting;
using Postrider.Store.Postgres;
using Postrider.Store.Postgres.Distribution;

namespace Postrider.Commands;

/// <summary><c>postrider store copy</c> and <c>postrider store distribute</c>: docs/operate/moving.md, docs/operate/citus.md.</summary>
static class StoreCommands
{
    static readonly Option<string> From = new("--from") { Description = $"The store to move: {StoreAddress.Form}", Required = true };
    static readonly Option<string> To = new("--to")
    {
        Description = "Where to: an empty database, or a file that is not there yet",
        Required = true,
    };
    static readonly Option<bool> Print = new("--print") { Description = "Print the statements instead of running them" };
    static readonly Option<int> Shards = new("--shards")
    {
        Description = $"Shards of each table, 1 to {CitusDistribution.MaxShards}",
        DefaultValueFactory = _ => CitusDistribution.DefaultShards,
    };

    public static Command Create()
    {
        var copy = new Command("copy", "Move an installation to another store.") { From, To };
        copy.Does((parsed, cancel) =>
            CopyAsync(AddressOf(parsed, From), AddressOf(parsed, To), CommandLine.SettingsOf(parsed, demo: false), cancel));
        var distribute = new Command("distribute", "Spread the tables of a PostgreSQL store over a Citus cluster.") { Print, Shards };
        distribute.Does(DistributeAsync);
        return new Command("store", "Stores: moving to another one, growing over several machines.") { copy, distribute };
    }

    static StoreAddress AddressOf(ParseResult parsed, Option<string> option) => StoreAddress.TryParse(parsed.GetRequiredValue(option))
        ?? throw new SettingsException([$"{option.Name}: it is not {StoreAddress.Form}"]);

    static async Task<int> CopyAsync(StoreAddress from, StoreAddress to, Settings settings, CancellationToken cancel)
    {
        if (from == to)
            return await CommandLine.RefuseAsync("--from and --to are the same store.");
        await using var source = await StoreForCopy.OpenSourceAsync(from, cancel);
        await using var target = await StoreForCopy.OpenTargetAsync(to, cancel);
        switch (await new StoreCopy(source.Rows, target.Rows, TimeProvider.System, Console.Error.WriteLine).RunAsync(cancel))
        {
            case CopyOutcome.Refused { Why: var why }:
                return await CommandLine.RefuseAsync(why);
            case CopyOutcome.Compared compared:
                await Console.Out.WriteLineAsync(CopyReport.TableOf(compared));
                if (!compared.AreEqual)
                    return await CommandLine.RefuseAsync(CopyReport.WhyDifferent(compared, to));
                await Console.Error.WriteLineAsync(CopyReport.WhatIsLeft(from, to, keyIsSet: settings.SecretKey is not null));
                return ExitCode.Done;
            default:
                throw new InvalidOperationException("A copy ends in one of these.");
        }
    }

    static async Task<int> DistributeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var shards = parsed.GetValue(Shards);
        if (shards is < 1 or > CitusDistribution.MaxShards)
            throw new SettingsException([$"--shards: it is 1 to {CitusDistribution.MaxShards}"]);
        if (CommandLine.SettingsOf(parsed, demo: false).Store is not StoreAddress.Postgres { Address: var address })
            return await CommandLine.RefuseAsync(
                "Only a PostgreSQL store can be distributed: --store postgres://user:password@host:port/database");
        var ids = new IdGenerator(TimeProvider.System);
        await using var store = await PostgresStore.OpenAsync(
            new PostgresStoreOptions(address.ConnectionString), TimeProvider.System, ids, log: null, cancel);
        if (parsed.GetValue(Print))
            foreach (var step in await store.Distribution.PlanAsync(shards, cancel))
                await Console.Out.WriteLineAsync(step.Sql);
        else
            await store.Distribution.DistributeAsync(shards, Console.Error.WriteLine, cancel);
        return ExitCode.Done;
    }
}
