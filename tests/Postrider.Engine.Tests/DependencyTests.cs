using System.Xml.Linq;
using Postrider.Engine.Queue;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Tests;

/// <summary>DESIGN §5: dependencies point one way, Mail ← Engine ← stores and Api ← Postrider.</summary>
public sealed class DependencyTests
{
    static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Postrider.Mail"] = [],
        ["Postrider.Engine"] = ["Postrider.Mail"],
        ["Postrider.Store.Sqlite"] = ["Postrider.Engine", "Postrider.Mail"],
        ["Postrider.Store.Postgres"] = ["Postrider.Engine", "Postrider.Mail"],
        ["Postrider.Api"] = ["Postrider.Engine", "Postrider.Mail"],
    };

    [Fact]
    public void Projects_refer_only_to_those_below_them()
    {
        var projects = Directory.GetFiles(Path.Combine(RepositoryRoot, "src"), "*.csproj", SearchOption.AllDirectories);

        Assert.NotEmpty(projects);
        foreach (var project in projects)
        {
            var name = Path.GetFileNameWithoutExtension(project);
            var references = XDocument.Load(project).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!)).ToArray();
            if (name == "Postrider")
                continue;       // on top: it may know all
            Assert.True(Allowed.ContainsKey(name), $"{name} has no place in DESIGN §5");
            Assert.Empty(references.Except(Allowed[name]));
        }
    }

    [Fact]
    public void Mail_has_no_package_and_the_engine_neither_sql_nor_http()
    {
        var mail = typeof(Mailbox).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name!);
        var engine = typeof(QueueOptions).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name!);
        var project = XDocument.Load(Path.Combine(RepositoryRoot, "src", "Postrider.Mail", "Postrider.Mail.csproj"));

        string[] barred =
        [
            "System.Data", "Microsoft.Data", "SQLitePCL", "Npgsql", "Dapper", "System.Net.Http", "Microsoft.AspNetCore.Http",
            "Microsoft.AspNetCore.Routing",
        ];
        Assert.DoesNotContain(mail.Concat(engine), name => Array.Exists(barred, start => name.StartsWith(start, StringComparison.Ordinal)));
        Assert.Empty(project.Descendants("PackageReference"));
    }

    static string RepositoryRoot
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Postrider.slnx")))
                folder = folder.Parent;
            return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }
    }
}
