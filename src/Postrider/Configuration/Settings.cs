using System.Net;
using Postrider.Api;
using Postrider.Api.RateLimits;
using Postrider.Api.ScaiSend;
using Postrider.Engine.Bounces;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Intake;
using Postrider.Engine.Queue;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dns;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Configuration;

/// <summary>Everything the operator can set; docs/operate/settings.md lists it with defaults and reasons.</summary>
sealed record Settings
{
    public required StoreAddress Store { get; init; }

    /// <summary>How long messages and their timelines are kept; with PostgreSQL only.</summary>
    public TimeSpan KeepMessages { get; init; } = TimeSpan.FromDays(400);

    /// <summary>How long bodies and attachments are kept; with PostgreSQL only.</summary>
    public TimeSpan KeepBodies { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Seals DKIM keys and signs return paths; null takes the key file beside the database.</summary>
    public byte[]? SecretKey { get; init; }
    public required IReadOnlyList<Uri> Listen { get; init; }
    public required Uri PublicUrl { get; init; }

    /// <summary>
    /// Between being told to stop and taking no more connections: <c>/ready</c> says 503 and everything is served, so that load balancers
    /// notice before a request fails. Default 0: who has none should not wait.
    /// </summary>
    public TimeSpan StopDelay { get; init; }
    public required DeliveryOptions Delivery { get; init; }
    public required SmtpTimeouts Timeouts { get; init; }
    public required DnsResolverOptions Resolver { get; init; }
    public required QueueOptions Queue { get; init; }
    public required ControlOptions Control { get; init; }
    public required IntakeOptions Intake { get; init; }
    public required ApiOptions Api { get; init; }
    public required Dialect DefaultDialect { get; init; }
    public required IReadOnlyDictionary<string, Dialect> Hosts { get; init; }

    /// <summary>Where inbound mail (bounces, complaints; in the demo all mail) is taken; null for off.</summary>
    public IPEndPoint? Inbound { get; init; }

    /// <summary>A due message older than this makes <c>/ready</c> fail: something is stuck.</summary>
    public TimeSpan OldestDue { get; init; } = TimeSpan.FromMinutes(5);
    public Uri? OtlpEndpoint { get; init; }
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
    public bool JsonLogs { get; init; }

    /// <summary>Reads all of it, or throws what is wrong with all of it.</summary>
    /// <exception cref="SettingsException">Names every setting that cannot be served.</exception>
    public static Settings Read(IConfiguration configuration, bool demo)
    {
        var reader = new SettingsReader(configuration);
        var listen = reader.Parsed(
            "Http:Listen", [new Uri("http://127.0.0.1:8080")], "a list of http://ADDRESS:PORT, with an IP address or localhost",
            ParseListen);
        var hostName = reader.Parsed(
            "Smtp:HostName", MachineName(), "a host name", text => Domain.TryParseHostName(text, out var name) ? name : null);
        var settings = new Settings
        {
            Store = ReadStore(reader),
            KeepMessages = reader.Duration("Retention:Messages", TimeSpan.FromDays(400), TimeSpan.FromDays(1)),
            KeepBodies = reader.Duration("Retention:Bodies", TimeSpan.FromDays(30), TimeSpan.FromDays(1)),
            SecretKey = ReadSecret(reader),
            Listen = listen,
            PublicUrl = reader.Parsed("Http:PublicUrl", listen[0], "an http:// or https:// address", ParseUrl),
            StopDelay = reader.Duration("Http:StopDelay", TimeSpan.Zero),
            Delivery = ReadDelivery(reader, hostName, demo),
            Timeouts = ReadTimeouts(reader),
            Resolver = ReadResolver(reader),
            Queue = ReadQueue(reader),
            Control = new ControlOptions
            {
                AnswerPatience = reader.Duration("Control:AnswerPatience", new ControlOptions().AnswerPatience),
                BatchPatience = reader.Duration("Control:BatchPatience", new ControlOptions().BatchPatience),
            },
            Intake = new IntakeOptions
            {
                IdempotencyKept = reader.Duration("Intake:IdempotencyKept", new IntakeOptions().IdempotencyKept, TimeSpan.FromSeconds(1)),
            },
            Api = ReadApi(reader),
            DefaultDialect = reader.Parsed(
                "Api:DefaultDialect", "mailingapi", "a dialect", text => DialectOf(text) is null ? null : text) is var name
                ? DialectOf(name)!.Value : default,
            Hosts = ReadHosts(reader),
            Inbound = reader.EndPoint("Inbound:Listen", demo ? new IPEndPoint(IPAddress.Loopback, 2525) : null, 25),
            OldestDue = reader.Duration("Ready:OldestDue", TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1)),
            OtlpEndpoint = reader.Text("Metrics:Otlp") is null
                ? null : reader.Parsed("Metrics:Otlp", listen[0], "an http:// address", ParseUrl),
            LogLevel = Enum.TryParse<LogLevel>(reader.Text("Log:Level", "Information"), ignoreCase: true, out var level)
                && Enum.IsDefined(level)
                ? level
                : reader.Fault("Log:Level", "it is Trace, Debug, Information, Warning, Error, Critical or None", LogLevel.Information),
            JsonLogs = reader.Text("Log:Format", "text") switch
            {
                "json" => true,
                "text" => false,
                var other => reader.Fault("Log:Format", $"\"{other}\" is not text or json", false),
            },
        };
        if (settings.Store is StoreAddress.Sqlite && (reader.Text("Retention:Messages") ?? reader.Text("Retention:Bodies")) is not null)
            reader.Fault("Retention", "a SQLite store keeps everything; only one on PostgreSQL lets go of what is past its time", 0);
        if (settings.KeepBodies > settings.KeepMessages)
            reader.Fault("Retention:Bodies", "it is more than Retention:Messages", 0);
        if (settings.Inbound is { Port: 0 } && !demo)
            reader.Fault("Inbound:Listen", "it names no port", 0);
        if (settings.Queue.Lease < settings.Queue.RenewInterval * 2)
            reader.Fault(
                "Queue:Lease", $"{settings.Queue.Lease} must be at least twice Queue:RenewInterval, {settings.Queue.RenewInterval}", 0);
        if (settings.Delivery.InitialConcurrency > settings.Delivery.Concurrency)
            reader.Fault("Delivery:InitialConcurrency", "it is more than Delivery:Concurrency", 0);

        if (settings.Control.BatchPatience > TimeSpan.FromMinutes(1))
            reader.Fault("Control:BatchPatience", $"{settings.Control.BatchPatience} is more than a minute: a request waits for it", 0);
        if (settings.Control.AnswerPatience > TimeSpan.FromMinutes(1))
            reader.Fault("Control:AnswerPatience", $"{settings.Control.AnswerPatience} is more than a minute: a request waits for it", 0);

        var faults = reader.Faults().Concat(settings.Api.FindFaults()).ToArray();
        return faults.Length == 0 ? settings : throw new SettingsException(faults);
    }

