using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace Postrider.Store.Postgres;

/// <summary>
/// Where a database is, as PostgreSQL's own programs take it (its manual, §34.1.1.2):
/// <c>postgres://user:password@host:port/database?sslmode=require</c>, each part percent-encoded where it must be.
/// </summary>
/// <remarks>
/// Several hosts, <c>host1:5432,host2:5432</c>, are a primary with its standbys: the one that takes writes is used. Without a password the
/// one in PGPASSWORD or the password file counts.
/// </remarks>
public sealed record PostgresAddress
{
    const int DefaultPort = 5432;

    static readonly string[] Schemes = ["postgres://", "postgresql://"];

    PostgresAddress(string connectionString, string shown) => (ConnectionString, _shown) = (connectionString, shown);

    readonly string _shown;

    /// <summary>In Npgsql's form, the password in it.</summary>
    public string ConnectionString { get; }

    public static bool TryParse(string text, [NotNullWhen(true)] out PostgresAddress? address)
    {
        address = null;
        if (Schemes.FirstOrDefault(scheme => text.StartsWith(scheme, StringComparison.Ordinal)) is not { } scheme)
            return false;
        var rest = text[scheme.Length..];
        var (location, query) = Cut(rest, rest.IndexOf('?', StringComparison.Ordinal));
        var (authority, path) = Cut(location, location.IndexOf('/', StringComparison.Ordinal));
        var at = authority.LastIndexOf('@');
        var (credentials, hosts) = at < 0 ? ("", authority) : (authority[..at], authority[(at + 1)..]);
        var (user, password) = Cut(credentials, credentials.IndexOf(':', StringComparison.Ordinal));

        var settings = new NpgsqlConnectionStringBuilder();
        if (!TryReadHosts(hosts, settings) || !TryReadOptions(query, settings) || string.IsNullOrEmpty(settings.Host) || path.Length == 0)
            return false;
        settings.Database = Uri.UnescapeDataString(path);
        if (user.Length > 0)
            settings.Username = Uri.UnescapeDataString(user);
        if (password.Length > 0)
            settings.Password = Uri.UnescapeDataString(password);
        address = new PostgresAddress(
            settings.ConnectionString,
            $"{Schemes[0]}{(user.Length > 0 ? user + "@" : "")}{(hosts.Length > 0 ? hosts : settings.Host)}/{path}");
        return true;
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => _shown;

    static bool TryReadHosts(string hosts, NpgsqlConnectionStringBuilder settings)
    {
        if (hosts.Length == 0)
            return true;        // the host may be among the options: the folder of a socket
        var read = new List<string>();
        foreach (var host in hosts.Split(','))
        {
            // An IPv6 address stands in brackets.
            var colon = host.LastIndexOf(':');
            var hasPort = colon > host.LastIndexOf(']');
            var (name, port) = hasPort ? (host[..colon], host[(colon + 1)..]) : (host, "");
            var number = DefaultPort;
            if (name.Length == 0 || (hasPort
                && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number is < 1 or > 65535)))
                return false;
            read.Add(string.Create(CultureInfo.InvariantCulture, $"{Uri.UnescapeDataString(name)}:{number}"));
        }
        settings.Host = string.Join(',', read);
        if (read.Count > 1)
            settings.TargetSessionAttributes = "read-write";
        return true;
    }

    /// <summary>
    /// The options that PostgreSQL's programs know and that mean something here; any other is refused rather than passed over.
    /// </summary>
    static bool TryReadOptions(string query, NpgsqlConnectionStringBuilder settings)
    {
        foreach (var option in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, encoded) = Cut(option, option.IndexOf('=', StringComparison.Ordinal));
            var value = Uri.UnescapeDataString(encoded);
            try
            {
                switch (name)
                {
                    case "host":
                        settings.Host = value;
                        break;
                    case "port":
                        settings.Port = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
                        break;
                    case "sslmode":
                        settings["SSL Mode"] = value.Replace("-", "", StringComparison.Ordinal);
                        break;
                    case "sslrootcert":
                        settings.RootCertificate = value;
                        break;
                    case "sslcert":
                        settings.SslCertificate = value;
                        break;
                    case "sslkey":
                        settings.SslKey = value;
                        break;
                    default:
                        return false;
                }
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
            {
                return false;
            }
        }
        return true;
    }

    static (string Before, string After) Cut(string text, int at) => at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
}
