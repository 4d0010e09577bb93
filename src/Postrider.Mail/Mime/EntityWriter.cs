using System.Security.Cryptography;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>Writes the Content- fields and the body: the parts of RFC 2046, outermost first.</summary>
sealed class EntityWriter
{
    const int BoundaryOctets = 26;

    readonly OctetWriter _writer;
    readonly MessageContent _content;
    readonly bool _allow8Bit;
    readonly byte[] _boundary;
    readonly List<MimeAttachment> _inline;
    readonly List<MimeAttachment> _attached;
    readonly List<Hole>? _holes;

    /// <summary>
    /// The line end that belongs to the next delimiter stands there already: after a multipart's fields, and after base64.
    /// </summary>
    bool _atDelimiter;

    public EntityWriter(OctetWriter writer, MessageContent content, bool allow8Bit)
    {
        (_writer, _content, _allow8Bit) = (writer, content, allow8Bit);
        _boundary = Boundary(content.BoundarySeed ?? content.MessageId);
        (_inline, _attached) = ([], []);
        foreach (var attachment in content.Attachments)
            (attachment.IsInline && content.Html is not null ? _inline : _attached).Add(attachment);
        _holes = IsContiguous(content) ? null : [];
    }

    /// <summary>The header section's length, without the empty line.</summary>
    public int HeaderOctets { get; private set; }

    public bool Is8Bit { get; private set; }

    /// <summary>Where attachments belong that are encoded as the body is read; in order.</summary>
    public IReadOnlyList<Hole> Holes => _holes ?? [];

    public static bool IsContiguous(MessageContent content)
    {
        if (content.Attachments.Count == 0)
            return true;
        var octets = (content.Text?.Length ?? 0L) + (content.Html?.Length ?? 0L);
        foreach (var attachment in content.Attachments)
        {
            if (attachment.Content is not AttachmentContent.InMemory)
                return false;
            octets += TextPart.Base64Octets(attachment.Content.Octets);
        }
        return octets <= MimeComposer.MaxContiguousOctets;
    }

    public void Write()
    {
        if (_attached.Count == 0)
        {
            WriteBodies(endsWithLine: true);
            return;
        }

        WriteMultipart("mixed"u8, 'm');
        if (_content.Text is not null || _content.Html is not null)
        {
            WriteDelimiter('m');
            WriteBodies(endsWithLine: false);
        }
        foreach (var attachment in _attached)
        {
            WriteDelimiter('m');
            WriteAttachment(attachment);
        }
        WriteClose('m', endsWithLine: true);
    }

    void WriteBodies(bool endsWithLine)
    {
        if (_content.Text is not { } text)
        {
            if (_content.Html is null)
                WriteText("plain"u8, [], endsWithLine);
            else
                WriteRelated(endsWithLine);
            return;
        }
        if (_content.Html is null)
        {
            WriteText("plain"u8, text.Span, endsWithLine);
            return;
        }

        WriteMultipart("alternative"u8, 'a');
        WriteDelimiter('a');
        WriteText("plain"u8, text.Span, endsWithLine: false);
        WriteDelimiter('a');
        WriteRelated(endsWithLine: false);
        WriteClose('a', endsWithLine);
    }

    void WriteRelated(bool endsWithLine)
    {
        var html = _content.Html.GetValueOrDefault().Span;
        if (_inline.Count == 0)
        {
            WriteText("html"u8, html, endsWithLine);
            return;
        }

        WriteMultipart("related"u8, 'r');
        WriteDelimiter('r');
        WriteText("html"u8, html, endsWithLine: false);
        foreach (var inline in _inline)
        {
            WriteDelimiter('r');
            WriteAttachment(inline);
        }
        WriteClose('r', endsWithLine);
    }

