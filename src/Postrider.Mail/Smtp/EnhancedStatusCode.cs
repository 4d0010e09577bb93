namespace Postrider.Mail.Smtp;

/// <summary>RFC 3463 §2: <c>status-code = class "." subject "." detail</c>, e.g. 5.1.1.</summary>
public readonly record struct EnhancedStatusCode(int Class, int Subject, int Detail)
{
    /// <returns>False when <paramref name="text"/> does not start with a code; many servers send none.</returns>
    public static bool TryRead(ReadOnlySpan<byte> text, out EnhancedStatusCode code, out int consumed)
    {
        (code, consumed) = (default, 0);
        var cursor = new OctetCursor(text);
        if (!cursor.TryDigits(1, out var @class) || @class is not (2 or 4 or 5)
            || !cursor.TryTake((byte)'.') || !cursor.TryDigits(3, out var subject)      // 1*3DIGIT
            || !cursor.TryTake((byte)'.') || !cursor.TryDigits(3, out var detail)       // 1*3DIGIT
            || !cursor.AtWordEnd)
            return false;

        (code, consumed) = (new(@class, subject, detail), cursor.Position);
        return true;
    }

    public override string ToString() => $"{Class}.{Subject}.{Detail}";
}
