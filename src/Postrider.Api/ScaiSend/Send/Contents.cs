using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>The text and html of a request; every message of it shares them.</summary>
static class Contents
{
    const string Plain = "text/plain";
    const string Html = "text/html";

    public static MessageBody? Read(SendBody body, Faults faults)
    {
        if (body.TemplateId is not null)
        {
            if (body.Content is not null)
                faults.Add("content", "Give either content or template_id, not both.");
            return null;
        }
        if (body.Content is not { Count: > 0 } parts)
        {
            faults.Add("content", "The content is required unless template_id is given.");
            return null;
        }

        ReadOnlyMemory<byte>? text = null, html = null;
        for (var i = 0; i < parts.Count && !faults.Full; i++)
        {
            var field = new FieldPath().Field("content").At(i);
            if (parts[i] is not { } part)
            {
                faults.Add(field, "The content must be an object with type and value.");
                continue;
            }
            if (part.Value is not { IsEmpty: false })
                faults.Add(field.Field("value"), "The value is required and must not be empty.");
            if (Plain.Equals(part.Type, StringComparison.OrdinalIgnoreCase))
                Take(ref text, part, field, faults);
            else if (Html.Equals(part.Type, StringComparison.OrdinalIgnoreCase))
                Take(ref html, part, field, faults);
            else
                faults.Add(field.Field("type"), $"The type must be {Plain} or {Html}.");
        }
        return new MessageBody(text, html);
    }

    static void Take(ref ReadOnlyMemory<byte>? value, ContentBody part, FieldPath field, Faults faults)
    {
        if (value is not null)
            faults.Add(field.Field("type"), "There is at most one content of each type.");
        value = part.Value ?? ReadOnlyMemory<byte>.Empty;
    }
}
