using System.Diagnostics;
using System.Globalization;

namespace Postrider.Testing;

/// <summary>
/// A PostgreSQL 15 cluster of a test run's own (Debian's postgresql-15), in a temporary folder, on a loopback port and a socket in that
/// folder; stopped and swept away by dispose. As PostgreSQL refuses to run as root, root starts it as the package's user.
/// </summary>
/// <remarks>It can be copied, cut off, frozen, killed and replaced by a standby: what a server does to its clients in bad hours.</remarks>
public sealed class PostgresCluster : IAsyncDisposable
{
    const string Programs = "/usr/lib/postgresql/15/bin";
    const string PackageUser = "postgres";
    const string Superuser = "postrider";
    const string Detached = """out=$1; shift; exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec "$@" >"$out" 2>&1 </dev/null""";
    const int MaxStarts = 5;    // another process may take the port between our look and the server's

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly DirectoryInfo _folder;
    readonly string _settings;
    bool _killed;

    PostgresCluster(DirectoryInfo folder, int port, bool durable, string? settings)
    {
        (_folder, Port) = (folder, port);
        // Without fsync the tests of one assembly take a third of the time; a killed server still loses nothing, only a power cut would.
        _settings = (durable ? "" : "-c fsync=off -c synchronous_commit=off -c full_page_writes=off ") + settings;
    }

    public int Port { get; private set; }

