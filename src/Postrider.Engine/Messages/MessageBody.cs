using System.Buffers.Binary;

namespace Postrider.Engine.Messages;

/// <summary>
/// The submitted text and html, UTF-8, as one content: a 4-octet big-endian text length plus one (0: no text), the text, the html.
/// </summary>
public sealed record MessageBody(ReadOnlyMemory<byte>? Text, ReadOnlyMemory<byte>? Html)
{
    const int LengthOctets = 4;

    public byte[] ToContent()
    {
        var content = new byte[LengthOctets + (Text?.Length ?? 0) + (Html?.Length ?? 0)];
        BinaryPrimitives.WriteInt32BigEndian(content, Text is { } text ? text.Length + 1 : 0);
        Text?.Span.CopyTo(content.AsSpan(LengthOctets));
        Html?.Span.CopyTo(content.AsSpan(LengthOctets + (Text?.Length ?? 0)));
        return content;
    }

    public static MessageBody FromContent(ReadOnlyMemory<byte> content)
    {
        var textLength = BinaryPrimitives.ReadInt32BigEndian(content.Span) - 1;
        var rest = content[LengthOctets..];
        var html = rest[Math.Max(textLength, 0)..];
        // With a bare null both would be memory that is empty: a null array converts to it.
        return new MessageBody(
            textLength < 0 ? (ReadOnlyMemory<byte>?)null : rest[..textLength], html.IsEmpty ? (ReadOnlyMemory<byte>?)null : html);
    }
}
