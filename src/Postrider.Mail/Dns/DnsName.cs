using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Postrider.Mail.Dns;

/// <summary>A domain name as DNS has it: labels of any octets, compared without regard to ASCII case (RFC 4343).</summary>
/// <remarks>
/// Held as uncompressed wire octets in lower case, so that equality is a comparison of octets. Not every DNS name is a mail
/// domain, and a U-label is none at all: take <see cref="Addresses.Domain.Ascii"/>.
/// </remarks>
public sealed class DnsName : IEquatable<DnsName>
{
    /// <summary>RFC 1035 §2.3.4, with the length octets and the root's zero.</summary>
    public const int MaxOctets = 255;

    /// <summary>RFC 1035 §2.3.4.</summary>
    public const int MaxLabelOctets = 63;

    readonly byte[] _wire;
    readonly int _hash;
    string? _text;

    DnsName(ReadOnlySpan<byte> wire)
    {
        _wire = wire.ToArray();
        for (var i = 0; i < _wire.Length; i++)    // a length octet is at most 63, so never a capital letter
        {
            if (_wire[i] is >= (byte)'A' and <= (byte)'Z')
                _wire[i] |= 0x20;
        }

        var hash = new HashCode();    // seeded by the process: names are chosen by strangers
        hash.AddBytes(_wire);
        _hash = hash.ToHashCode();
    }

    public static DnsName Root { get; } = new([0]);

    /// <summary>Uncompressed, lower case, ending in the root's zero octet.</summary>
    public ReadOnlySpan<byte> Wire => _wire;

    public bool IsRoot => _wire.Length == 1;

    /// <summary>The label next to the root, e.g. <c>com</c>; empty for the root.</summary>
    public ReadOnlySpan<byte> TopLabel
    {
        get
        {
            ReadOnlySpan<byte> top = [];
            for (var rest = Wire; rest[0] != 0; rest = rest[(1 + rest[0])..])
                top = rest.Slice(1, rest[0]);
            return top;
        }
    }

    /// <summary>True for the name itself and for every name below it.</summary>
    public bool IsAtOrBelow(DnsName zone)
    {
        var rest = Wire;
        while (rest.Length > zone._wire.Length)
            rest = rest[(1 + rest[0])..];
        return rest.SequenceEqual(zone._wire);
    }

    /// <summary>Reads presentation format (RFC 1035 §5.1): <c>mail.example.com</c>, with or without the final dot.</summary>
    /// <remarks>
    /// <c>\.</c> is a dot inside a label and <c>\DDD</c> any octet. A space, a control or a non-ASCII character must be escaped.
    /// </remarks>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out DnsName? name)
    {
        name = null;
        if (text is ".")
        {
            name = Root;
            return true;
        }

        Span<byte> wire = stackalloc byte[MaxOctets];
        int label = 0, length = 1;    // where the open label's length octet is; how much is written
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '.')
            {
                if (!TryCloseLabel(wire, ref label, ref length))
                    return false;
                continue;
            }

            if (!TryReadCharacter(text, ref i, out var octet) || length >= MaxOctets - 1)
                return false;
            wire[length++] = octet;
        }

        if (length - label > 1 && !TryCloseLabel(wire, ref label, ref length))
            return false;
        if (label == 0)
            return false;
        wire[label] = 0;
        name = new DnsName(wire[..(label + 1)]);
        return true;
    }

    /// <summary>Reads a name in a message, following compression pointers (RFC 1035 §4.1.4).</summary>
    /// <param name="consumed">The octets the name takes at <paramref name="start"/>; those behind a pointer do not count.</param>
    /// <remarks>A pointer must point before the part it ends ("a prior occurrence"), so a loop is impossible.</remarks>
    public static bool TryRead(ReadOnlySpan<byte> message, int start, [NotNullWhen(true)] out DnsName? name, out int consumed)
    {
        (name, consumed) = (null, 0);
        Span<byte> wire = stackalloc byte[MaxOctets];
        int length = 0, position = start, part = start;
        while ((uint)position < (uint)message.Length)
        {
            var octet = message[position];
            switch (octet >> 6)
            {
                case 0b00:
                    if (position + 1 + octet > message.Length || length + 1 + octet > MaxOctets)
                        return false;
                    message.Slice(position, 1 + octet).CopyTo(wire[length..]);
                    length += 1 + octet;
                    position += 1 + octet;
                    if (octet != 0)
                        break;
                    consumed = consumed == 0 ? position - start : consumed;
                    name = length == 1 ? Root : new DnsName(wire[..length]);
                    return true;

                case 0b11:
                    if (position + 2 > message.Length)
                        return false;
                    var target = ((octet & 0x3F) << 8) | message[position + 1];
                    if (target >= part)
                        return false;
                    consumed = consumed == 0 ? position + 2 - start : consumed;
                    (position, part) = (target, target);
                    break;

                default:    // 01 and 10 never came to use (RFC 6891 §5)
                    return false;
            }
        }
        return false;
    }

    public bool Equals(DnsName? other) => other is not null && _hash == other._hash && Wire.SequenceEqual(other._wire);

    public override bool Equals(object? obj) => Equals(obj as DnsName);

    public override int GetHashCode() => _hash;

    /// <summary>Presentation format without the final dot; <c>.</c> for the root. Holds only printable ASCII.</summary>
    public override string ToString() => _text ??= Format();

    string Format()
    {
        if (IsRoot)
            return ".";
        var text = new StringBuilder(_wire.Length);
        for (var rest = Wire; rest[0] != 0; rest = rest[(1 + rest[0])..])
        {
            if (text.Length > 0)
                text.Append('.');
            foreach (var octet in rest.Slice(1, rest[0]))
            {
                if (octet is (byte)'.' or (byte)'\\')
                    text.Append('\\').Append((char)octet);
                else if (octet is > 0x20 and < 0x7F)
                    text.Append((char)octet);
                else
                    text.Append(CultureInfo.InvariantCulture, $"\\{octet:000}");
            }
        }
        return text.ToString();
    }

    static bool TryCloseLabel(Span<byte> wire, ref int label, ref int length)
    {
        var octets = length - label - 1;
        if (octets is 0 or > MaxLabelOctets)
            return false;
        wire[label] = (byte)octets;
        (label, length) = (length, length + 1);
        return true;
    }

    static bool TryReadCharacter(ReadOnlySpan<char> text, ref int i, out byte octet)
    {
        octet = (byte)text[i];
        if (text[i] != '\\')
            return text[i] is > ' ' and < (char)0x7F;
        if (++i >= text.Length)
            return false;
        octet = (byte)text[i];
        if (!char.IsAsciiDigit(text[i]))
            return text[i] is >= ' ' and < (char)0x7F;
        if (i + 2 >= text.Length || !char.IsAsciiDigit(text[i + 1]) || !char.IsAsciiDigit(text[i + 2]))
            return false;
        var value = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + text[i + 2] - '0';
        i += 2;
        octet = (byte)value;
        return value <= byte.MaxValue;
    }
}
