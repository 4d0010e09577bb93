using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Postrider.Api.RateLimits;

/// <summary>Counts requests by caller and class, in memory, for this node.</summary>
sealed class RateLimiter(RateLimitOptions options, TimeProvider time)
{
    /// <summary>A guess at far more callers than one node serves in a second; past it, past windows are dropped, then all.</summary>
    const int MostWindows = 100_000;

    const int Ipv6PrefixBits = 64;

    readonly ConcurrentDictionary<(RateClass Class, UInt128 Caller), RateWindow> _windows = new();
    readonly StringValues[] _limits = Array.ConvertAll(
        Enum.GetValues<RateClass>(), rate => (StringValues)options.PerSecond(rate).ToString(CultureInfo.InvariantCulture));
    int _count;
    ResetText _reset = new(-1, default);

    /// <summary>Counts the request and writes the three <c>X-RateLimit-*</c> fields.</summary>
    /// <returns>False when the caller is over its limit; <c>Retry-After</c> is then set too.</returns>
    public bool TryTake(RateClass rate, UInt128 caller, HttpResponse response)
    {
        var second = time.GetUtcNow().ToUnixTimeSeconds();
        var allowed = Window((rate, caller), second).TryTake(second, options.PerSecond(rate), out var remaining);

        var headers = response.Headers;
        headers["X-RateLimit-Limit"] = _limits[(int)rate];
        headers["X-RateLimit-Remaining"] = remaining.ToString(CultureInfo.InvariantCulture);
        headers["X-RateLimit-Reset"] = ResetAfter(second);
        if (!allowed)
            headers.RetryAfter = "1";
        return allowed;
    }

    public static UInt128 Caller(Guid id)
    {
        Span<byte> octets = stackalloc byte[16];
        id.TryWriteBytes(octets);
        return BinaryPrimitives.ReadUInt128BigEndian(octets);
    }

    /// <summary>One caller an IPv4 address or an IPv6 /64, which is what one subscriber has.</summary>
    public static UInt128 Caller(IPAddress? address)
    {
        if (address is null)
            return 0;
        Span<byte> octets = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(octets, out _);
        var value = BinaryPrimitives.ReadUInt128BigEndian(octets);
        return address.IsIPv4MappedToIPv6 || address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? value
            : value >> Ipv6PrefixBits;
    }

    RateWindow Window((RateClass, UInt128) key, long second)
    {
        if (_windows.TryGetValue(key, out var window))
            return window;
        window = new RateWindow();
        if (!_windows.TryAdd(key, window))
            return _windows.GetValueOrDefault(key, window);
        if (Interlocked.Increment(ref _count) >= MostWindows)
            DropPast(second);
        return window;
    }

    void DropPast(long second)
    {
        foreach (var (key, window) in _windows)
        {
            if (window.Second < second)
                _windows.TryRemove(key, out _);
        }
        if (_windows.Count > MostWindows / 2)
            _windows.Clear();
        Volatile.Write(ref _count, _windows.Count);
    }

    StringValues ResetAfter(long second)
    {
        var reset = _reset;
        if (reset.Second != second)
            _reset = reset = new ResetText(second, (second + 1).ToString(CultureInfo.InvariantCulture));
        return reset.Text;
    }

    sealed record ResetText(long Second, StringValues Text);
}
