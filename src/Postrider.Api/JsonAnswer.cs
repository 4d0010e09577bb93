using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Postrider.Api;

/// <summary>Writes a JSON answer whole, with its length, so that a fault while it is made can still become a 500.</summary>
static class JsonAnswer
{
    /// <summary>A larger buffer is not kept for the next answer: few are that long.</summary>
    const int MostKeptOctets = 64 * 1024;

    static readonly JsonWriterOptions Options = new()
    {
        // The answer is application/json and sent as such only: text need not be escaped for HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Of this thread; not there while it is written with.</summary>
    [ThreadStatic]
    static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? _kept;

    /// <summary>The server sends it when the request ends.</summary>
    public static void Write<T>(HttpResponse response, int status, T state, Action<Utf8JsonWriter, T> write)
    {
        var (buffer, json) = _kept ?? Make();
        _kept = null;

        write(json, state);
        json.Flush();
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.Headers.XContentTypeOptions = "nosniff";
        response.ContentLength = buffer.WrittenCount;
        response.BodyWriter.Write(buffer.WrittenSpan);

        buffer.ResetWrittenCount();
        json.Reset();
        if (buffer.Capacity <= MostKeptOctets)
            _kept = (buffer, json);
    }

    static (ArrayBufferWriter<byte>, Utf8JsonWriter) Make()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        return (buffer, new Utf8JsonWriter(buffer, Options));
    }
}
