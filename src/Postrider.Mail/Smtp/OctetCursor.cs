using System.Text;

namespace Postrider.Mail.Smtp;

/// <summary>Walks over the octets of one line. Each method takes what it names and returns true, or moves nothing.</summary>
ref struct OctetCursor(ReadOnlySpan<byte> text)
{
    readonly ReadOnlySpan<byte> _text = text;

    public int Position { get; set; }

    public readonly bool AtEnd => Position == _text.Length;

    public readonly bool AtWordEnd => AtEnd || _text[Position] is (byte)' ' or (byte)'\t';

    public readonly ReadOnlySpan<byte> Rest => _text[Position..];

    public readonly ReadOnlySpan<byte> Since(int start) => _text[start..Position];

    public bool TryTake(byte octet)
    {
        if (AtEnd || _text[Position] != octet)
            return false;
        Position++;
        return true;
    }

    /// <summary>A word of the protocol, in whatever case (RFC 5321 §2.4).</summary>
    public bool TryTakeWord(ReadOnlySpan<byte> word)
    {
        if (Rest.Length < word.Length || !Ascii.EqualsIgnoreCase(Rest[..word.Length], word))
            return false;
        Position += word.Length;
        return true;
    }

    /// <summary><c>1*maxDIGIT</c>; further digits are left where they are.</summary>
    public bool TryDigits(int max, out int value)
    {
        value = 0;
        var taken = 0;
        for (; taken < max && Position + taken < _text.Length && _text[Position + taken] is >= (byte)'0' and <= (byte)'9'; taken++)
            value = value * 10 + (_text[Position + taken] - '0');
        Position += taken;
        return taken > 0;
    }

    /// <summary>Everything up to <paramref name="octet"/> or the end; may be empty.</summary>
    public ReadOnlySpan<byte> TakeUntil(byte octet)
    {
        var end = Rest.IndexOf(octet);
        var taken = end < 0 ? Rest : Rest[..end];
        Position += taken.Length;
        return taken;
    }

    /// <summary>Spaces and tabs, which many senders put where RFC 5321 §4.1.1 has none.</summary>
    public void SkipBlanks()
    {
        while (!AtEnd && _text[Position] is (byte)' ' or (byte)'\t')
            Position++;
    }
}
