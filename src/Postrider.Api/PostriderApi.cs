using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Postrider.Api.Auth;
using Postrider.Api.Public;
using Postrider.Api.RateLimits;
using Postrider.Api.ScaiSend;
using Postrider.Api.ScaiSend.Batches;
using Postrider.Api.ScaiSend.Send;
using Postrider.Api.ScaiSend.Suppressions;
using Postrider.Engine.Messages;

namespace Postrider.Api;

/// <summary>The HTTP side of the product. It translates to and from the engine, which the host registers.</summary>
/// <remarks>
/// Needs as singletons: <see cref="Engine.Intake.MessageIntake"/>, <see cref="Engine.Messages.IMessageReader"/>,
/// <see cref="Engine.Messages.IBatchStore"/>, <see cref="Engine.Control.BatchControl"/>, <see cref="Engine.Control.IBatchOrderStore"/>,
/// <see cref="Engine.Control.MessageControl"/>, <see cref="Engine.Suppressions.ISuppressionStore"/>,
/// <see cref="Engine.Suppressions.IUnsubscribeGroupStore"/>, <see cref="Engine.Messages.IdGenerator"/>, <see
/// cref="Engine.Tenants.ApiKeys"/>; a
/// <see cref="TimeProvider"/> if not the system's; any number of <see cref="IReadinessCheck"/>.
/// </remarks>
public static class PostriderApi
{
    /// <exception cref="ArgumentException">A setting cannot be served; the message names all of them.</exception>
    public static IServiceCollection AddPostriderApi(this IServiceCollection services, ApiOptions options)
    {
        if (options.FindFaults() is { Count: > 0 } faults)
            throw new ArgumentException(string.Join(' ', faults), nameof(options));

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IListWalks>(new LocalListWalks(options.ScaiSend.PageMemory));
        services.AddRouting();
        return services
            .AddSingleton(options).AddSingleton(options.ScaiSend).AddSingleton(options.RateLimits)
            .AddSingleton<BearerAuthenticator>().AddSingleton<RateLimiter>().AddSingleton<OutageLog>()
            .AddSingleton<ScaiSendGate>().AddSingleton<ScaiSendRoutes>().AddSingleton<SendTranslator>().AddSingleton<SendEndpoint>()
            .AddSingleton<BatchRoutes>().AddSingleton<BatchEndpoints>().AddSingleton<BatchOrderEndpoints>()
            .AddSingleton<ScheduledSendEndpoints>()
            .AddSingleton<MessageEndpoints>().AddSingleton<ControlEndpoints>()
            .AddSingleton<SuppressionRoutes>().AddSingleton<SuppressionLists>().AddSingleton<BounceEndpoints>().AddSingleton<BounceImport>()
            .AddSingleton<SpamReportEndpoints>().AddSingleton<UnsubscribeEndpoints>().AddSingleton<GroupEndpoints>()
            .AddSingleton<GroupSuppressionEndpoints>()
            .AddSingleton<HealthEndpoints>();
    }

    public static void MapPostriderApi(this IEndpointRouteBuilder endpoints)
    {
        var services = endpoints.ServiceProvider;
        services.GetRequiredService<HealthEndpoints>().Map(endpoints);
        services.GetRequiredService<ScaiSendRoutes>().Map(endpoints);
    }
}
