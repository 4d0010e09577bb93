using System.Runtime.CompilerServices;

namespace Postrider.Mail.Tests;

/// <summary>docs/rfc.md is held to the sources, both ways.</summary>
public sealed class CitationTests
{
    static readonly string Root = FindRoot();

    [Fact]
    public void Every_RFC_that_the_code_cites_is_listed()
    {
        var listed = CitedIn(File.ReadAllText(Path.Combine(Root, "docs/rfc.md")));

        var missing = Sources().SelectMany(file => CitedIn(File.ReadAllText(file))).Distinct().Except(listed);

        Assert.Empty(missing);
    }

    [Fact]
    public void Every_RFC_that_is_listed_is_cited_by_the_code()
    {
        var cited = Sources().SelectMany(file => CitedIn(File.ReadAllText(file))).ToHashSet();

        var idle = CitedIn(File.ReadAllText(Path.Combine(Root, "docs/rfc.md"))).Except(cited);

        Assert.Empty(idle);
    }

    static IEnumerable<string> Sources() =>
        new[] { "src", "tests", "benchmarks" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.*", SearchOption.AllDirectories))
            .Where(file => Path.GetExtension(file) is ".cs" or ".sql" or ".csproj")
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    static HashSet<int> CitedIn(string text)
    {
        const string word = "RFC ";
        var cited = new HashSet<int>();
        for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + 1, StringComparison.Ordinal))
        {
            var digits = text.AsSpan(at + word.Length);
            var length = digits.IndexOfAnyExceptInRange('0', '9') is var end and >= 0 ? end : digits.Length;
            if (length is > 0 and <= 5)
                cited.Add(int.Parse(digits[..length], System.Globalization.CultureInfo.InvariantCulture));
        }
        return cited;
    }

    static string FindRoot([CallerFilePath] string here = "")
    {
        var folder = new FileInfo(here).Directory;
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Postrider.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests run inside the source tree.");
    }
}
