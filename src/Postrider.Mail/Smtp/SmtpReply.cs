using System.Text;

namespace Postrider.Mail.Smtp;

/// <summary>A reply of RFC 5321 §4.2. Its text is safe to log and to show: no control characters, bounded in length.</summary>
public sealed record SmtpReply
{
    /// <param name="lines">The text of each line, without the reply code; an enhanced status code is part of the text.</param>
    public SmtpReply(int code, params IReadOnlyList<string> lines)
    {
        Code = code;
        Lines = lines.Count > 0 ? lines : [""];
        Enhanced = ReadEnhanced(code, Lines[0]);
    }

    /// <summary>200 to 599.</summary>
    public int Code { get; }

    /// <summary>Null when the server sent none, or one of another class than its code (RFC 2034 §4).</summary>
    public EnhancedStatusCode? Enhanced { get; }

    /// <summary>At least one; empty text is an empty string.</summary>
    public IReadOnlyList<string> Lines { get; }

    /// <summary>We said it ourselves: the peer's announced limits already tell what it would answer.</summary>
    public bool IsLocal { get; init; }

    public bool IsPositive => Code is >= 200 and < 300;

    public bool IsTransient => Code is >= 400 and < 500;

    public bool IsPermanent => Code >= 500;

    /// <summary>421: the server is about to close, whatever it was asked (RFC 5321 §3.8).</summary>
    public bool IsClosing => Code == 421;

    /// <summary>All lines in one, as logs and timelines want it.</summary>
    public string Text => Lines.Count == 1 ? Lines[0] : string.Join(' ', Lines);

    /// <summary>The first line as it was sent.</summary>
    public string FirstLine => $"{Code}{(Lines.Count == 1 ? ' ' : '-')}{Lines[0]}";

    /// <summary>The last line as it was sent.</summary>
    public string LastLine => $"{Code} {Lines[^1]}";

    public bool Equals(SmtpReply? other) =>
        other is not null && Code == other.Code && IsLocal == other.IsLocal && Lines.SequenceEqual(other.Lines);

    public override int GetHashCode() => HashCode.Combine(Code, Lines[0]);

    public override string ToString() => $"{Code} {Text}";

    static EnhancedStatusCode? ReadEnhanced(int code, string text)
    {
        Span<byte> start = stackalloc byte[12];     // the longest, 5.999.999, and the octet after it
        Ascii.FromUtf16(text.AsSpan(0, Math.Min(text.Length, start.Length)), start, out var octets);
        return EnhancedStatusCode.TryRead(start[..octets], out var enhanced, out _) && enhanced.Class == code / 100 ? enhanced : null;
    }
}
