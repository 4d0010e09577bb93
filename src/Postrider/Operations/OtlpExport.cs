using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using Postrider.Engine;

namespace Postrider.Operations;

/// <summary>
/// Sends the instruments to an OTLP collector. An address with a path is OTLP over HTTP (<c>…:4318/v1/metrics</c>), one without is gRPC
/// (<c>…:4317</c>).
/// </summary>
sealed class OtlpExport(Uri endpoint) : IHostedService
{
    MeterProvider? _provider;

    public Task StartAsync(CancellationToken cancel)
    {
        _provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter(EngineMetrics.MeterName, "System.Runtime", "Microsoft.AspNetCore.Hosting")
            .AddOtlpExporter(exporter =>
            {
                exporter.Endpoint = endpoint;
                exporter.Protocol = endpoint.AbsolutePath.Length > 1 ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
            })
            .Build();
        return Task.CompletedTask;
    }

    /// <summary>What was counted since the last export goes out first.</summary>
    public Task StopAsync(CancellationToken cancel)
    {
        _provider?.Dispose();
        return Task.CompletedTask;
    }
}
