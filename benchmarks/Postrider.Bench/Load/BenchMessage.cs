using System.Text;
using System.Text.Json;

namespace Postrider.Bench.Load;

/// <summary>The message everybody sends: text and html of 2,048 octets together, no two alike.</summary>
/// <remarks>
/// The number of the message stands in its recipient, subject, text and html, so that no product gains by storing equal bodies once.
/// </remarks>
static class BenchMessage
{
    public const string SenderDomain = "bench.test";
    public const int ContentOctets = 2_048;

    const string Sender = "shop@" + SenderDomain;
    const string SenderName = "Bench Shop";
    const string Number = NumberedTemplate.Marker;
    const string Subject = "Your order " + Number;

    static readonly string Text = Fill($"""
        Dear customer,

        thank you for order {Number}. It has left our warehouse today.

        """, "Item: one box of sharpened pencils, soft, in a tin.\n", "", 640);

    static readonly string Html = Fill($"""
        <!doctype html><html><body style="font-family:sans-serif">
        <h1>Thank you for order {Number}</h1>
        <p>It has left our warehouse today.</p><ul>

        """, "<li>one box of <b>sharpened pencils</b>, soft, in a tin</li>\n", "</ul></body></html>\n", ContentOctets - 640);

    /// <summary>A body of <c>POST /v3/mail/send</c> with one personalization a recipient; all carry the same content.</summary>
    /// <param name="recipients">More than one only to fill a queue quickly.</param>
    /// <param name="schedule">A batch, and when its messages are due; null to send at once.</param>
    public static byte[] Json(IEnumerable<string> recipients, (string Batch, DateTimeOffset At)? schedule = null)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("personalizations");
            foreach (var recipient in recipients)
            {
                writer.WriteStartObject();
                writer.WriteStartArray("to");
                writer.WriteStartObject();
                writer.WriteString("email", recipient);
                writer.WriteEndObject();
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartObject("from");
            writer.WriteString("email", Sender);
            writer.WriteString("name", SenderName);
            writer.WriteEndObject();
            writer.WriteString("subject", Subject);
            if (schedule is { } later)
            {
                writer.WriteString("batch_id", later.Batch);
                writer.WriteNumber("send_at", later.At.ToUnixTimeSeconds());
            }

            writer.WriteStartArray("content");
            WritePart(writer, "text/plain", Text);
            WritePart(writer, "text/html", Html);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return json.ToArray();
    }

    public static string Recipient(string domain) => $"user{Number}@{domain}";

    /// <summary>MAIL, RCPT and DATA in one write (RFC 2920).</summary>
    public static byte[] SmtpEnvelope(string recipientDomain) =>
        Encoding.ASCII.GetBytes($"MAIL FROM:<{Sender}>\r\nRCPT TO:<{Recipient(recipientDomain)}>\r\nDATA\r\n");

    /// <summary>The same content as MIME, with its end of data. No line starts with a dot, so there is nothing to stuff.</summary>
    public static byte[] SmtpContent(string recipientDomain) => Encoding.ASCII.GetBytes($"""
        From: {SenderName} <{Sender}>
        To: {Recipient(recipientDomain)}
        Subject: {Subject}
        Date: Fri, 20 Nov 2026 12:00:00 +0000
        Message-ID: <{Number}.bench@{SenderDomain}>
        MIME-Version: 1.0
        Content-Type: multipart/alternative; boundary="=_bench"

        --=_bench
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 7bit

        {Text}
        --=_bench
        Content-Type: text/html; charset=utf-8
        Content-Transfer-Encoding: 7bit

        {Html}
        --=_bench--
        .

        """.ReplaceLineEndings("\r\n"));

    static void WritePart(Utf8JsonWriter writer, string type, string value)
    {
        writer.WriteStartObject();
        writer.WriteString("type", type);
        writer.WriteString("value", value);
        writer.WriteEndObject();
    }

    /// <summary>Head, as many whole lines as fit, what is missing as one line of full stops after a letter, tail.</summary>
    static string Fill(string head, string line, string tail, int octets)
    {
        var text = new StringBuilder(head.ReplaceLineEndings("\n"));
        while (text.Length + line.Length + tail.Length + 2 <= octets) text.Append(line);
        text.Append('x').Append('.', octets - text.Length - tail.Length - 2).Append('\n');
        return text.Append(tail).ToString();
    }
}
