namespace Postrider.Mail.Smtp.Server;

/// <summary>
/// Reads a message as it follows DATA, in pieces of any size: takes away the dot that was put on lines that start with one, and finds
/// the end, which is CRLF.CRLF and nothing else (RFC 5321 §4.5.2, §4.1.1.4).
/// </summary>
/// <remarks>
/// LF.LF, LF.CRLF and their like are content here. Since another system may take them for the end, what holds a bare CR or LF is
/// refused, so that it goes nowhere (SMTP smuggling, VU#302671).
/// </remarks>
struct DotUnstuffer
{
    enum Place { LineStart, InLine, AfterCr, AfterDot, AfterDotCr }

    const byte Cr = (byte)'\r', Lf = (byte)'\n', Dot = (byte)'.';

    Place _place;       // AfterCr, AfterDot and AfterDotCr: consumed, but not yet written

    /// <summary>What RFC 5321 §2.3.8 forbids has come.</summary>
    public bool HasBareLineEnd { get; private set; }

    /// <returns>Whether the message ended; what is left of <paramref name="source"/> then is the next command. When false and not all
    /// is consumed, <paramref name="destination"/> is full.</returns>
    public bool Read(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed, out int written)
    {
        (consumed, written) = (0, 0);
        while (consumed < source.Length && destination.Length - written >= 2)      // no octet makes more than two
        {
            var octet = source[consumed];
            switch (_place)
            {
                case Place.AfterDotCr when octet == Lf:
                    consumed++;
                    _place = Place.LineStart;
                    return true;
                case Place.AfterCr when octet == Lf:
                    consumed++;
                    destination[written++] = Cr;
                    destination[written++] = Lf;
                    _place = Place.LineStart;
                    break;
                case Place.AfterDotCr or Place.AfterCr:
                    destination[written++] = Cr;
                    HasBareLineEnd = true;
                    _place = Place.InLine;
                    break;
                case Place.LineStart when octet == Dot:
                    consumed++;
                    _place = Place.AfterDot;
                    break;
                case Place.AfterDot when octet == Cr:
                    consumed++;
                    _place = Place.AfterDotCr;
                    break;
                case Place.AfterDot when octet == Dot:
                    consumed++;
                    destination[written++] = Dot;
                    _place = Place.InLine;
                    break;
                default:
                    CopyLine(source, destination, ref consumed, ref written);
                    break;
            }
        }
        return false;
    }

    void CopyLine(ReadOnlySpan<byte> source, Span<byte> destination, ref int consumed, ref int written)
    {
        var rest = source[consumed..];
        var end = rest.IndexOfAny(Cr, Lf);
        var run = Math.Min(end < 0 ? rest.Length : end, destination.Length - written);
        rest[..run].CopyTo(destination[written..]);
        (consumed, written) = (consumed + run, written + run);
        _place = Place.InLine;
        if (run != end)
            return;

        if (rest[end] == Cr)
        {
            consumed++;
            _place = Place.AfterCr;
        }
        else if (written < destination.Length)
        {
            consumed++;
            destination[written++] = Lf;
            HasBareLineEnd = true;
        }
    }
}
