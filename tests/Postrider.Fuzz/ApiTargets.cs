using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Postrider.Api.ScaiSend;
using Postrider.Api.ScaiSend.Send;
using Postrider.Api.ScaiSend.Suppressions;
using static Postrider.Fuzz.FuzzException;

namespace Postrider.Fuzz;

static class ApiTargets
{
    static readonly SendTranslator Translator = new(new ScaiSendOptions(), TimeProvider.System);

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new("send-body", [Send], input =>
        {
            var faults = new Faults();
            if (SendBodyReader.TryRead(Split(input), faults) is not { } body)
            {
                Unless(faults.Any, "what cannot be read has a fault");
                return;
            }
            var drafts = Translator.Translate(body, testKey: false, faults);
            Unless(faults.Any == (drafts.Count == 0), "drafts or faults, never both");
            Unless(faults.Found.Count <= Faults.Most, "not too many faults");
            Unless(drafts.All(draft => draft.Recipients.Count > 0), "a draft has recipients");
        }),
        new("message-query", [ListQuery], input =>
        {
            var query = new QueryCollection(QueryHelpers.ParseQuery("?" + Encoding.Latin1.GetString(input)));
            var faults = new List<QueryFault>();
            var read = MessageQuery.TryRead(query, faults);
            Unless(read is null == faults.Count > 0, "a query or faults, never both");
            Unless(read is null or { PageSize: > 0 and <= MessageQuery.MaxPageSize, Page: > 0 }, "a page within bounds");
        }),
        new("csv-row", ["ada@example.com,\"no such \"\"user\"\"\",x"u8.ToArray(), ",,\"a\"b"u8.ToArray()], input =>
        {
            var fields = new List<string>();
            if (!CsvRow.TryRead(Encoding.Latin1.GetString(input), fields))
                return;
            Unless(fields.Count is > 0 and <= CsvRow.MostFields, "a row has fields, and not too many");
            Unless(fields.Sum(field => field.Length) <= input.Length, "fields hold no more than the row");
        }),
    ];

    static byte[] ListQuery =>
        "status=queued,sent&to_email=a@b.example&page=2&page_size=10&start_date=2026-03-02&subject=%C3%A9"u8.ToArray();

    static byte[] Send => """
        {"personalizations":[{"to":[{"email":"ada@example.com","name":"Ada"}],"cc":[],"headers":{"X-A":"b"},"substitutions":{"-n-":"v"},
        "custom_args":{"k":1},"send_at":1,"subject":"s"}],"from":{"email":"a@b.example"},"reply_to_list":[{"email":"r@b.example"}],
        "subject":"Hi","content":[{"type":"text/plain","value":"t"},{"type":"text/html","value":"<p>"}],
        "attachments":[{"content":"aGk=","filename":"f.txt","type":"text/plain","disposition":"inline","content_id":"c"}],
        "categories":["x"],"asm":{"group_id":1,"groups_to_display":[1]},"ip_pool_name":"pool","batch_id":"bat_01M7WWWWN1E01BSTHKC0DAFT9H",
        "mail_settings":{"sandbox_mode":{"enable":true},"footer":{"enable":true,"text":"t","html":"h"}},
        "tracking_settings":{"open_tracking":{"enable":false}}}
        """u8.ToArray();

    /// <summary>In two segments, as a body comes from the wire.</summary>
    static ReadOnlySequence<byte> Split(ReadOnlySpan<byte> input)
    {
        var first = new Segment(input[..(input.Length / 2)].ToArray(), 0, null);
        var second = new Segment(input[(input.Length / 2)..].ToArray(), input.Length / 2, first);
        return new ReadOnlySequence<byte>(first, 0, second, second.Memory.Length);
    }

    sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] octets, int start, Segment? before)
        {
            (Memory, RunningIndex) = (octets, start);
            before?.Next = this;
        }
    }
}
