using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Mail.Tests.Smtp.Server;

/// <summary>The server as a product hosts it: a Kestrel endpoint of its own, with no HTTP on it.</summary>
sealed class SmtpHost : IAsyncDisposable
{
    readonly WebApplication _app;

    SmtpHost(WebApplication app, IPEndPoint endPoint) => (_app, EndPoint) = (app, endPoint);

    public IPEndPoint EndPoint { get; }

    public static async Task<SmtpHost> StartAsync(ISmtpReceiver receiver, SmtpServerOptions? options = null)
    {
        var server = new SmtpServer(options ?? new() { HostName = "mx.example" }, receiver, TimeProvider.System);
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Logging.ClearProviders();
        ListenOptions? listen = null;
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
        {
            listen = endpoint;
            endpoint.Run(server.OnConnectedAsync);
        }));
        var app = builder.Build();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new SmtpHost(app, listen!.IPEndPoint!);
    }

    public static X509Certificate2 SelfSigned(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
