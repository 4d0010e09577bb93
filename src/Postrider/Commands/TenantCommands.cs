using System.CommandLine;

namespace Postrider.Commands;

/// <summary><c>postrider tenant add NAME</c>.</summary>
static class TenantCommands
{
    static readonly Argument<string> Name = new("NAME") { Description = "1 to 100 characters" };

    public static Command Create()
    {
        var add = new Command("add", "Add a tenant.") { Name };
        add.DoesWithStore(async (parsed, context, cancel) =>
        {
            var name = parsed.GetRequiredValue(Name).Trim();
            if (name.Length is 0 or > 100 || name.Any(char.IsControl))
                return await CommandLine.RefuseAsync("A tenant's name has 1 to 100 characters and no control characters.");
            if (await TenantDesk.Of(context).AddTenantAsync(name, cancel) is not { } tenant)
                return await CommandLine.RefuseAsync($"There is a tenant {name} already.");
            await Console.Out.WriteLineAsync($"tnt_{tenant.Id}");
            return ExitCode.Done;
        }, mayCreate: true);
        return new Command("tenant", "Tenants: who owns keys, domains and messages.") { add };
    }
}
