using System.Net;

namespace Postrider.Mail.Dns;

/// <summary>The addresses of a host, or why there are none.</summary>
public abstract record HostAddresses
{
    HostAddresses()
    {
    }

    /// <param name="Addresses">At least one, in the order to try (RFC 5321 §5.1), not yet held against an
    /// <see cref="AddressPolicy"/>.</param>
    public sealed record Found(IReadOnlyList<IPAddress> Addresses) : HostAddresses;

    /// <summary>Whoever is in charge of the name says that it has none, or does not exist.</summary>
    public sealed record NoAddress : HostAddresses
    {
        public static NoAddress Instance { get; } = new();
    }

    public sealed record TemporaryFailure(string Detail) : HostAddresses;
}
