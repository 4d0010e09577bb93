using System.Globalization;
using Postrider.Bench.Products;

namespace Postrider.Bench;

/// <summary>What postrider keeps its mail in.</summary>
enum BenchStore
{
    Sqlite,
    Postgres,
}

/// <summary>What <c>./bench</c> was asked to measure.</summary>
/// <param name="Only">Names of products, or null for all.</param>
/// <param name="Messages">
/// How many messages a round sends through postrider; Postfix gets a quarter, its rate being steadier and lower.
/// </param>
/// <param name="Rounds">Every figure of the table is the median over so many rounds, each on a fresh instance.</param>
/// <param name="Backlog">
/// How many messages wait for a destination that is down, and how many for another day; 0 leaves these scenarios out.
/// </param>
/// <param name="Scheduled">
/// How many messages are scheduled for one second, and how many of a batch are cancelled; 0 leaves these scenarios out.
/// </param>
/// <param name="Connections">
/// How many clients submit at once, each waiting for its answer before it sends the next message; null: what suits each product best.
/// </param>
/// <param name="Tenants">
/// Of postrider, whose mail is mixed: on PostgreSQL each is in a lane, and writes of two lanes share no transaction.
/// </param>
/// <param name="Statements">Tell on standard error what the database did end to end, statement by statement.</param>
/// <param name="Json">Print the figures as JSON instead of the table.</param>
sealed record BenchOptions(
    BenchStore Store, IReadOnlyList<string>? Only, int Messages, int Rounds, int Backlog, int Scheduled, int? Connections, int Tenants,
    bool Statements, bool Json)
{
    public static readonly BenchOptions Default = new(
        BenchStore.Sqlite, null, Messages: 20_000, Rounds: 3, Backlog: 1_000_000, Scheduled: 100_000, Connections: null, Tenants: 1,
        Statements: false, Json: false);

    public const string Usage = """
        usage: ./bench [--quick] [--store sqlite|postgres] [--only NAMES] [--messages N] [--rounds N] [--connections N] [--tenants N]
                       [--backlog N] [--scheduled N] [--statements] [--json]

          --store sqlite    (the default) one process on a SQLite file
          --store postgres  one node and two nodes on a PostgreSQL 15 that the bench starts for them, in a temporary folder
          --only NAMES      of postrider, postrider-2-nodes (--store postgres), postfix-opendkim, postfix: a list with commas
          --messages N      messages a round (default 20000; Postfix gets a quarter of them)
          --rounds N        rounds; the table shows medians (default 3)
          --connections N   clients that submit at once (default 64, Postfix 20: what suits each best)
          --tenants N       tenants of postrider whose mail is mixed (default 1)
          --backlog N       messages queued for a destination that is down, and ones for another day (default 1000000; 0: leave out)
          --scheduled N     messages of a batch that is released in one second, and of one that is cancelled (default 100000; 0: leave out)
          --quick           6000 messages, one round, a backlog of 50000, 10000 scheduled; options after it win
          --statements      list PostgreSQL's statements by the time they took end to end, on standard error
          --json            print JSON instead of the table
        """;

    /// <returns>False with the reason when an option is unknown or its value makes no sense.</returns>
    public static bool TryParse(ReadOnlySpan<string> arguments, out BenchOptions options, out string refusal)
    {
        (options, refusal) = (Default, "");
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i];
            if (name == "--quick")
            {
                options = options with { Messages = 6_000, Rounds = 1, Backlog = 50_000, Scheduled = 10_000 };
                continue;
            }
            if (name == "--statements") { options = options with { Statements = true }; continue; }
            if (name == "--json") { options = options with { Json = true }; continue; }
            if (name is not ("--only" or "--messages" or "--rounds" or "--connections" or "--tenants" or "--backlog" or "--scheduled"
                or "--store"))
            {
                refusal = $"unknown option {name}";
                return false;
            }

            if (++i == arguments.Length) { refusal = $"{name} needs a value"; return false; }
            if (!options.TrySet(name, arguments[i], out options, out refusal)) return false;
        }

        // Last, because the store may be named after it.
        string[] products = [.. Product.All(options.Store).Select(product => product.Name)];
        if (options.Only is { } only && !only.All(products.Contains))
        {
            refusal = $"--only knows {string.Join(", ", products)}";
            return false;
        }

        return true;
    }

    bool TrySet(string name, string value, out BenchOptions changed, out string refusal)
    {
        (changed, refusal) = (this, "");
        switch (name)
        {
            case "--only":
                changed = this with { Only = value.Split(',') };
                return true;
            case "--store" when value is "sqlite" or "postgres":
                changed = this with { Store = value == "sqlite" ? BenchStore.Sqlite : BenchStore.Postgres };
                return true;
            case "--store":
                refusal = $"--store knows sqlite and postgres, not {value}";
                return false;
        }

        var (least, most) = name switch
        {
            "--messages" => (400, 10_000_000),
            "--rounds" => (1, 99),
            "--connections" => (1, 90),         // Postfix's default_process_limit is 100 smtpd processes
            "--tenants" => (1, 64),             // one a connection
            _ => (0, 100_000_000),
        };
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < least || number > most)
        {
            refusal = $"{name} takes a whole number from {least} to {most}, not {value}";
            return false;
        }

        changed = name switch
        {
            "--messages" => this with { Messages = number },
            "--rounds" => this with { Rounds = number },
            "--connections" => this with { Connections = number },
            "--tenants" => this with { Tenants = number },
            "--scheduled" => this with { Scheduled = number },
            _ => this with { Backlog = number },
        };
        return true;
    }
}
