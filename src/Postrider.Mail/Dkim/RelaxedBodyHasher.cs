using System.Buffers;
using System.Security.Cryptography;

namespace Postrider.Mail.Dkim;

/// <summary>
/// RFC 6376 §3.4.4, fed in pieces: white space at the end of lines goes, inside them becomes one space; empty lines at the end go.
/// </summary>
public sealed class RelaxedBodyHasher : IDisposable
{
    static readonly SearchValues<byte> Special = SearchValues.Create(" \t\r"u8);

    readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(4_096);
    int _buffered;

    // What has been read and not been written, in this order: line ends, white space, a CR that no LF has followed yet.
    long _lineEnds;
    bool _whiteSpace;
    bool _carriageReturn;
    bool _hasContent;

    public void Append(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            if (_carriageReturn)
            {
                _carriageReturn = false;
                if (octets[0] == '\n')
                {
                    _whiteSpace = false;
                    _lineEnds++;
                    octets = octets[1..];
                    continue;
                }
                Write("\r"u8);      // a bare one is an octet like others
            }

            switch (octets[0])
            {
                case (byte)'\r':
                    _carriageReturn = true;
                    octets = octets[1..];
                    break;
                case (byte)' ' or (byte)'\t':
                    _whiteSpace = true;
                    octets = octets[1..];
                    break;
                default:
                    var run = octets.IndexOfAny(Special);
                    run = run < 0 ? octets.Length : run;
                    Write(octets[..run]);
                    octets = octets[run..];
                    break;
            }
        }
    }

    /// <summary>Called once. A body that is not empty ends with a CRLF, whether it was there or not.</summary>
    public BodyHash Finish()
    {
        if (_carriageReturn)
            Write("\r"u8);
        if (_hasContent)
            Put("\r\n"u8);
        _hash.AppendData(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
        return new BodyHash(_hash.GetHashAndReset());
    }

    public void Dispose()
    {
        _hash.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    /// <summary>Where a body ends when all line ends at its end are taken off; its last line's own one is among them.</summary>
    internal static int LengthWithoutTrailingLines(ReadOnlySpan<byte> body)
    {
        while (body.EndsWith("\r\n"u8))
            body = body[..^2];
        return body.Length;
    }

    /// <summary>Whether nothing in it would change, which is the usual case for a composed body and saves a copy.</summary>
    internal static bool IsCanonical(ReadOnlySpan<byte> body) =>
        !body.Contains((byte)'\t') && body.IndexOf("  "u8) < 0 && body.IndexOf(" \r\n"u8) < 0;

    void Write(ReadOnlySpan<byte> octets)
    {
        for (; _lineEnds > 0; _lineEnds--)
            Put("\r\n"u8);
        if (_whiteSpace)
            Put(" "u8);
        _whiteSpace = false;
        _hasContent = true;
        Put(octets);
    }

    void Put(ReadOnlySpan<byte> octets)
    {
        if (octets.Length > _buffer.Length - _buffered)
        {
            _hash.AppendData(_buffer.AsSpan(0, _buffered));
            _buffered = 0;
            if (octets.Length > _buffer.Length)
            {
                _hash.AppendData(octets);
                return;
            }
        }
        octets.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += octets.Length;
    }
}
