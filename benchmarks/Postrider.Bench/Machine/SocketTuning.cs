namespace Postrider.Bench.Machine;

/// <summary>
/// Runs what follows a socket's completion on the thread that polls the sockets: one thread drives all connections of the load
/// generator, with no hand-over to the pool. The product under test must not inherit this.
/// </summary>
static class SocketTuning
{
    static readonly (string Name, string Value)[] Settings =
        [("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"), ("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1")];

    /// <summary>Takes effect only before the process's first socket.</summary>
    public static void ApplyToThisProcess()
    {
        foreach (var (name, value) in Settings) Environment.SetEnvironmentVariable(name, value);
    }

    public static void RemoveFrom(IDictionary<string, string?> environment)
    {
        foreach (var (name, _) in Settings) environment.Remove(name);
    }
}
