using Postrider.Engine.Messages;

namespace Postrider.Commands;

/// <summary>A message id as the operator may have it from any dialect or log.</summary>
static class IdText
{
    /// <summary><c>msg_</c> and 26 characters of base32, those alone, or a UUID.</summary>
    public static bool TryParseMessage(string text, out MessageId id)
    {
        var bare = text.StartsWith("msg_", StringComparison.OrdinalIgnoreCase) ? text[4..] : text;
        var parsed = Base32.TryParse(bare, out var value) || Guid.TryParse(bare, out value);
        id = new MessageId(value);
        return parsed;
    }
}
