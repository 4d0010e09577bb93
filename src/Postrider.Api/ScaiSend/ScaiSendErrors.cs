using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Postrider.Api.ScaiSend;

/// <summary>Which of the two shapes a path answers errors in: contracts/scaisend.md §2.1.</summary>
enum ErrorShape
{
    /// <summary><c>{"detail":"…"}</c></summary>
    Detail,

    /// <summary><c>{"errors":[…]}</c>, with <c>detail</c> beside it where clients of the other shape may meet it (§2.2).</summary>
    Errors,
}

/// <summary>The only place where this dialect's errors are made.</summary>
static class ScaiSendErrors
{
    public static void Write(HttpResponse response, ErrorShape shape, int status, string message)
    {
        if (shape == ErrorShape.Detail)
            JsonAnswer.Write(response, status, message, WriteDetail);
        else
            JsonAnswer.Write(response, status, message, WriteBoth);
    }

    /// <summary>400 for a send or a batch, with all that was found.</summary>
    public static void Write(HttpResponse response, IReadOnlyList<Fault> faults) =>
        JsonAnswer.Write(response, StatusCodes.Status400BadRequest, faults, static (json, faults) =>
        {
            json.WriteStartObject();
            WriteErrors(json, faults);
            json.WriteEndObject();
        });

    /// <summary>What is wrong with a body: 400 or 422, as the path has it.</summary>
    public static void Write(HttpResponse response, ErrorShape shape, QueryFault fault)
    {
        if (shape == ErrorShape.Detail)
            Write(response, [fault]);
        else
            Write(response, [new Fault(fault.Message, fault.Parameter.Length > 0 ? fault.Parameter : null)]);
    }

    /// <summary>422 for queries, and for bodies of everything but <c>/v3/mail</c>.</summary>
    public static void Write(HttpResponse response, IReadOnlyList<QueryFault> faults) =>
        JsonAnswer.Write(response, StatusCodes.Status422UnprocessableEntity, faults, static (json, faults) =>
        {
            json.WriteStartObject();
            json.WriteStartArray("detail"u8);
            foreach (var fault in faults)
            {
                json.WriteStartObject();
                json.WriteStartArray("loc"u8);
                json.WriteStringValue(fault.Place ?? "query");
                if (fault.Parameter.Length > 0)
                    WritePath(json, fault.Parameter);
                json.WriteEndArray();
                json.WriteString("msg"u8, fault.Message);
                json.WriteString("type"u8, fault.Type);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });

    /// <summary>The parts of a dotted path, its indexes as numbers.</summary>
    static void WritePath(Utf8JsonWriter json, string path)
    {
        foreach (var part in path.Split('.'))
        {
            if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                json.WriteNumberValue(index);
            else
                json.WriteStringValue(part);
        }
    }

    static void WriteDetail(Utf8JsonWriter json, string message)
    {
        json.WriteStartObject();
        json.WriteString("detail"u8, message);
        json.WriteEndObject();
    }

    static void WriteBoth(Utf8JsonWriter json, string message)
    {
        json.WriteStartObject();
        WriteErrors(json, [new Fault(message)]);
        json.WriteString("detail"u8, message);
        json.WriteEndObject();
    }

    static void WriteErrors(Utf8JsonWriter json, IReadOnlyList<Fault> faults)
    {
        json.WriteStartArray("errors"u8);
        foreach (var fault in faults)
        {
            json.WriteStartObject();
            json.WriteString("message"u8, fault.Message);
            json.WriteString("field"u8, fault.Field);
            json.WriteNull("help"u8);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

/// <param name="Parameter">Its name; in a body a dotted path, or empty for all of it.</param>
/// <param name="Type">The kind of fault, as in <c>less_than_equal</c>.</param>
readonly record struct QueryFault(string Parameter, string Message, string Type)
{
    /// <summary>Null for the query.</summary>
    public string? Place { get; private init; }

    public static QueryFault InBody(string field, string message, string type) => new(field, message, type) { Place = "body" };
}
