using System.Globalization;

namespace Postrider.Bench;

/// <summary>What <c>./bench</c> was asked to measure.</summary>
/// <param name="Only">One product's name, or null for all.</param>
/// <param name="Messages">How many messages a round sends through postrider; Postfix gets a quarter, its rate being steadier and lower.</param>
/// <param name="Rounds">Every figure of the table is the median over so many rounds, each on a fresh instance.</param>
/// <param name="Backlog">How many messages wait for a destination that is down in the backlog scenario; 0 leaves it out.</param>
/// <param name="Connections">
/// How many clients submit at once, each waiting for its answer before it sends the next message; null: what suits each product best.
/// </param>
/// <param name="Json">Print the figures as JSON instead of the table.</param>
sealed record BenchOptions(string? Only, int Messages, int Rounds, int Backlog, int? Connections, bool Json)
{
    public static readonly BenchOptions Default = new(null, Messages: 20_000, Rounds: 3, Backlog: 1_000_000, Connections: null, Json: false);

    static readonly BenchOptions Quick = Default with { Messages = 6_000, Rounds = 1, Backlog = 50_000 };

    public const string Usage = """
        usage: ./bench [--quick] [--only NAME] [--messages N] [--rounds N] [--connections N] [--backlog N] [--store sqlite] [--json]

          --only NAME       postrider, postfix-opendkim or postfix
          --messages N      messages a round (default 20000; Postfix gets a quarter of them)
          --rounds N        rounds; the table shows medians (default 3)
          --connections N   clients that submit at once (default 64, Postfix 20: what suits each best)
          --backlog N       messages queued for a destination that is down (default 1000000; 0: leave this scenario out)
          --quick           6000 messages, one round, a backlog of 50000; options after it win
          --store sqlite    the store of postrider; postgres is not available yet
          --json            print JSON instead of the table
        """;

    /// <returns>False with the reason when an option is unknown or its value makes no sense.</returns>
    public static bool TryParse(ReadOnlySpan<string> arguments, IReadOnlyCollection<string> products, out BenchOptions options, out string refusal)
    {
        (options, refusal) = (Default, "");
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i];
            if (name == "--quick") { options = Quick with { Only = options.Only, Json = options.Json }; continue; }
            if (name == "--json") { options = options with { Json = true }; continue; }
            if (name is not ("--only" or "--messages" or "--rounds" or "--connections" or "--backlog" or "--store"))
            {
                refusal = $"unknown option {name}";
                return false;
            }

            if (++i == arguments.Length) { refusal = $"{name} needs a value"; return false; }
            if (!options.TrySet(name, arguments[i], products, out options, out refusal)) return false;
        }

        return true;
    }

    bool TrySet(string name, string value, IReadOnlyCollection<string> products, out BenchOptions changed, out string refusal)
    {
        (changed, refusal) = (this, "");
        switch (name)
        {
            case "--only" when products.Contains(value):
                changed = this with { Only = value };
                return true;
            case "--only":
                refusal = $"--only knows {string.Join(", ", products)}";
                return false;
            case "--store" when value == "sqlite":
                return true;
            case "--store":
                refusal = $"--store {value} is not available yet: the bench measures the SQLite store";
                return false;
        }

        var (least, most) = name switch
        {
            "--messages" => (400, 10_000_000),
            "--rounds" => (1, 99),
            "--connections" => (1, 90),         // Postfix's default_process_limit is 100 smtpd processes
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
            _ => this with { Backlog = number },
        };
        return true;
    }
}
