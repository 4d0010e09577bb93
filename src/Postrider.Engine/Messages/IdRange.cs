using System.Buffers.Binary;

namespace Postrider.Engine.Messages;

/// <summary>Times as ids: a UUIDv7 begins with its millisecond, so a range of times is a range of a primary key.</summary>
public static class IdRange
{
    /// <summary>No id made at or after <paramref name="at"/> sorts before it, and none made earlier sorts after it.</summary>
    public static Guid FirstAt(DateTimeOffset at)
    {
        // Up to the next whole millisecond: an id of this one was made before.
        var ticks = at.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        var milliseconds = Math.Max(0, (ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(octets, (ulong)milliseconds << 16);
        return new Guid(octets, bigEndian: true);
    }
}
