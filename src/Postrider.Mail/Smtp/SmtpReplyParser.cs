using System.Buffers;
using System.Text;

namespace Postrider.Mail.Smtp;

public enum SmtpReplyParse
{
    /// <summary>Everything was consumed and the reply goes on.</summary>
    Incomplete,
    Complete,

    /// <summary>What came is no reply, or has no end; the two sides no longer agree on who answers what.</summary>
    Malformed,
}

/// <summary>
/// Reads replies from octets as they arrive, in pieces of any size:
/// <code>
/// Reply-line  = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// Reply-code  = %x32-35 %x30-35 %x30-39
/// </code>
/// RFC 5321 §4.2. Laxer in two ways: any second digit, and any octet in the text, where what is not printable is replaced.
/// </summary>
public sealed class SmtpReplyParser
{
    /// <summary>Octets kept of a line; longer ones are cut. RFC 5321 §4.5.3.1.5 allows 512, some servers send far more.</summary>
    public const int MaxLineOctets = 2048;

    /// <summary>Lines kept of a reply; an EHLO with twenty is already unusual.</summary>
    public const int MaxLines = 100;

    /// <summary>A reply that goes on after this many octets is malformed. A guess: nobody explains a refusal in more.</summary>
    public const int MaxReplyOctets = 64 * 1024;

    readonly LineFramer _framer = new(MaxLineOctets);
    readonly List<string> _lines = [];
    int _octets;
    int _code;

    /// <summary>What is wrong with a malformed reply, in words for a log.</summary>
    public string? Fault { get; private set; }

    public SmtpReplyParse Read(ref ReadOnlySequence<byte> input, out SmtpReply? reply)
    {
        var total = 0L;
        foreach (var piece in input)
        {
            var parse = Read(piece.Span, out var consumed, out reply);
            total += consumed;
            if (parse == SmtpReplyParse.Incomplete)
                continue;
            input = input.Slice(total);
            return parse;
        }
        (input, reply) = (input.Slice(total), null);
        return SmtpReplyParse.Incomplete;
    }

    /// <param name="consumed">All of <paramref name="input"/>, unless a reply ended inside it.</param>
    public SmtpReplyParse Read(ReadOnlySpan<byte> input, out int consumed, out SmtpReply? reply)
    {
        (consumed, reply) = (0, null);
        while (consumed < input.Length)
        {
            var ended = _framer.TryRead(input[consumed..], out var octets, out var line);
            consumed += octets;
            _octets += octets;
            if (_octets > MaxReplyOctets)
                return Malformed($"a reply of more than {MaxReplyOctets} octets");
            if (!ended)
                return SmtpReplyParse.Incomplete;
            if (!TryReadLine(line, out var code, out var last, out var text))
                return Malformed($"not a reply: \"{Printable(line[..Math.Min(line.Length, 80)])}\"");
            if (_lines.Count > 0 && code != _code)
                return Malformed($"a reply that starts as {_code} and goes on as {code}");

            _code = code;
            if (_lines.Count < MaxLines)
                _lines.Add(Printable(text));
            if (last)
            {
                reply = new SmtpReply(code, _lines.ToArray());
                _lines.Clear();
                _octets = 0;
                return SmtpReplyParse.Complete;
            }
        }
        return SmtpReplyParse.Incomplete;
    }

    SmtpReplyParse Malformed(string fault)
    {
        Fault = fault;
        return SmtpReplyParse.Malformed;
    }

    static bool TryReadLine(ReadOnlySpan<byte> line, out int code, out bool last, out ReadOnlySpan<byte> text)
    {
        last = true;
        text = default;
        var cursor = new OctetCursor(line);
        if (!cursor.TryDigits(3, out code) || cursor.Position < 3 || code is < 200 or > 599)
            return false;
        if (cursor.AtEnd)       // "250" alone: RFC 5321 §4.2 asks clients to take it
            return true;
        last = cursor.TryTake((byte)' ');
        if (!last && !cursor.TryTake((byte)'-'))
            return false;
        text = cursor.Rest;
        return true;
    }

    /// <summary>UTF-8 where it is (RFC 6531 §3.7.4.2); control characters would forge log lines and terminal output.</summary>
    static string Printable(ReadOnlySpan<byte> text)
    {
        if (!text.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
            return Encoding.ASCII.GetString(text);
        var decoded = Encoding.UTF8.GetString(text);
        return string.Create(decoded.Length, decoded, static (safe, decoded) =>
        {
            for (var i = 0; i < safe.Length; i++)
                safe[i] = decoded[i] == '\t' ? ' ' : IsUnsafe(decoded[i]) ? '?' : decoded[i];
        });
    }

    /// <summary>Controls, and what turns the direction of the text around it or starts a line of its own.</summary>
    static bool IsUnsafe(char character) => char.IsControl(character)
        || character is (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\u200e' or '\u200f' or '\ufeff';
}
