using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Postrider.Api;
using Postrider.Api.Public;
using Postrider.Capture;
using Postrider.Configuration;
using Postrider.Engine;
using Postrider.Engine.Composing;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Mail.Dns;
using Postrider.Mail.Smtp.Client;
using Postrider.Mail.Smtp.Server;
using Postrider.Operations;
using Postrider.Store.Postgres;
using Postrider.Store.Postgres.Nodes;

namespace Postrider.Hosting;

/// <summary>
/// Puts a server process together: store, engine, HTTP, the inbound listener, and in the demo the capture MX. What is wired here is wired
/// nowhere else.
/// </summary>
static class ServerHost
{
    /// <param name="store">Opened to serve; the caller disposes it after the application.</param>
    /// <param name="captured">Where the capture MX keeps mail; null when there is none.</param>
    public static WebApplication Build(Settings settings, IStore store, SecretBox secrets, IdGenerator ids, CaptureFolder? captured)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();      // ours are read already, and named; nothing else may change how the server runs
        ConfigureLogging(builder.Logging, settings);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.StopDelay + settings.Queue.Drain + TimeSpan.FromSeconds(4));
        if (store is PostgresStore shared)
            AddNode(builder.Services, shared, settings, ids);
        else
            builder.Services.AddSingleton<IOtherNodes, NoOtherNodes>();
        AddEngine(builder.Services, settings, store, secrets, ids);
        AddOperations(builder.Services, settings);
        builder.Services.AddPostriderApi(settings.Api);
        AddInbound(builder.Services, settings, captured, ids);
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, settings));

        var app = builder.Build();
        app.Use(app.Services.GetRequiredService<StopNotice>().CloseConnectionsAsync);
        app.MapPostriderApi();
        app.MapGet("/metrics", (PrometheusText metrics) => Results.Text(metrics.Write(), "text/plain; version=0.0.4"));
        if (captured is not null)
            app.MapCapture(captured);
        return app;
    }

    /// <summary>
    /// Starts it, or stops what had begun by then: the engine may have taken mail up before the listener found its port taken.
    /// </summary>
    public static async Task StartAsync(WebApplication app, CancellationToken cancel)
    {
        try
        {
            await app.StartAsync(cancel);
        }
        catch
        {
            await app.StopAsync(CancellationToken.None);
            throw;
        }
    }

    public static void ConfigureLogging(ILoggingBuilder logging, Settings settings)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(settings.LogLevel);
        logging.AddFilter("Microsoft", level => level >= LogLevel.Warning && level >= settings.LogLevel);
        // Why a start failed is told by the command, in one line instead of a page.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        if (settings.JsonLogs)
            logging.AddJsonConsole(console => console.UseUtcTimestamp = true);
        else
            logging.AddSimpleConsole(console => (console.SingleLine, console.UseUtcTimestamp, console.TimestampFormat) = (true, true, "yyyy-MM-ddTHH:mm:ss.fffZ "));
        // Standard output belongs to what a command prints.
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    static void AddEngine(IServiceCollection services, Settings settings, IStore store, SecretBox secrets, IdGenerator ids)
    {
        services.AddSingleton(settings).AddSingleton(settings.Intake).AddSingleton(TimeProvider.System).AddSingleton(ids).AddSingleton(secrets);
        services.AddSingleton(store)
            .AddSingleton<IIntakeStore>(store).AddSingleton<IQueueStore>(store).AddSingleton<IMessageReader>(store)
            .AddSingleton<IContentReader>(store).AddSingleton<ITenantStore>(store).AddSingleton<IBatchStore>(store)
            .AddSingleton<ISuppressionStore>(store).AddSingleton<IUnsubscribeGroupStore>(store)
            .AddSingleton<IDestinationReports>(store)
            .AddSingleton<IControlStore>(store).AddSingleton<IBatchOrderStore>(store)
            .AddSingleton<IReportStore>(store);
        services.AddSingleton<SenderDomains>().AddSingleton<ApiKeys>().AddSingleton<DkimKeys>().AddSingleton<MessageIntake>();
        services.AddSingleton<IResolver>(provider => new DnsResolver(settings.Resolver, TimeProvider.System));
        services.AddSingleton(provider => CreateEngine(provider, settings, ids));
        services.AddSingleton(settings.Control).AddSingleton<RunningAttempts>().AddSingleton<MessageControl>();
        services.AddSingleton<BatchControl>().AddHostedService(provider => provider.GetRequiredService<BatchControl>());
        services.AddSingleton<IQueueWakeup>(provider => provider.GetRequiredService<MailEngine>());
        services.AddHostedService(provider => provider.GetRequiredService<MailEngine>());
    }

    /// <summary>What a node among several has besides: a heartbeat, and what it and the others tell each other.</summary>
    static void AddNode(IServiceCollection services, PostgresStore store, Settings settings, IdGenerator ids)
    {
        var node = new Node(
            new NodeId(ids.Next()), string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}:{Environment.ProcessId}"),
            TimeProvider.System.GetUtcNow());
        services.AddSingleton<INodeStore>(store).AddSingleton<IListWalks>(store).AddSingleton(node);
        services.AddSingleton<NodePresence>().AddHostedService(provider => provider.GetRequiredService<NodePresence>());
        services.AddSingleton<IReadinessCheck, ClockCheck>();
        services.AddSingleton(provider => new NodeChannel(store, TimeProvider.System, ids, provider.GetRequiredService<ILogger<NodeChannel>>()));
        services.AddSingleton(provider => new PostgresCalls(
            provider.GetRequiredService<NodeChannel>(), () => provider.GetRequiredService<NodePresence>().LiveNodes, settings.Control, ids,
            provider.GetRequiredService<ILogger<PostgresCalls>>()));
        services.AddSingleton<IOtherNodes>(provider => provider.GetRequiredService<PostgresCalls>());
        services.AddHostedService(provider => new NodeTalk(
            store, provider.GetRequiredService<NodeChannel>(), provider.GetRequiredService<PostgresCalls>(),
            provider.GetRequiredService<MailEngine>(), provider.GetRequiredService<MessageControl>()));
    }

    static MailEngine CreateEngine(IServiceProvider provider, Settings settings, IdGenerator ids)
    {
        var time = TimeProvider.System;
        var presence = provider.GetService<NodePresence>();     // none for a store that serves one process: the serve lock says so
        var parts = new EngineParts(
            provider.GetRequiredService<IQueueStore>(),
            provider.GetRequiredService<ISuppressionStore>(),
            provider.GetRequiredService<IContentReader>(),
            provider.GetRequiredService<SenderDomains>(),
            provider.GetRequiredService<DkimKeys>(),
            provider.GetRequiredService<ReturnPaths>(),
            new MxLookup(provider.GetRequiredService<IResolver>(), NewRandom(), new MxLookupOptions { OwnName = OwnName(settings) }),
            new SmtpConnector(
                new SmtpClientOptions { HostName = settings.Delivery.HostName, Timeouts = settings.Timeouts }, new BrokenTlsMemory(time), time),
            ids,
            OthersAreDead: presence is null)
        {
            Control = provider.GetRequiredService<IControlStore>(),
            Attempts = provider.GetRequiredService<RunningAttempts>(),
            LiveNodes = () => presence?.LiveNodes ?? 1,
            ClockAgrees = () => presence is null || presence.Skew.Duration() <= NodePresence.MostSkew,
        };
        return new MailEngine(parts, settings.Delivery, settings.Queue, NewRandom(), time, provider.GetRequiredService<ILogger<MailEngine>>());
    }

    /// <summary>One for each user, for none is safe for two. Jitter and load spreading need no secret.</summary>
    static Random NewRandom()
    {
#pragma warning disable RS0030 // The one place randomness comes from.
        return new Random();
#pragma warning restore RS0030
    }

    static DnsName? OwnName(Settings settings) => DnsName.TryParse(settings.Delivery.HostName, out var name) ? name : null;

    /// <summary>Takes delivery reports and complaints; in the demo, on the same port, all other mail too.</summary>
    static void AddInbound(IServiceCollection services, Settings settings, CaptureFolder? captured, IdGenerator ids)
    {
        services.AddSingleton(provider => new ReturnPaths(provider.GetRequiredService<SecretBox>(), settings.Delivery.ReturnPathDomain));
        services.AddSingleton(provider => new ReportIntake(
            provider.GetRequiredService<IReportStore>(), provider.GetRequiredService<IMessageReader>(),
            provider.GetRequiredService<ReturnPaths>(), settings.Delivery.Bounces, settings.Delivery.ReturnPathDomain,
            TimeProvider.System, provider.GetRequiredService<ILogger<ReportIntake>>()));
        services.AddSingleton<ReportReceiver>();
        services.AddSingleton(provider =>
        {
            var reports = provider.GetRequiredService<ReportReceiver>();
            var options = new SmtpServerOptions { HostName = settings.Delivery.HostName };
            return captured is null
                ? new SmtpServer(InboundLimits.Of(options), reports, TimeProvider.System, provider.GetRequiredService<ILogger<SmtpServer>>())
                : new SmtpServer(options, new DemoReceiver(new CaptureReceiver(captured, ids, TimeProvider.System), reports), TimeProvider.System);
        });
    }

    static void AddOperations(IServiceCollection services, Settings settings)
    {
        services.AddSingleton(new PrometheusText(EngineMetrics.MeterName));
        services.AddSingleton<QueueWatch>().AddHostedService(provider => provider.GetRequiredService<QueueWatch>());
        services.AddHostedService<DestinationWatch>();
        services.AddHostedService<Housekeeping>();
        services.AddSingleton<IReadinessCheck, DatabaseCheck>()
            .AddSingleton<IReadinessCheck, DispatcherCheck>()
            .AddSingleton<IReadinessCheck, OldestDueCheck>();
        services.AddSingleton<StopNotice>()
            .AddSingleton<IReadinessCheck>(provider => provider.GetRequiredService<StopNotice>())
            .AddHostedService(provider => provider.GetRequiredService<StopNotice>());
        if (settings.OtlpEndpoint is { } endpoint)
            services.AddHostedService(_ => new OtlpExport(endpoint));
    }

    static void Listen(KestrelServerOptions kestrel, Settings settings)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = null;       // each dialect has its own limit, and its own words for passing it
        foreach (var url in settings.Listen)
        {
            if (IPAddress.TryParse(url.Host, out var address))
                kestrel.Listen(address, url.Port);
            else
                kestrel.ListenLocalhost(url.Port);
        }
        if (settings.Inbound is { } inbound)
            kestrel.Listen(inbound, endpoint => endpoint.UseSmtp(kestrel.ApplicationServices.GetRequiredService<SmtpServer>()));
    }

    /// <summary>Where it answers, for a person to paste.</summary>
    public static string AddressOf(Settings settings) => string.Create(CultureInfo.InvariantCulture, $"{settings.Listen[0].Scheme}://{settings.Listen[0].Authority}");
}
