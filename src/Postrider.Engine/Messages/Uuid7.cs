using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Postrider.Engine.Messages;

/// <summary>
/// Makes UUIDv7s that ascend within this process, also within one millisecond (RFC 9562 §6.2, method 1: a 12-bit counter).
/// </summary>
/// <remarks>
/// The 62 random bits come from a block drawn ahead: one call to the system's generator serves 64 ids. When the clock stands still or steps
/// back, or more than 4,096 ids are asked of one millisecond, the timestamp runs ahead of the clock rather than breaking the order.
/// </remarks>
public sealed class IdGenerator(TimeProvider time)
{
    readonly Lock _lock = new();
    readonly byte[] _random = new byte[64 * 8];
    int _used = 64 * 8;
    long _millisecond;
    int _counter;

    public Guid Next()
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        lock (_lock)
        {
            if (_used == _random.Length)
            {
                RandomNumberGenerator.Fill(_random);
                _used = 0;
            }
            var random = BinaryPrimitives.ReadUInt64BigEndian(_random.AsSpan(_used));
            _used += 8;

            if (now > _millisecond)
                (_millisecond, _counter) = (now, (int)(random >> 62));
            else if (++_counter > 0xFFF)
                (_millisecond, _counter) = (_millisecond + 1, 0);
            return Uuid7.Make(_millisecond, _counter, random);
        }
    }
}

static class Uuid7
{
    public static Guid Make(long unixMilliseconds, int counter, ulong random)
    {
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(octets, ((ulong)unixMilliseconds << 16) | 0x7000 | (uint)counter);
        BinaryPrimitives.WriteUInt64BigEndian(octets[8..], (random & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000);
        return new Guid(octets, bigEndian: true);
    }

    /// <summary>The last that a <see cref="DateTimeOffset"/> can hold: an id that came from outside has any 48 bits there.</summary>
    static readonly long LastMillisecond = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static DateTimeOffset TimeOf(Guid id)
    {
        Span<byte> octets = stackalloc byte[16];
        id.TryWriteBytes(octets, bigEndian: true, out _);
        var millisecond = (long)(BinaryPrimitives.ReadUInt64BigEndian(octets) >> 16);
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(millisecond, LastMillisecond));
    }
}