    public static Dialect? DialectOf(string text) => text.ToLowerInvariant() switch
    {
        "scaisend" => Dialect.ScaiSend,
        "postject" => Dialect.Postject,
        "sendops" => Dialect.SendOps,
        "mailingapi" => Dialect.MailingApi,
        _ => null,
    };

    /// <remarks>A fault does not repeat the text: there may be a password in it.</remarks>
    static StoreAddress ReadStore(SettingsReader reader) =>
        reader.Text("Store") is not { } text ? StoreAddress.Default
        : StoreAddress.TryParse(text) ?? reader.Fault("Store", $"it is not {StoreAddress.Form}", StoreAddress.Default);

    static byte[]? ReadSecret(SettingsReader reader)
    {
        if (reader.Text("Secrets:Key") is not { } text)
            return null;
        var key = new byte[SecretBox.KeyOctets];
        return Convert.TryFromBase64String(text, key, out var written) && written == key.Length
            ? key
            : reader.Fault<byte[]?>("Secrets:Key", $"it is not {SecretBox.KeyOctets} octets in base64", null);
    }

    static DeliveryOptions ReadDelivery(SettingsReader reader, Domain hostName, bool demo)
    {
        var defaults = new DeliveryOptions { HostName = hostName.Ascii, ReturnPathDomain = Qualified(hostName.Ascii) };
        var retry = defaults.Retry;
        return defaults with
        {
            Port = reader.Number("Smtp:Port", defaults.Port, 1, 65535),
            Routes = ReadRoutes(reader),
            AllowPrivateTargets = reader.Flag("Smtp:AllowPrivateTargets", demo),
            ReturnPathDomain = reader.Parsed(
                "Smtp:ReturnPathDomain", defaults.ReturnPathDomain, "a domain",
                text => Domain.TryParse(text, out var domain) ? domain : null),
            Concurrency = reader.Number("Delivery:Concurrency", defaults.Concurrency, 1, 1_000),
            InitialConcurrency = reader.Number("Delivery:InitialConcurrency", defaults.InitialConcurrency, 1, 1_000),
            Room = reader.Number("Delivery:Room", defaults.Room, 1, 100_000),
            TransactionsPerSession = reader.Number("Delivery:TransactionsPerSession", defaults.TransactionsPerSession, 1, 1_000_000),
            IdleSession = reader.Duration("Delivery:IdleSession", defaults.IdleSession),
            Bounces = ReadBounceRules(reader),
            AddressesTried = reader.Number("Delivery:AddressesTried", defaults.AddressesTried, 1, 100),
            Destinations = DestinationRuleText.Read(reader),
            BuiltInProfiles = reader.Flag("Delivery:BuiltInProfiles", defaults.BuiltInProfiles),
            BackOff = new BackOffOptions
            {
                First = OptionalDuration(reader, "Delivery:BackOff:First"),
                Most = OptionalDuration(reader, "Delivery:BackOff:Most"),
            },
            Retry = retry with
            {
                Delays = reader.Durations("Retry:Delays", retry.Delays),
                Jitter = reader.Share("Retry:Jitter", retry.Jitter, 0.9),
                Lifetime = reader.Duration("Retry:Lifetime", retry.Lifetime, TimeSpan.FromMilliseconds(1)),
            },
        };
    }

