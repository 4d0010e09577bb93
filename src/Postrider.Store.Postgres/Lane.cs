using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres;

/// <summary>
/// The part of the database a tenant lives in. It leads every key and every query of what grows with mail, and no transaction writes to
/// two, so lanes can be spread over machines.
/// </summary>
public static class Lane
{
    public const int Count = 64;

    public static IEnumerable<short> All => Enumerable.Range(0, Count).Select(lane => (short)lane);

    /// <summary>FNV-1a of the id's 16 octets in network order, folded to 6 bits. Stored with every row: it can never change.</summary>
    public static short Of(TenantId tenant)
    {
        Span<byte> octets = stackalloc byte[16];
        tenant.Value.TryWriteBytes(octets, bigEndian: true, out _);
        var hash = 2166136261u;
        foreach (var octet in octets)
            hash = (hash ^ octet) * 16777619u;
        return (short)((hash ^ (hash >> 16)) % Count);
    }
}
