using Postrider.Bench.Machine;

namespace Postrider.Bench.Products;

/// <summary>The program that <c>./bench</c> has built.</summary>
static class PostriderProgram
{
    public static string Path
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (!File.Exists(System.IO.Path.Combine(folder.FullName, "Postrider.slnx"))) continue;
                var program = System.IO.Path.Combine(folder.FullName, "artifacts/postrider/postrider");
                return File.Exists(program) ? program : throw new BenchFault($"{program} is not there: start the bench with ./bench");
            }

            throw new BenchFault("the bench must run inside the source tree");
        }
    }

    /// <summary>Runs one of its commands to the end, and gives what it prints.</summary>
    public static Task<string> RunAsync(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken cancel) =>
        ChildProcess.RunAsync(Path, arguments, cancel, environment);
}
