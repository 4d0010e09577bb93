using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Postrider.Api.Public;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Testing;

namespace Postrider.Api.Tests;

/// <summary>The API alone on a port of its own, its store in memory and its clock by hand.</summary>
public sealed class ApiHost : IAsyncLifetime
{
    readonly ApiOptions _options;
    readonly IReadinessCheck[] _checks;
    readonly IdGenerator _ids;
    WebApplication? _app;

    public ApiHost() : this(new ApiOptions())
    {
    }

    internal ApiHost(ApiOptions options, params IReadinessCheck[] checks)
    {
        (_options, _checks) = (options, checks);
        _ids = new IdGenerator(Time);
    }

    public ManualTime Time { get; } = new();

    internal MemoryStore Store { get; } = new();

    internal MemorySuppressions Suppressions { get; } = new();

    public Uri Address { get; private set; } = new("http://127.0.0.1/");

    internal IEnumerable<RouteEndpoint> Endpoints =>
        ((IEndpointRouteBuilder)_app!).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>();

    internal IServiceProvider Services => _app!.Services;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<TimeProvider>(Time).AddSingleton(_ids);
        builder.Services.AddSingleton<IIntakeStore>(Store).AddSingleton<ITenantStore>(Store).AddSingleton<IMessageReader>(Store)
            .AddSingleton<IBatchStore>(Store).AddSingleton<IQueueWakeup>(Store);
        builder.Services.AddSingleton<ISuppressionStore>(Suppressions).AddSingleton<IUnsubscribeGroupStore>(Suppressions);
        builder.Services.AddSingleton(new IntakeOptions()).AddSingleton<SenderDomains>().AddSingleton<MessageIntake>().AddSingleton<ApiKeys>();
        builder.Services.AddSingleton<IControlStore>(Store).AddSingleton(new ControlOptions()).AddSingleton<RunningAttempts>()
            .AddSingleton<IOtherNodes, NoOtherNodes>().AddSingleton<MessageControl>();
        builder.Services.AddSingleton<IBatchOrderStore>(Store).AddSingleton<BatchControl>();
        foreach (var check in _checks)
            builder.Services.AddSingleton(check);
        builder.Services.AddPostriderApi(_options);
        _app = builder.Build();
        _app.MapPostriderApi();
        await _app.StartAsync();
        Address = new Uri(_app.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }

    /// <summary>Unsubscribe groups 1 to <paramref name="count"/>.</summary>
    internal async Task AddGroupsAsync(TenantId tenant, int count)
    {
        for (var i = 1; i <= count; i++)
            await Suppressions.AddGroupAsync(tenant, new UnsubscribeGroup(0, $"Group {i}", "Mail", false), Time.GetUtcNow(), CancellationToken.None);
    }

    /// <summary>A tenant of its own, with a key and the verified domain <c>acme.test</c>.</summary>
    internal Caller NewCaller(params string[] scopes) => NewCaller(new CallerOptions { Scopes = scopes });

    internal Caller NewCaller(CallerOptions options)
    {
        var now = Time.GetUtcNow();
        var tenant = new Tenant(options.Tenant ?? new TenantId(_ids.Next()), "acme", now, options.Suspended);
        var secret = ApiKeys.NewSecret(Dialect.ScaiSend, options.Test);
        Store.Add(
            new ApiKey(new ApiKeyId(_ids.Next()), tenant.Id, options.Dialect, "key", secret[..16], ApiKeys.HashOf(secret), options.Scopes, options.Test, now),
            tenant);
        Assert.True(Domain.TryParse("acme.test", out var domain));
        Store.AddVerified(new SendingDomain(new DomainId(_ids.Next()), tenant.Id, domain, "s1", [], now, now));
        return new Caller(this, tenant.Id, secret);
    }
}

sealed record CallerOptions
{
    public TenantId? Tenant { get; init; }
    public string[] Scopes { get; init; } = ["mail.send", "mail.schedule", "stats.read"];
    public bool Test { get; init; }
    public bool Suspended { get; init; }
    public Dialect Dialect { get; init; } = Dialect.ScaiSend;
}

sealed class Caller
{
    readonly ApiHost _host;
    readonly HttpClient _http;

    public Caller(ApiHost host, TenantId tenant, string secret)
    {
        (_host, Tenant) = (host, tenant);
        _http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = host.Address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
    }

    public TenantId Tenant { get; }

    public HttpClient Http => _http;

    public IReadOnlyList<MessageView> Stored => _host.Store.MessagesOf(Tenant);

    public Task<Answer> Send(string json, params (string Name, string Value)[] headers) =>
        Post("/v3/mail/send", new StringContent(json, Encoding.UTF8, "application/json"), headers);

    public Task<Answer> Send(JsonNode body) => Send(body.ToJsonString());

    /// <summary>Any method; the body, if there is one, is JSON.</summary>
    public async Task<Answer> Ask(string method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return await Answer.Of(await _http.SendAsync(request));
    }

    public async Task<Answer> Post(string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        foreach (var (name, value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value) || request.Content!.Headers.TryAddWithoutValidation(name, value));
        return await Answer.Of(await _http.SendAsync(request));
    }

    public async Task<Answer> Get(string path) => await Answer.Of(await _http.GetAsync(new Uri(path, UriKind.Relative)));
}

sealed record Answer(int Status, HttpResponseHeaders Headers, JsonNode? Body, string Text)
{
    public static async Task<Answer> Of(HttpResponseMessage response)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync();
            return new Answer((int)response.StatusCode, response.Headers, text.Length > 0 ? JsonNode.Parse(text) : null, text);
        }
    }

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? string.Join(",", values) : null;

    /// <summary>The <c>field</c> of each error.</summary>
    public IEnumerable<string?> Fields => Body!["errors"]!.AsArray().Select(error => (string?)error!["field"]);
}
