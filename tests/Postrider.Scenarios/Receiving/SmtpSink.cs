using System.Globalization;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.Receiving;

/// <summary>Postfix's smtp-sink, which dumps each message it takes into a file.</summary>
sealed class SmtpSink : IAsyncDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postrider-sink-");
    readonly ExternalProgram _program;

    SmtpSink(int port)
    {
        Port = port;
        string[] user = Environment.UserName == "root" ? ["-u", "root"] : [];       // it wants to be told
        var listen = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        _program = ExternalProgram.Start("smtp-sink", [.. user, "-d", Path.Combine(_folder.FullName, "m."), listen, "100"]);
    }

    public int Port { get; }

    public string Route => $"Smtp:Routes=*=127.0.0.1:{Port}";

    public static async Task<SmtpSink> StartAsync()
    {
        var sink = new SmtpSink(Ports.Free());
        try
        {
            await sink._program.WaitForPortAsync(sink.Port, TestContext.Current.CancellationToken);
            return sink;
        }
        catch
        {
            await sink.DisposeAsync();
            throw;
        }
    }

    /// <summary>The messages, once so many came: without the lines that smtp-sink puts above them, and with its LF line ends.</summary>
    public async Task<byte[][]> DumpsAsync(int count)
    {
        var files = await Eventually.SeesAsync(
            () => Task.FromResult(_folder.GetFiles()),
            all => all.Length == count && all.All(file => file.Length > 0),
            $"{count} messages are dumped");
        return [.. files.Select(file => WithoutEnvelope(File.ReadAllBytes(file.FullName)))];
    }

    public async ValueTask DisposeAsync()
    {
        await _program.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    static byte[] WithoutEnvelope(byte[] dump)
    {
        var at = 0;
        while (dump.AsSpan(at).StartsWith("X-"u8) || dump.AsSpan(at).StartsWith("Received:"u8) || dump.AsSpan(at).StartsWith("\t"u8))
            at += dump.AsSpan(at).IndexOf((byte)'\n') + 1;
        return dump[at..];
    }
}
