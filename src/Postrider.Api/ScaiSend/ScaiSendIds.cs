using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend;

/// <summary>Ids as this dialect writes them: a prefix and 26 base32 characters, read in either case (DESIGN §3).</summary>
static class ScaiSendIds
{
    const string Message = "msg_";
    const string Batch = "bat_";
    const string Event = "evt_";

    public static string Format(MessageId id) => Message + Base32.Format(id.Value);

    public static string Format(BatchId id) => Batch + Base32.Format(id.Value);

    public static string Format(EventId id) => Event + Base32.Format(id.Value);

    public static bool TryParse(ReadOnlySpan<char> text, out MessageId id)
    {
        var read = TryParse(text, Message, out var value);
        id = new MessageId(value);
        return read;
    }

    public static bool TryParse(ReadOnlySpan<char> text, out BatchId id)
    {
        var read = TryParse(text, Batch, out var value);
        id = new BatchId(value);
        return read;
    }

    static bool TryParse(ReadOnlySpan<char> text, string prefix, out Guid value)
    {
        value = default;
        return text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && Base32.TryParse(text[prefix.Length..], out value);
    }
}
