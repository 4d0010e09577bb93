using System.Diagnostics;

namespace Postrider.Mail.Tests.Mime;

/// <summary>Runs an interpreter on a script, once for a whole class of tests. That it is not installed is a failure, not a skip.</summary>
static class IndependentProgram
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<string> RunAsync(string program, string script, string argument)
    {
        using var process = Process.Start(new ProcessStartInfo(program, ["-", argument])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var timeout = new CancellationTokenSource(Patience);
        await process.StandardInput.WriteAsync(script);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync(timeout.Token);
        var output = await process.StandardOutput.ReadToEndAsync(timeout.Token);
        await process.WaitForExitAsync(timeout.Token);
        Assert.True(process.ExitCode == 0, $"{program} failed: {await errors}");
        return output;
    }
}
