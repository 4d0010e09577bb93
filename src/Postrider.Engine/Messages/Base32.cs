using System.Buffers.Binary;

namespace Postrider.Engine.Messages;

/// <summary>An id as 26 characters of Crockford's base32, upper case, as ULIDs are written; its order is the id's order.</summary>
public static class Base32
{
    public const int Length = 26;

    const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    public static string Format(Guid id) => string.Create(Length, id, static (text, id) =>
    {
        Span<byte> octets = stackalloc byte[16];
        id.TryWriteBytes(octets, bigEndian: true, out _);
        var value = BinaryPrimitives.ReadUInt128BigEndian(octets);
        for (var i = Length - 1; i >= 0; i--, value >>= 5)
            text[i] = Alphabet[(int)(value & 31)];
    });

    /// <summary>Either case; I and L read as 1, O as 0, as Crockford asks.</summary>
    /// <returns>False when <paramref name="text"/> is not 26 such characters or is past 128 bits.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out Guid id)
    {
        id = default;
        if (text.Length != Length || Digit(text[0]) is < 0 or > 7)
            return false;
        UInt128 value = 0;
        foreach (var c in text)
        {
            var digit = Digit(c);
            if (digit < 0)
                return false;
            value = (value << 5) | (uint)digit;
        }
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(octets, value);
        id = new Guid(octets, bigEndian: true);
        return true;
    }

    static int Digit(char c) => char.ToUpperInvariant(c) switch
    {
        'I' or 'L' => 1,
        'O' => 0,
        _ when !char.IsAscii(c) => -1,      // ſ has an ASCII capital
        var upper => Alphabet.IndexOf(upper, StringComparison.Ordinal),
    };
}
