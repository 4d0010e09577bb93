using System.Text;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres.Messages;

/// <summary>An event with its data already written as JSON: done before its group's turn.</summary>
readonly record struct EncodedEvent(MessageEvent Event, string? Data)
{
    public static EncodedEvent From(MessageEvent one) => new(one, one.Data is { } data ? TextOf(data.ToJson()) : null);

    /// <summary>Null for none.</summary>
    public static string? TextOf(byte[] json) => json.Length == 0 ? null : Encoding.UTF8.GetString(json);
}
