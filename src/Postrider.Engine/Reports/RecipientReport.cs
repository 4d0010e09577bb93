using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Reports;

/// <summary>What a delivery report or a complaint says about one recipient of one message, as the event it is to leave.</summary>
/// <param name="Recipient">Ordinal; like the message it comes of a return path that was proved.</param>
/// <param name="Type">Bounce, deferred or spam report.</param>
public sealed record RecipientReport(MessageId Message, int Recipient, EventType Type, EventData Data, ReportCause Cause);

/// <summary>
/// What makes two reports the same one. The ids of their events end alike, whichever node makes them and whenever, so that a store can see
/// that an event is there already; they begin with the time, as all do, so that timelines stay in order.
/// </summary>
public readonly record struct ReportCause
{
    readonly int _counter;
    readonly ulong _random;

    ReportCause(int counter, ulong random) => (_counter, _random) = (counter, random);

    /// <param name="identifying">What differs between two reports of the type about the recipient that are to count as two.</param>
    public static ReportCause Of(EventType type, int recipient, params IReadOnlyList<string?> identifying)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[4];
        Append(number, (int)type);
        Append(number, recipient);
        foreach (var part in identifying)
        {
            var octets = Encoding.UTF8.GetBytes(part ?? "");
            Append(number, part is null ? -1 : octets.Length);
            hash.AppendData(octets);
        }
        var digest = hash.GetHashAndReset();
        return new ReportCause(
            BinaryPrimitives.ReadUInt16BigEndian(digest) & 0xFFF, BinaryPrimitives.ReadUInt64BigEndian(digest.AsSpan(2)));

        void Append(Span<byte> octets, int value)
        {
            BinaryPrimitives.WriteInt32BigEndian(octets, value);
            hash.AppendData(octets);
        }
    }

    public EventId IdAt(DateTimeOffset at) => new(Uuid7.Make(at.ToUnixTimeMilliseconds(), _counter, _random));

    /// <summary>The last ten octets of every such id: all but the time.</summary>
    public byte[] Ending() => Uuid7.Make(0, _counter, _random).ToByteArray(bigEndian: true)[6..];
}
