using System.CommandLine;
using System.Net;
using Postrider.Capture;
using Postrider.Engine.Messages;
using Postrider.Hosting;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Commands;

/// <summary><c>postrider capture</c>: the capture MX on its own.</summary>
static class CaptureCommand
{
    static readonly Option<IPEndPoint> Listen = new("--listen")
    {
        Description = "Address and port, 127.0.0.1:2525",
        DefaultValueFactory = _ => new IPEndPoint(IPAddress.Loopback, 2525),
        CustomParser = result =>
        {
            if (IPEndPoint.TryParse(result.Tokens[0].Value, out var endPoint) && endPoint.Port > 0)
                return endPoint;
            result.AddError($"--listen: \"{result.Tokens[0].Value}\" is not address:port");
            return null;
        },
    };

    static readonly Option<string> Dir = new("--dir") { Description = "Where captured mail is kept", Required = true };

    public static Command Create()
    {
        var command = new Command("capture", "Receive mail for anybody and keep it in a folder.") { Listen, Dir };
        command.Does(async (parsed, cancel) =>
        {
            var settings = CommandLine.SettingsOf(parsed, demo: false);
            var endPoint = parsed.GetRequiredValue(Listen);
            var receiver = new CaptureReceiver(
                new CaptureFolder(parsed.GetRequiredValue(Dir)), new IdGenerator(TimeProvider.System), TimeProvider.System);
            var server = new SmtpServer(new SmtpServerOptions { HostName = settings.Delivery.HostName }, receiver, TimeProvider.System);

            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            ServerHost.ConfigureLogging(builder.Logging, settings);
            builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(endPoint, listen => listen.UseSmtp(server)));
            await using var app = builder.Build();
            await app.StartAsync(cancel);
            await Console.Out.WriteLineAsync($"Capturing mail at {endPoint} into {parsed.GetRequiredValue(Dir)}");
            await app.WaitForShutdownAsync(cancel);
            return ExitCode.Done;
        });
        return command;
    }
}