    /// <summary>The server's first process; those of its connections are its children.</summary>
    public int ProcessId => int.Parse(File.ReadLines(Path.Combine(Data, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    string Data => Path.Combine(_folder.FullName, "data");

    /// <param name="durable">Whether commits reach the disk, as in production.</param>
    /// <param name="settings">More of the server's command line, e.g. <c>-c max_connections=50</c>.</param>
    /// <exception cref="InvalidOperationException">PostgreSQL is not installed, or does not start; says what it said.</exception>
    public static async Task<PostgresCluster> StartAsync(bool durable, string? settings = null, CancellationToken cancel = default)
    {
        var cluster = await MakeFolderAsync(durable, settings, cancel);
        // The C locale, in which the server knows upper from lower case in ASCII only: the store may not depend on a better one.
        await RunAsServerAsync(
            "initdb", ["-D", cluster.Data, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], cancel);
        return await StartSomewhereAsync(cluster, cancel);
    }

    /// <summary>A new cluster with all that this one holds, which must have been stopped: far cheaper than filling another.</summary>
    public async Task<PostgresCluster> StartCopyAsync(bool durable, string? settings = null, CancellationToken cancel = default)
    {
        var copy = await MakeFolderAsync(durable, settings, cancel);
        await RunAsync("cp", ["-a", Data, copy.Data], cancel);
        return await StartSomewhereAsync(copy, cancel);
    }

    /// <summary>A server that follows this one, and without which from now on nothing is committed here.</summary>
    public async Task<PostgresCluster> StartSynchronousStandbyAsync(CancellationToken cancel = default)
    {
        var standby = await MakeFolderAsync(durable: true, null, cancel);
        await RunAsServerAsync("pg_basebackup", [.. Client(), "-D", standby.Data, "-R", "-X", "stream", "-c", "fast", "--no-sync"], cancel);
        await StartSomewhereAsync(standby, cancel);
        await QueryAsync("postgres", "alter system set synchronous_standby_names = '*'", cancel);
        await QueryAsync("postgres", "select pg_reload_conf()", cancel);
        return standby;
    }

    /// <summary>Makes a standby the one that takes writes.</summary>
    public Task PromoteAsync(CancellationToken cancel = default) => RunAsServerAsync("pg_ctl", ["-D", Data, "-w", "promote"], cancel);

    /// <summary>SIGKILL to every process of it: as if its machine had gone.</summary>
    public async Task KillAsync()
    {
        _killed = true;
        var processes = Processes();
        await Signal.SendAsync("KILL", processes);
        foreach (var process in processes)
            await Signal.UntilGoneAsync(process);
    }

    /// <summary>SIGSTOP to every process of it: it takes connections, and answers nothing, until it is thawed.</summary>
    public async Task<IAsyncDisposable> FreezeAsync()
    {
        var frozen = Processes();
        await Signal.SendAsync("STOP", frozen);
        return new Frost(frozen);
    }

    int[] Processes()
    {
        var postmaster = int.Parse(File.ReadLines(Path.Combine(Data, "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        return [postmaster, .. Signal.ChildrenOf(postmaster)];
    }

    sealed class Frost(int[] frozen) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await Signal.SendAsync("CONT", frozen);
    }

    static async Task<PostgresCluster> MakeFolderAsync(bool durable, string? settings, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("postrider-pg-");
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", [PackageUser, folder.FullName], cancel);
        return new PostgresCluster(folder, 0, durable, settings);
    }

    static async Task<PostgresCluster> StartSomewhereAsync(PostgresCluster cluster, CancellationToken cancel)
    {
        for (var start = 1; ; start++)
        {
            cluster.Port = ExternalProgram.FreePort();
            try
            {
                await cluster.StartAsync(cancel);
                return cluster;
            }
            catch (InvalidOperationException) when (start < MaxStarts)
            {
                // Most likely its port was taken.
            }
            catch
            {
                await cluster.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>As the server is told it.</summary>
    public string Address(string database) => $"postgres://{Superuser}@{HostAndPort}/{database}";

    /// <summary>As the server is told it, with another to turn to when this one is away.</summary>
    public string Address(string database, PostgresCluster standby) =>
        $"postgres://{Superuser}@{HostAndPort},{standby.HostAndPort}/{database}";

    string HostAndPort => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    /// <summary>In Npgsql's form.</summary>
    public string ConnectionString(string database) => string.Create(
        CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={Port};Username={Superuser};Database={database}");

    public Task CreateDatabaseAsync(string name, string template = "template0", CancellationToken cancel = default) =>
        RunAsync(Path.Combine(Programs, "createdb"), [.. Client(), "-T", template, name], cancel);

    public Task DropDatabaseAsync(string name, CancellationToken cancel = default) =>
        RunAsync(Path.Combine(Programs, "dropdb"), [.. Client(), "--force", "--if-exists", name], cancel);

    /// <summary>
    /// Runs a statement as an operator would, and gives what it prints: values only, a row a line, columns apart by <c>|</c>.
    /// </summary>
    public Task<string> QueryAsync(string database, string sql, CancellationToken cancel = default) =>
        RunAsync(Path.Combine(Programs, "psql"), [.. Client(), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql], cancel);

    /// <param name="immediately">As after a crash: connections are cut, and the server recovers from its log when it starts again.</param>
    public Task StopAsync(bool immediately, CancellationToken cancel = default) =>
        RunAsServerAsync("pg_ctl", ["-D", Data, "-m", immediately ? "immediate" : "fast", "-w", "stop"], cancel);

    public Task StartAsync(CancellationToken cancel = default) => RunAsServerAsync(
        "pg_ctl",
        [
            "-D", Data, "-w", "-t", "50", "-l", Path.Combine(_folder.FullName, "log"),
            "-o", string.Create(CultureInfo.InvariantCulture, $"-p {Port} -k {_folder.FullName} -c listen_addresses=127.0.0.1 {_settings}"),
            "start",
        ],
        cancel);

    public async ValueTask DisposeAsync()
    {
        if (!_killed && File.Exists(Path.Combine(Data, "postmaster.pid")))
            await StopAsync(immediately: true);
        _folder.Delete(recursive: true);
    }

    string[] Client() => ["-h", _folder.FullName, "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", Superuser];

    static Task<string> RunAsServerAsync(string program, IEnumerable<string> arguments, CancellationToken cancel)
    {
        var path = Path.Combine(Programs, program);
        return Environment.IsPrivilegedProcess
            ? RunAsync("runuser", ["-u", PackageUser, "--", path, .. arguments], cancel)
            : RunAsync(path, arguments, cancel);
    }

    /// <remarks>
    /// Its output goes through files, and what this process has inherited is closed: the server that pg_ctl leaves behind would hold a
    /// pipe, or the lock of whoever runs the tests, for as long as it lives.
    /// </remarks>
    static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancel)
    {
        if (Path.IsPathRooted(program) && !File.Exists(program))
            throw new InvalidOperationException($"{program} is needed: apt-get install postgresql-15");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        var output = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("/bin/sh", ["-c", Detached, "sh", output, program, .. arguments]) { WorkingDirectory = "/" };
            using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
            await process.WaitForExitAsync(limit.Token);
            var said = await File.ReadAllTextAsync(output, CancellationToken.None);
            return process.ExitCode == 0 ? said : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {said}");
        }
        finally
        {
            File.Delete(output);
        }
    }
}
