using System.Text;
using System.Text.Encodings.Web;

namespace Postrider.Capture;

/// <summary>Captured mail over HTTP, on the demo server only: list, read, source.</summary>
static class CaptureEndpoints
{
    const int MostListed = 1_000;

    /// <summary>For people to read: &lt; and + as they are. It is served as JSON, and not to be sniffed.</summary>
    static readonly CaptureJson Plain = new(new(CaptureJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static void MapCapture(this IEndpointRouteBuilder endpoints, CaptureFolder folder)
    {
        var captured = endpoints.MapGroup("/captured");
        captured.MapGet("/", (int? skip, int? limit) => Results.Json(
            folder.List(Math.Max(skip ?? 0, 0), Math.Clamp(limit ?? 50, 1, MostListed)), Plain.CapturedList));
        captured.MapDelete("/", () =>
        {
            folder.Clear();
            return Results.NoContent();
        });
        captured.MapGet("/{id}", (string id) => Read(folder, id, (mail, source) =>
            Results.Json(CaptureReading.Read(mail, source), Plain.CapturedMessage)));
        captured.MapGet("/{id}/source", (string id) => Read(folder, id, (_, source) => Results.Bytes(source, "text/plain; charset=utf-8")));
        captured.MapGet(
            "/{id}/text", (string id) => Read(folder, id, (mail, source) => Part(CaptureReading.Read(mail, source).Text, "text/plain")));
        captured.MapGet("/{id}/html", (HttpContext context, string id) => Read(folder, id, (mail, source) =>
        {
            // Whoever sent it wrote it: no scripts, no forms, nothing fetched.
            context.Response.Headers.ContentSecurityPolicy = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'";
            return Part(CaptureReading.Read(mail, source).Html, "text/html");
        }));
        captured.MapGet(
            "/{id}/attachments/{number:int:min(0)}",
            (HttpContext context, string id, int number) => Read(folder, id, (_, source) =>
            {
                context.Response.Headers.ContentDisposition = "attachment";
                return CaptureReading.Attachment(source, number) is { } octets
                    ? Results.Bytes(octets, "application/octet-stream") : NotFound();
            }));
        captured.AddEndpointFilter(async (invocation, next) =>
        {
            invocation.HttpContext.Response.Headers.XContentTypeOptions = "nosniff";
            return await next(invocation);
        });
    }

    static IResult Read(CaptureFolder folder, string id, Func<CapturedMail, byte[], IResult> answer) =>
        folder.Find(id) is { } mail && folder.ReadSource(id) is { } source ? answer(mail, source) : NotFound();

    static IResult Part(string? part, string type) => part is null ? NotFound() : Results.Text(part, type, Encoding.UTF8);

    static IResult NotFound() => Results.NotFound();
}
