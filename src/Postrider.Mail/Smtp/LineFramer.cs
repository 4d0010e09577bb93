namespace Postrider.Mail.Smtp;

/// <summary>Cuts lines out of whatever pieces arrive. Only CRLF ends a line: a bare CR or LF is part of it (RFC 5321 §2.3.8).</summary>
/// <param name="keep">Octets kept of a line; what is longer is counted and forgotten.</param>
sealed class LineFramer(int keep)
{
    byte[]? _carry;
    int _carried;
    bool _heldCr;       // the last piece ended in CR, which may be half of a CRLF
    int _octets;

    /// <summary>The true length of the line last returned, without its CRLF.</summary>
    public int LineOctets { get; private set; }

    /// <summary>The length so far of the line that has not ended.</summary>
    public int PendingOctets => _octets;

    /// <param name="line">Valid until the next call.</param>
    /// <returns>False when no line ends in <paramref name="input"/>, which then is consumed whole.</returns>
    public bool TryRead(ReadOnlySpan<byte> input, out int consumed, out ReadOnlySpan<byte> line)
    {
        var lf = IndexOfLineEnd(input);
        if (lf < 0)
        {
            KeepForLater(input);
            consumed = input.Length;
            line = default;
            return false;
        }

        if (_carried == 0 && !_heldCr)
        {
            LineOctets = lf - 1;
            line = input[..Math.Min(lf - 1, keep)];
        }
        else
        {
            if (_heldCr && lf > 0)
                Append("\r"u8);
            Append(lf > 0 ? input[..(lf - 1)] : default);
            LineOctets = _octets;
            line = _carry.AsSpan(0, _carried);
        }
        (consumed, _carried, _octets, _heldCr) = (lf + 1, 0, 0, false);
        return true;
    }

    int IndexOfLineEnd(ReadOnlySpan<byte> input)
    {
        for (var from = 0; ;)
        {
            var lf = input[from..].IndexOf((byte)'\n');
            if (lf < 0)
                return -1;
            lf += from;
            if (lf == 0 ? _heldCr : input[lf - 1] == '\r')
                return lf;
            from = lf + 1;
        }
    }

    void KeepForLater(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return;
        if (_heldCr)
            Append("\r"u8);
        _heldCr = input[^1] == '\r';
        Append(_heldCr ? input[..^1] : input);
    }

    void Append(ReadOnlySpan<byte> octets)
    {
        _octets += octets.Length;
        _carry ??= new byte[keep];
        var kept = octets[..Math.Min(octets.Length, keep - _carried)];
        kept.CopyTo(_carry.AsSpan(_carried));
        _carried += kept.Length;
    }
}