    static BounceRules ReadBounceRules(SettingsReader reader)
    {
        const string name = "Delivery:BounceRules";
        if (reader.Text(name) is not { } path)
            return BounceRules.BuiltIn;
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return reader.Fault(name, $"{path} cannot be read ({e.GetType().Name})", BounceRules.BuiltIn);
        }
        var rules = BounceRules.Read(text, out var faults);
        foreach (var fault in faults)
            reader.Fault(name, $"{path}, {fault}", 0);
        return rules;
    }

    static TimeSpan? OptionalDuration(SettingsReader reader, string name) =>
        reader.Text(name) is null ? null : reader.Duration(name, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));

    static Dictionary<string, DnsEndPoint> ReadRoutes(SettingsReader reader)
    {
        var routes = new Dictionary<string, DnsEndPoint>(StringComparer.Ordinal);
        foreach (var part in Parts(reader.Text("Smtp:Routes", "")))
        {
            var (domain, host) = part.Split('=', 2, StringSplitOptions.TrimEntries) is [var left, var right] ? (left, right) : (part, "");
            var name = domain == "*" ? "*" : Domain.TryParseHostName(domain, out var parsed) ? parsed.Ascii : null;
            if (name is null || ParseHostPort(host) is not { } target)
                reader.Fault("Smtp:Routes", $"\"{part}\" is not domain=host:port", 0);
            else
                routes[name] = target;
        }
        return routes;
    }

    static DnsEndPoint? ParseHostPort(string text)
    {
        if (IPEndPoint.TryParse(text, out var address) && address.Port is > 0)
            return new DnsEndPoint(address.Address.ToString(), address.Port);
        var colon = text.LastIndexOf(':');
        return colon > 0 && Domain.TryParseHostName(text[..colon], out var host) && ushort.TryParse(text[(colon + 1)..], out var port)
            && port > 0
            ? new DnsEndPoint(host.Ascii, port)
            : null;
    }

    static SmtpTimeouts ReadTimeouts(SettingsReader reader)
    {
        var defaults = new SmtpTimeouts();
        var least = TimeSpan.FromMilliseconds(1);
        return new SmtpTimeouts
        {
            Connect = reader.Duration("Smtp:Timeouts:Connect", defaults.Connect, least),
            Greeting = reader.Duration("Smtp:Timeouts:Greeting", defaults.Greeting, least),
            Command = reader.Duration("Smtp:Timeouts:Command", defaults.Command, least),
            TlsHandshake = reader.Duration("Smtp:Timeouts:TlsHandshake", defaults.TlsHandshake, least),
            DataBlock = reader.Duration("Smtp:Timeouts:DataBlock", defaults.DataBlock, least),
            EndOfData = reader.Duration("Smtp:Timeouts:EndOfData", defaults.EndOfData, least),
            Quit = reader.Duration("Smtp:Timeouts:Quit", defaults.Quit, least),
        };
    }

    static DnsResolverOptions ReadResolver(SettingsReader reader)
    {
        var text = reader.Text("Smtp:Resolver");
        if (text is null)
            return ResolvConf.Parse(File.Exists(ResolvConf.Path) ? File.ReadAllText(ResolvConf.Path) : "");
        return ResolvConf.TryParseServers(text, out var servers)
            ? new DnsResolverOptions { Servers = servers }
            : reader.Fault("Smtp:Resolver", $"\"{text}\" is not a list of address:port", new DnsResolverOptions { Servers = [] });
    }

    static QueueOptions ReadQueue(SettingsReader reader)
    {
        var defaults = new QueueOptions();
        var least = TimeSpan.FromMilliseconds(10);
        return new QueueOptions
        {
            MaxLeased = reader.Number("Queue:MaxLeased", defaults.MaxLeased, 1, 100_000),
            ClaimPage = reader.Number("Queue:ClaimPage", defaults.ClaimPage, 1, 10_000),
            Lease = reader.Duration("Queue:Lease", defaults.Lease, least),
            RenewInterval = reader.Duration("Queue:RenewInterval", defaults.RenewInterval, least),
            RescueInterval = reader.Duration("Queue:RescueInterval", defaults.RescueInterval, least),
            SweepInterval = reader.Duration("Queue:SweepInterval", defaults.SweepInterval, least),
            ExpiryInterval = reader.Duration("Queue:ExpiryInterval", defaults.ExpiryInterval, least),
            Drain = reader.Duration("Queue:Drain", defaults.Drain),
        };
    }

    static ApiOptions ReadApi(SettingsReader reader)
    {
        var (scaiSend, limits) = (new ScaiSendOptions(), new RateLimitOptions());
        return new ApiOptions
        {
            ScaiSend = scaiSend with
            {
                MaxBodyOctets = reader.Number("ScaiSend:MaxBodyOctets", scaiSend.MaxBodyOctets, 1024, 1024 * 1024 * 1024),
                MaxPersonalizations = reader.Number("ScaiSend:MaxPersonalizations", scaiSend.MaxPersonalizations, 1, 100_000),
                MaxRecipients = reader.Number("ScaiSend:MaxRecipients", scaiSend.MaxRecipients, 1, 100_000),
                MaxSchedule = reader.Duration("ScaiSend:MaxSchedule", scaiSend.MaxSchedule, TimeSpan.FromSeconds(1)),
                ScheduleSlack = reader.Duration("ScaiSend:ScheduleSlack", scaiSend.ScheduleSlack),
                OpenReads = reader.Flag("ScaiSend:OpenReads", scaiSend.OpenReads),
                CancelConflictStatus = reader.Number("ScaiSend:CancelConflictStatus", scaiSend.CancelConflictStatus, 200, 409),
                PageMemory = reader.Duration("ScaiSend:PageMemory", scaiSend.PageMemory),
            },
            RateLimits = limits with
            {
                SendsPerSecond = reader.Number("RateLimits:SendsPerSecond", limits.SendsPerSecond, 1, int.MaxValue),
                MessageListsPerSecond = reader.Number("RateLimits:MessageListsPerSecond", limits.MessageListsPerSecond, 1, int.MaxValue),
                OthersPerSecond = reader.Number("RateLimits:OthersPerSecond", limits.OthersPerSecond, 1, int.MaxValue),
            },
        };
    }

    static string[] Parts(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    static Dictionary<string, Dialect> ReadHosts(SettingsReader reader)
    {
        var hosts = new Dictionary<string, Dialect>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in Parts(reader.Text("Api:Hosts", "")))
        {
            if (part.Split('=', 2, StringSplitOptions.TrimEntries) is [var host, var name] && DialectOf(name) is { } dialect)
                hosts[host] = dialect;
            else
                reader.Fault("Api:Hosts", $"\"{part}\" is not host=dialect", 0);
        }
        return hosts;
    }

    /// <summary>
    /// Only what is then served as it says: https without a certificate, a path, or a name that means every address, would not be.
    /// </summary>
    static Uri[]? ParseListen(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        var urls = parts.Select(ParseUrl).OfType<Uri>()
            .Where(url => url.Scheme == Uri.UriSchemeHttp && url is { PathAndQuery: "/", Fragment: "", UserInfo: "" })
            .Where(url => url.Host == "localhost" || IPAddress.TryParse(url.Host, out _))
            .ToArray();
        return urls.Length == parts.Length ? urls : null;
    }

    static Uri? ParseUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
            ? url : null;

    /// <summary>The fully qualified name where the machine knows it.</summary>
    static Domain MachineName()
    {
        string name;
        try
        {
            name = System.Net.Dns.GetHostEntry(System.Net.Dns.GetHostName()).HostName;
        }
        catch (System.Net.Sockets.SocketException)
        {
            name = System.Net.Dns.GetHostName();
        }
        return Qualified(name);
    }

    /// <summary>A machine without a domain is in <c>localdomain</c>, as Postfix has it; mailboxes cannot be at a single label.</summary>
    static Domain Qualified(string name) =>
        Domain.TryParse(name, out var domain) || Domain.TryParse($"{name}.localdomain", out domain)
            || Domain.TryParse("localhost.localdomain", out domain)
            ? domain
            : throw new InvalidOperationException("localhost.localdomain is a domain.");
}

/// <summary>The configuration cannot be served; the message names every wrong setting.</summary>
sealed class SettingsException(IReadOnlyList<string> faults)
    : Exception($"The configuration cannot be used:{string.Concat(faults.Select(fault => $"{Environment.NewLine}  {fault}"))}");