    void WriteText(ReadOnlySpan<byte> subtype, ReadOnlySpan<byte> text, bool endsWithLine)
    {
        var part = new TextPart(text, _boundary, _allow8Bit);
        Is8Bit |= part.Encoding == TransferEncoding.EightBit;
        _writer.Write("Content-Type: text/"u8);
        _writer.Write(subtype);
        _writer.Write(part.IsAscii ? "; charset=us-ascii\r\n"u8 : "; charset=utf-8\r\n"u8);
        _writer.Write("Content-Transfer-Encoding: "u8);
        _writer.Write(part.Encoding switch
        {
            TransferEncoding.SevenBit => "7bit"u8,
            TransferEncoding.EightBit => "8bit"u8,
            TransferEncoding.QuotedPrintable => "quoted-printable"u8,
            _ => "base64"u8,
        });
        EndFields();
        part.Write(_writer, endsWithLine);
        _atDelimiter = part.Encoding == TransferEncoding.Base64;
    }

    void WriteMultipart(ReadOnlySpan<byte> subtype, char level)
    {
        _writer.Write("Content-Type: multipart/"u8);
        _writer.Write(subtype);
        if (level == 'r')
            _writer.Write("; type=\"text/html\""u8);      // RFC 2387 §3.1 asks for the root's type
        _writer.Write((byte)';');
        _writer.Fold();
        _writer.Write("boundary=\""u8);
        WriteBoundary(level);
        _writer.Write((byte)'"');
        EndFields();
        _atDelimiter = true;
    }

    /// <summary>Always base64: nothing else keeps every octet as it is.</summary>
    void WriteAttachment(MimeAttachment attachment)
    {
        _writer.Write("Content-Type: "u8);
        _writer.Write(attachment.MediaType.Essence);
        foreach (var (name, value) in attachment.MediaType.Parameters.All)
            _writer.WriteParameter(Encoding.ASCII.GetBytes(name), value);
        _writer.EndLine();
        _writer.Write("Content-Transfer-Encoding: base64"u8);
        _writer.EndLine();
        _writer.Write("Content-Disposition: "u8);
        _writer.Write(attachment.IsInline ? "inline"u8 : "attachment"u8);
        _writer.WriteFileName(attachment.FileName);
        if (attachment.ContentId is { } id)
        {
            _writer.EndLine();
            _writer.Write("Content-ID: <"u8);
            _writer.Write(id);
            _writer.Write((byte)'>');
        }
        EndFields();

        if (_holes is null)
            TextPart.WriteBase64(_writer, ((AttachmentContent.InMemory)attachment.Content).Content.Span);
        else
            _holes.Add(new Hole(_writer.Length, attachment.Content));
        _atDelimiter = attachment.Content.Octets > 0;
    }

    /// <summary>Ends the last field, and with an empty line the section.</summary>
    void EndFields()
    {
        _writer.EndLine();
        if (HeaderOctets == 0)
            HeaderOctets = _writer.Length;
        _writer.EndLine();
    }

    void WriteDelimiter(char level)
    {
        WriteDashes(level);
        _writer.EndLine();
    }

    void WriteClose(char level, bool endsWithLine)
    {
        WriteDashes(level);
        _writer.Write("--"u8);
        if (endsWithLine)
            _writer.EndLine();
    }

    /// <summary>RFC 2046 §5.1.1: the CRLF before the dashes belongs to the delimiter.</summary>
    void WriteDashes(char level)
    {
        if (!_atDelimiter)
            _writer.EndLine();
        _atDelimiter = false;
        _writer.Write("--"u8);
        WriteBoundary(level);
    }

    void WriteBoundary(char level)
    {
        _writer.Write(_boundary);
        _writer.Write((byte)level);
    }

    /// <summary>Begins with what no quoted-printable holds (there = is followed by a hexadecimal digit or a line end) and no base64 (which
    /// has no underscore); a text that would hold it as it is, is encoded (<see cref="TextPart"/>).</summary>
    static byte[] Boundary(string seed)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(seed));
        return Encoding.ASCII.GetBytes($"=_{Convert.ToHexStringLower(hash.AsSpan(0, (BoundaryOctets - 2) / 2))}");
    }

    /// <param name="Position">In the composed buffer, header section included.</param>
    internal readonly record struct Hole(int Position, AttachmentContent Content);
}
