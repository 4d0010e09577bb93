using System.Buffers;
using System.Net.Mime;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Postrider.Api.Auth;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Send;

/// <summary><c>POST /v3/mail/send</c>: contracts/scaisend.md §3.1.</summary>
sealed class SendEndpoint(MessageIntake intake, SendTranslator translator, ApiOptions options)
{
    public const string UnknownBatch = "The batch is not known.";

    const string IdempotencyKey = "Idempotency-Key";
    const int MaxIdempotencyKey = 255;

    public async Task HandleAsync(HttpContext context, Credential credential)
    {
        if (!IsJson(context.Request))
        {
            Refuse(context, StatusCodes.Status415UnsupportedMediaType,
                "The Content-Type must be application/json, without Content-Encoding");
            return;
        }
        var faults = new Faults();
        var key = ReadIdempotencyKey(context.Request, faults);
        // Else the server's own, smaller or larger, limit would answer.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        if (await RequestBody.TryReadAsync(context.Request, options.ScaiSend.MaxBodyOctets, context.RequestAborted) is not { } json)
        {
            Refuse(context, StatusCodes.Status413PayloadTooLarge,
                $"The request body must be at most {options.ScaiSend.MaxBodyOctets} bytes");
            return;
        }

        var body = SendBodyReader.TryRead(json, faults);
        var fingerprint = key is null ? default : HashOf(json);
        context.Request.BodyReader.AdvanceTo(json.End);
        var messages = body is null ? [] : translator.Translate(body, credential.Key.Test, faults);
        if (faults.Any)
        {
            ScaiSendErrors.Write(context.Response, faults.Found);
            return;
        }
        if (!credential.Has(Scopes.MailSchedule) && NeedsSchedule(messages))
        {
            Refuse(context, StatusCodes.Status403Forbidden, $"Missing required scope: {Scopes.MailSchedule}");
            return;
        }

        var draft = new Draft { Tenant = credential.Tenant.Id, Messages = messages, IdempotencyKey = key, Fingerprint = fingerprint };
        Answer(context, await intake.SubmitAsync(draft, context.RequestAborted));
    }

    static void Answer(HttpContext context, SubmitOutcome outcome)
    {
        switch (outcome)
        {
            case SubmitOutcome.Accepted accepted:
                context.Response.Headers["X-Message-Id"] = ScaiSendIds.Format(accepted.Messages[0]);
                if (accepted.Replayed)
                    context.Response.Headers["Idempotent-Replayed"] = "true";
                JsonAnswer.Write(context.Response, StatusCodes.Status202Accepted, accepted.Messages, WriteAccepted);
                break;
            case SubmitOutcome.KeyReused:
                Refuse(context, StatusCodes.Status409Conflict, "The Idempotency-Key was used with another request body");
                break;
            case SubmitOutcome.UnknownBatch:
                ScaiSendErrors.Write(context.Response, [new Fault(UnknownBatch, "batch_id")]);
                break;
            case SubmitOutcome.UnknownGroup:
                ScaiSendErrors.Write(context.Response, [new Fault("The unsubscribe group is not known.", "asm.group_id")]);
                break;
            case SubmitOutcome.SenderNotVerified:
                Refuse(context, StatusCodes.Status403Forbidden, "Sender domain not verified");
                break;
            default:
                throw new InvalidOperationException($"{outcome} is not an outcome of submitting.");
        }
    }

    static void WriteAccepted(Utf8JsonWriter json, IReadOnlyList<MessageId> ids)
    {
        json.WriteStartObject();
        json.WriteString("message_id"u8, ScaiSendIds.Format(ids[0]));
        if (ids.Count > 1)
        {
            json.WriteStartArray("message_ids"u8);
            for (var i = 0; i < ids.Count; i++)
                json.WriteStringValue(ScaiSendIds.Format(ids[i]));
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    static bool NeedsSchedule(IReadOnlyList<MessageDraft> messages)
    {
        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i].Batch is not null || messages[i].Settings.SendAt is not null)
                return true;
        }
        return false;
    }

    static bool IsJson(HttpRequest request)
    {
        var encoding = request.Headers.ContentEncoding;
        if (encoding.Count > 0 && !encoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase))
            return false;
        var type = request.ContentType;
        return type == MediaTypeNames.Application.Json
            || (MediaTypeHeaderValue.TryParse(type, out var parsed)
                && parsed.MediaType.Equals(MediaTypeNames.Application.Json, StringComparison.OrdinalIgnoreCase)
                && (!parsed.Charset.HasValue || parsed.Charset.Value.Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase)));
    }

    static string? ReadIdempotencyKey(HttpRequest request, Faults faults)
    {
        var given = request.Headers[IdempotencyKey];
        if (given.Count == 0)
            return null;
        var key = given[0] ?? "";
        if (given.Count == 1 && key.Length is > 0 and <= MaxIdempotencyKey && !key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return key;
        faults.Add(IdempotencyKey, $"The Idempotency-Key must be one value of 1 to {MaxIdempotencyKey} printable ASCII characters.");
        return null;
    }

    static ContentHash HashOf(ReadOnlySequence<byte> octets)
    {
        if (octets.IsSingleSegment)
            return ContentHash.Of(octets.FirstSpan);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in octets)
            hash.AppendData(segment.Span);
        return ContentHash.From(hash.GetHashAndReset());
    }

    static void Refuse(HttpContext context, int status, string message) =>
        ScaiSendErrors.Write(context.Response, ErrorShape.Errors, status, message);
}
