using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Smtp.Server;

/// <summary>Reads one command line, without its CRLF: RFC 5321 §4.1.1. Laxer in one way: blanks around arguments.</summary>
static class SmtpCommandParser
{
    /// <summary>All but the tab, which some send for a space.</summary>
    static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(octet => octet != '\t').Select(octet => (byte)octet)]);

    public static SmtpCommand Read(ReadOnlySpan<byte> line)
    {
        if (line.ContainsAny((byte)'\r', (byte)'\n'))       // half of a smuggled command (RFC 5321 §2.3.8)
            return Bad(SmtpReplies.BareLineEnd);
        if (!Utf8.IsValid(line) || line.ContainsAny(Controls))
            return Bad(SmtpReplies.BadArgument);

        var cursor = new OctetCursor(line);
        var verb = TakeVerb(ref cursor);
        cursor.SkipBlanks();
        return verb switch
        {
            _ when Is(verb, "EHLO"u8) => ReadHello(cursor, extended: true),
            _ when Is(verb, "HELO"u8) => ReadHello(cursor, extended: false),
            _ when Is(verb, "MAIL"u8) => ReadMail(cursor),
            _ when Is(verb, "RCPT"u8) => ReadRcpt(cursor),
            _ when Is(verb, "DATA"u8) => ReadPlain(cursor, SmtpVerb.Data),
            _ when Is(verb, "RSET"u8) => ReadPlain(cursor, SmtpVerb.Rset),
            _ when Is(verb, "QUIT"u8) => ReadPlain(cursor, SmtpVerb.Quit),
            _ when Is(verb, "STARTTLS"u8) => ReadPlain(cursor, SmtpVerb.StartTls),
            _ when Is(verb, "NOOP"u8) => new SmtpCommand.Plain(SmtpVerb.Noop),      // [ SP String ]
            _ when Is(verb, "HELP"u8) => new SmtpCommand.Plain(SmtpVerb.Help),      // [ SP String ]
            _ when Is(verb, "VRFY"u8) => cursor.AtEnd ? Bad(SmtpReplies.BadArgument) : new SmtpCommand.Plain(SmtpVerb.Vrfy),
            _ when Is(verb, "EXPN"u8) || Is(verb, "AUTH"u8) || Is(verb, "BDAT"u8) || Is(verb, "ETRN"u8) => Bad(SmtpReplies.NotImplemented),
            _ => Bad(SmtpReplies.UnknownCommand),
        };
    }

    static bool Is(ReadOnlySpan<byte> verb, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(verb, name);

    static ReadOnlySpan<byte> TakeVerb(ref OctetCursor cursor)
    {
        var start = cursor.Position;
        while (!cursor.AtWordEnd)
            cursor.Position++;
        return cursor.Since(start);
    }

    static SmtpCommand ReadPlain(OctetCursor cursor, SmtpVerb verb) =>
        cursor.AtEnd ? new SmtpCommand.Plain(verb) : Bad(SmtpReplies.BadArgument);

    /// <summary><c>ehlo = "EHLO" SP ( Domain / address-literal ) CRLF</c>; the name proves nothing, so it may be any word.</summary>
    static SmtpCommand ReadHello(OctetCursor cursor, bool extended)
    {
        var name = cursor.Rest.TrimEnd(" \t"u8);
        return name.Length is > 0 and <= 255 && !name.ContainsAny((byte)' ', (byte)'\t')
            ? new SmtpCommand.Hello(Encoding.UTF8.GetString(name), extended) : Bad(SmtpReplies.BadArgument);
    }

    /// <summary><c>mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF</c>, <c>Reverse-path = Path / "&lt;&gt;"</c>.</summary>
    static SmtpCommand ReadMail(OctetCursor cursor)
    {
        if (!cursor.TryTakeWord("FROM:"u8))
            return Bad(SmtpReplies.BadArgument);
        cursor.SkipBlanks();
        if (!TryTakePath(ref cursor, out var path))
            return Bad(SmtpReplies.BadSenderSyntax);

        Mailbox? mailbox = null;
        if (path.Length > 0 && !Mailbox.TryParse(path, out mailbox))
            return Bad(SmtpReplies.BadSenderSyntax);
        return ReadMailParameters(cursor, new ReversePath(mailbox));
    }

    /// <summary>SIZE (RFC 1870 §4), BODY (RFC 6152 §2), SMTPUTF8 (RFC 6531 §3.4).</summary>
    static SmtpCommand ReadMailParameters(OctetCursor cursor, ReversePath from)
    {
        var mail = new SmtpCommand.Mail(from, null, false, false);
        while (TryTakeParameter(ref cursor, out var keyword, out var value))
        {
            if (Is(keyword, "SIZE"u8) && mail.Octets is null)
            {
                if (!TryReadSize(value, out var octets))
                    return Bad(SmtpReplies.BadArgument);
                mail = mail with { Octets = octets };
            }
            else if (Is(keyword, "BODY"u8) && (Is(value, "7BIT"u8) || Is(value, "8BITMIME"u8)))
            {
                mail = mail with { Is8Bit = value.Length == 8 };
            }
            else if (Is(keyword, "SMTPUTF8"u8) && value.IsEmpty)
            {
                mail = mail with { SmtpUtf8 = true };
            }
            else
            {
                return Bad(SmtpReplies.UnknownParameter);
            }
        }
        if (!cursor.AtEnd)
            return Bad(SmtpReplies.BadSenderSyntax);
        return from.Mailbox is { NeedsSmtpUtf8: true } && !mail.SmtpUtf8 ? Bad(SmtpReplies.NeedsSmtpUtf8) : mail;
    }

    /// <summary><c>rcpt = "RCPT TO:" ( "&lt;Postmaster@" Domain "&gt;" / "&lt;Postmaster&gt;" / Forward-path ) [SP Rcpt-parameters]
    /// CRLF</c>; we know no parameter.</summary>
    static SmtpCommand ReadRcpt(OctetCursor cursor)
    {
        if (!cursor.TryTakeWord("TO:"u8))
            return Bad(SmtpReplies.BadArgument);
        cursor.SkipBlanks();
        if (!TryTakePath(ref cursor, out var path) || path.Length == 0)
            return Bad(SmtpReplies.BadRecipientSyntax);

        Mailbox? mailbox = null;
        if (!path.Equals("postmaster", StringComparison.OrdinalIgnoreCase) && !Mailbox.TryParse(path, out mailbox))
            return Bad(SmtpReplies.BadRecipientSyntax);
        if (TryTakeParameter(ref cursor, out _, out _))
            return Bad(SmtpReplies.UnknownParameter);
        return cursor.AtEnd ? new SmtpCommand.Rcpt(mailbox) : Bad(SmtpReplies.BadRecipientSyntax);
    }

    /// <summary><c>Path = "&lt;" [ A-d-l ":" ] Mailbox "&gt;"</c>; a source route is ignored (RFC 5321 §4.1.1.3).</summary>
    /// <param name="path">What is in the brackets, route left out; a quoted local-part may hold brackets of its own.</param>
    static bool TryTakePath(ref OctetCursor cursor, out string path)
    {
        path = "";
        var start = cursor;
        if (!cursor.TryTake((byte)'<'))
            return false;
        if (cursor.Rest.StartsWith("@"u8))
        {
            cursor.TakeUntil((byte)':');
            if (!cursor.TryTake((byte)':'))
                return Restore(ref cursor, start);
        }

        var (from, quoted) = (cursor.Position, false);
        for (; !cursor.AtEnd && (quoted || cursor.Rest[0] != '>'); cursor.Position++)
        {
            if (cursor.Rest[0] == '"')
                quoted = !quoted;
            else if (quoted && cursor.Rest[0] == '\\' && cursor.Rest.Length > 1)
                cursor.Position++;
        }
        path = Encoding.UTF8.GetString(cursor.Since(from));
        return cursor.TryTake((byte)'>') || Restore(ref cursor, start);
    }

    static bool Restore(ref OctetCursor cursor, OctetCursor start)
    {
        cursor = start;
        return false;
    }

    /// <summary><c>esmtp-param = esmtp-keyword ["=" esmtp-value]</c>, each after a space.</summary>
    static bool TryTakeParameter(ref OctetCursor cursor, out ReadOnlySpan<byte> keyword, out ReadOnlySpan<byte> value)
    {
        keyword = value = default;
        if (!cursor.AtWordEnd)
            return false;
        cursor.SkipBlanks();
        if (cursor.AtEnd)
            return false;
        var parameter = TakeVerb(ref cursor);
        var equals = parameter.IndexOf((byte)'=');
        keyword = equals < 0 ? parameter : parameter[..equals];
        value = equals < 0 ? default : parameter[(equals + 1)..];
        return true;
    }

    /// <summary><c>size-value = 1*20DIGIT</c>.</summary>
    static bool TryReadSize(ReadOnlySpan<byte> value, out long octets)
    {
        octets = 0;
        if (value.Length is 0 or > 20 || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return false;
        foreach (var digit in value)
            octets = octets > long.MaxValue / 10 - 1 ? long.MaxValue : octets * 10 + (digit - '0');
        return true;
    }

    static SmtpCommand.Bad Bad(SmtpReply reply) => new(reply);
}
