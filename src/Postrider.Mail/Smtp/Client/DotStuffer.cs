using System.Buffers;

namespace Postrider.Mail.Smtp.Client;

/// <summary>
/// Turns a message, in pieces of any size, into what follows DATA: a dot more on each line that starts with one, CRLF as the
/// only line end, a line with a lone dot at the end (RFC 5321 §4.5.2, §2.3.8).
/// </summary>
/// <remarks>
/// A bare CR or LF becomes CRLF. The composer makes none, and a DKIM signature over one would break; but on the wire it could end
/// the message early at a lax peer and make commands of the rest (SMTP smuggling, VU#302671), so it ends here.
/// </remarks>
struct DotStuffer
{
    enum Place { LineStart, InLine, AfterCr }

    const byte Cr = (byte)'\r', Lf = (byte)'\n', Dot = (byte)'.';

    Place _place;       // AfterCr: the CR is consumed but not written

    /// <returns><see cref="OperationStatus.DestinationTooSmall"/> when there is more to consume; empty the destination and go on.</returns>
    public OperationStatus Stuff(ReadOnlySpan<byte> source, Span<byte> destination, out int consumed, out int written)
    {
        (consumed, written) = (0, 0);
        while (consumed < source.Length)
        {
            if (_place == Place.AfterCr || source[consumed] == Lf)
            {
                if (!TryWriteTwo(destination, ref written, Cr, Lf))
                    return OperationStatus.DestinationTooSmall;
                if (source[consumed] == Lf)
                    consumed++;
                _place = Place.LineStart;
            }
            else if (_place == Place.LineStart && source[consumed] == Dot)
            {
                if (!TryWriteTwo(destination, ref written, Dot, Dot))
                    return OperationStatus.DestinationTooSmall;
                consumed++;
                _place = Place.InLine;
            }
            else if (source[consumed] == Cr)
            {
                consumed++;
                _place = Place.AfterCr;
            }
            else if (!TryCopyLine(source, destination, ref consumed, ref written))
            {
                return OperationStatus.DestinationTooSmall;
            }
        }
        return OperationStatus.Done;
    }

    /// <summary>Octets that <see cref="Finish"/> may need.</summary>
    public const int MaxFinishOctets = 5;

    /// <returns>Octets written: the line end that is missing, if any, and the final dot.</returns>
    public readonly int Finish(Span<byte> destination)
    {
        var end = _place == Place.LineStart ? ".\r\n"u8 : "\r\n.\r\n"u8;
        end.CopyTo(destination);
        return end.Length;
    }

    static bool TryWriteTwo(Span<byte> destination, ref int written, byte first, byte second)
    {
        if (destination.Length - written < 2)
            return false;
        destination[written++] = first;
        destination[written++] = second;
        return true;
    }

    /// <summary>Copies up to the next CR or LF, and in the usual case the CRLF with it.</summary>
    bool TryCopyLine(ReadOnlySpan<byte> source, Span<byte> destination, ref int consumed, ref int written)
    {
        var rest = source[consumed..];
        var room = destination[written..];
        var end = rest.IndexOfAny(Cr, Lf);
        var run = end < 0 ? rest.Length : end;
        var place = Place.InLine;
        if (end >= 0 && end + 1 < rest.Length && rest[end] == Cr && rest[end + 1] == Lf && end + 2 <= room.Length)
            (run, place) = (end + 2, Place.LineStart);

        var copied = Math.Min(run, room.Length);
        rest[..copied].CopyTo(room);
        (consumed, written) = (consumed + copied, written + copied);
        if (copied > 0)
            _place = place;
        return copied == run;
    }
}
