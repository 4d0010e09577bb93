using System.Diagnostics;
using System.Reflection;
using Postrider.Fuzz;

// fuzz TARGET [seconds] [seed]      one target, or "all"; the same seed gives the same inputs
// fuzz --input FILE TARGET          one input again
var targets = Targets();
if (args is ["--input", var file, var replayed] && targets.TryGetValue(replayed, out var once))
{
    once.Run(File.ReadAllBytes(file));
    return 0;
}

var chosen = args is ["all", ..] ? [.. targets.Values]
    : args is [var name, ..] && targets.TryGetValue(name, out var one) ? [one]
    : Array.Empty<FuzzTarget>();
var (seconds, seed) = (10, 1);
if (chosen.Length == 0 || args.Length > 3 || (args.Length > 1 && !int.TryParse(args[1], out seconds))
    || (args.Length > 2 && !int.TryParse(args[2], out seed)))
{
    Console.Error.WriteLine(
        $"usage: fuzz TARGET|all [seconds] [seed]\n       fuzz --input FILE TARGET\ntargets: {string.Join(' ', targets.Keys)}");
    return 2;
}

return chosen.All(target => Survives(target, TimeSpan.FromSeconds(seconds), seed)) ? 0 : 1;

static bool Survives(FuzzTarget target, TimeSpan time, int seed)
{
    // A seeded Random makes the run repeatable, which is what the ban on unseeded ones is for.
#pragma warning disable RS0030
    var mutator = new Mutator(target.Seeds, new Random(seed));
#pragma warning restore RS0030
    var (watch, runs, slowest) = (Stopwatch.StartNew(), 0L, TimeSpan.Zero);
    foreach (var input in target.Seeds.Concat(Endless(mutator)))
    {
        var start = watch.Elapsed;
        if (start > time)
            break;
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            var saved = Path.Combine(Path.GetTempPath(), $"fuzz-{target.Name}-{seed}-{runs}.bin");
            File.WriteAllBytes(saved, input);
            Console.Error.WriteLine($"{target.Name}: run {runs} of seed {seed} failed; its input is in {saved}\n{e}");
            return false;
        }
        runs++;
        slowest = watch.Elapsed - start > slowest ? watch.Elapsed - start : slowest;
    }
    Console.WriteLine($"{target.Name}: {runs} runs, the slowest {slowest.TotalMilliseconds:0.0} ms");
    return true;
}

static IEnumerable<byte[]> Endless(Mutator mutator)
{
    while (true)
        yield return mutator.Next();
}

// Every static class here whose name ends in Targets lists some, so that a new one is a new file and no line here.
static SortedDictionary<string, FuzzTarget> Targets() => new(
    (from type in Assembly.GetExecutingAssembly().GetTypes()
     where type.Name.EndsWith("Targets", StringComparison.Ordinal)
     let all = type.GetProperty("All", BindingFlags.Public | BindingFlags.Static) ?? throw new MissingMemberException(type.Name, "All")
     from target in (IEnumerable<FuzzTarget>)all.GetValue(null)!
     select target).ToDictionary(target => target.Name),
    StringComparer.Ordinal);
