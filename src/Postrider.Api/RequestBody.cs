using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Postrider.Api;

/// <summary>Reads a whole body into the server's own buffers, up to a limit; whoever takes it gives it back with
/// <see cref="PipeReader.AdvanceTo(SequencePosition)"/>.</summary>
static class RequestBody
{
    /// <returns>Null when the body is longer than <paramref name="most"/>: refused by its declared length where there is one, else as it
    /// comes.</returns>
    public static async ValueTask<ReadOnlySequence<byte>?> TryReadAsync(HttpRequest request, int most, CancellationToken cancel)
    {
        if (request.ContentLength > most)
            return null;

        var reader = request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(cancel);
            var body = read.Buffer;
            if (body.Length > most)
            {
                reader.AdvanceTo(body.End);
                return null;
            }
            if (read.IsCompleted)
                return body;
            reader.AdvanceTo(body.Start, body.End);
        }
    }
}
