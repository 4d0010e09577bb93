using System.Globalization;
using Postrider.Configuration;
using Postrider.Engine.Moving;

namespace Postrider.Commands;

/// <summary>What a copy tells the operator in the end.</summary>
static class CopyReport
{
    /// <summary>A line a table: rows and checksum on each side.</summary>
    public static string TableOf(CopyOutcome.Compared compared)
    {
        var lines = new List<string> { $"{"table",-20} {"rows",12} {"checksum",-32}" };
        foreach (var (table, source, target) in compared.Tables)
        {
            lines.Add(LineOf(table.Name, source) + (source == target ? "  equal" : "  DIFFERENT, in the target:"));
            if (source != target)
                lines.Add(LineOf("", target));
        }
        return string.Join(Environment.NewLine, lines);
    }

    static string LineOf(string table, TableDigest digest) =>
        string.Create(CultureInfo.InvariantCulture, $"{table,-20} {digest.Rows,12} {digest.Sum:x32}");

    public static string WhyDifferent(CopyOutcome.Compared compared, StoreAddress to)
    {
        var differ = string.Join(", ", compared.Tables.Where(table => !table.IsEqual).Select(table => table.Table.Name));
        return $"Not the same in both stores: {differ}. Most likely the source was changed between two runs. "
            + $"{to} cannot be served as it is: drop it, make it anew, and copy again.";
    }

    /// <param name="keyIsSet">Whether Secrets:Key is given, here at least.</param>
    public static string WhatIsLeft(StoreAddress from, StoreAddress to, bool keyIsSet)
    {
        var key = (from, to) switch
        {
            _ when keyIsSet => "the Secrets:Key that is set here",
            (StoreAddress.Sqlite { Path: var path }, _) => $"what {Path.ChangeExtension(path, ".key")} holds, as Secrets:Key",
            _ => "the Secrets:Key of the nodes that served the source",
        };
        var where = to is StoreAddress.Sqlite { Path: var file }
            ? $"in {Path.ChangeExtension(file, ".key")} (mode 0600) or as Secrets:Key" : "on every node";
        return $"""
            Copied and compared. What is left to do:
            - Master key: DKIM keys are sealed and came over as they are. Set {key}, {where}.
            - Start the servers with --store on {to}.
            - Never serve from {from} again: what was waiting there would go out a second time. Put it away.
            """;
    }
}
