using System.Text;
using System.Text.Json;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Tests.Mime;

/// <summary>Python's email package reads what we compose.</summary>
public sealed class PythonEmailTests(PythonEmailTests.Reader reader) : IClassFixture<PythonEmailTests.Reader>
{
    public static TheoryData<string> Names => [.. SampleMessages.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Reads_back_the_header_fields(string name)
    {
        var content = SampleMessages.All[name];

        var read = reader.Messages[name];

        Assert.Equal(content.Subject!.Trim(), read.Subject);
        Assert.Equal([Pair(content.From)], read.From);
        Assert.Equal(content.To.Select(Pair), read.To);
        Assert.Equal(content.Cc.Select(Pair), read.Cc);
        // This version keeps the space between two encoded-words of a name, against RFC 2047 §6.2.
        Assert.Equal(content.ReplyTo.Select(Pair).Select(WithoutSpaces), read.ReplyTo.Select(WithoutSpaces));
        Assert.Equal($"<{content.MessageId}>", read.MessageId);
        Assert.Equal("2026-11-20T15:00:00+00:00", read.Date);
        foreach (var field in content.ExtraFields)
            Assert.Equal(field.Value, read.Fields[field.Name.ToLowerInvariant()]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Reads_back_the_bodies(string name)
    {
        var content = SampleMessages.All[name];

        var read = reader.Messages[name];

        var isMultipart = read.Type.StartsWith("multipart/", StringComparison.Ordinal);
        var text = content.Text is null && content.Html is null && !isMultipart ? default(ReadOnlyMemory<byte>) : content.Text;
        Assert.Equal(Expected(text, isMultipart), read.Text is null ? null : Encoding.UTF8.GetString(Convert.FromBase64String(read.Text)));
        Assert.Equal(
            Expected(content.Html, isMultipart), read.Html is null ? null : Encoding.UTF8.GetString(Convert.FromBase64String(read.Html)));
        Assert.Empty(read.Defects);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Reads_back_the_attachments(string name)
    {
        var content = SampleMessages.All[name];

        var read = reader.Messages[name];

        Assert.Equal(
            content.Attachments.OrderBy(attachment => attachment.FileName, StringComparer.Ordinal).Select(attachment => (
                attachment.FileName,
                attachment.MediaType.Essence,
                attachment.IsInline ? "inline" : "attachment",
                attachment.ContentId is null ? null : $"<{attachment.ContentId}>",
                Octets(attachment.Content))),
            read.Files.OrderBy(file => file.Name, StringComparer.Ordinal).Select(
                file => (file.Name, file.Type, file.Disposition, file.Id, file.Content)));
    }

    static string? Expected(ReadOnlyMemory<byte>? text, bool isMultipart)
    {
        if (text is null)
            return null;
        var canonical = SampleMessages.Canonical(Encoding.UTF8.GetString(text.Value.Span));
        var isCut = isMultipart || canonical.Length == 0 || canonical.EndsWith("\r\n", StringComparison.Ordinal);
        return isCut ? canonical : canonical + "\r\n";      // a body ends with a line
    }

    static string Octets(AttachmentContent content)
    {
        if (content is AttachmentContent.InMemory memory)
            return Convert.ToBase64String(memory.Content.Span);
        using var stream = ((AttachmentContent.Streamed)content).Open();
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return Convert.ToBase64String(copy.ToArray());
    }

    static (string, string) Pair(NamedMailbox named) => (named.DisplayName ?? "", named.Mailbox.ToString());

    static (string, string) WithoutSpaces((string Name, string Address) pair) =>
        (pair.Name.Replace(" ", "", StringComparison.Ordinal), pair.Address);

    public sealed record File(string Name, string Type, string Disposition, string? Id, string Content);

    public sealed record Message(
        string? Subject, string? MessageId, string? Date, string Type, string[][] FromList, string[][] ToList, string[][] CcList,
        string[][] ReplyToList,
        Dictionary<string, string> Fields, string? Text, string? Html, File[] Files, string[] Defects)
    {
        public IEnumerable<(string, string)> From => FromList.Select(pair => (pair[0], pair[1]));

        public IEnumerable<(string, string)> To => ToList.Select(pair => (pair[0], pair[1]));

        public IEnumerable<(string, string)> Cc => CcList.Select(pair => (pair[0], pair[1]));

        public IEnumerable<(string, string)> ReplyTo => ReplyToList.Select(pair => (pair[0], pair[1]));
    }

    public sealed class Reader : IAsyncLifetime
    {
        const string Script = """
            import base64, email, email.policy, json, os, sys
            def mailboxes(message, name):
                return [[a.display_name, a.addr_spec] for a in message[name].addresses] if message[name] else []
            def content(part):
                return None if part is None else base64.b64encode(part.get_payload(decode=True)).decode()
            read = {}
            for file in os.listdir(sys.argv[1]):
                with open(os.path.join(sys.argv[1], file), 'rb') as octets:
                    m = email.message_from_bytes(octets.read(), policy=email.policy.default)
                leaves = [p for p in m.walk() if not p.is_multipart()]
                files = [p for p in leaves if p.get_filename() is not None]
                texts = [p for p in leaves if p.get_filename() is None]
                def first(type):
                    return next((p for p in texts if p.get_content_type() == type), None)
                read[file] = {
                    'Subject': m['Subject'], 'MessageId': m['Message-ID'], 'Date': m['Date'].datetime.isoformat(), 'Type': m.get_content_type(),
                    'FromList': mailboxes(m, 'From'), 'ToList': mailboxes(m, 'To'), 'CcList': mailboxes(m, 'Cc'), 'ReplyToList': mailboxes(m, 'Reply-To'),
                    'Fields': {k.lower(): v for k, v in m.items()},
                    'Text': content(first('text/plain')), 'Html': content(first('text/html')),
                    'Files': [{'Name': p.get_filename(), 'Type': p.get_content_type(), 'Disposition': p.get_content_disposition(),
                               'Id': p['Content-ID'], 'Content': content(p)} for p in files],
                    'Defects': [repr(d) for p in m.walk() for d in p.defects],
                }
            print(json.dumps(read))
            """;

        public IReadOnlyDictionary<string, Message> Messages { get; private set; } = new Dictionary<string, Message>();

        public async ValueTask InitializeAsync()
        {
            var folder = Directory.CreateTempSubdirectory("postrider-python-");
            try
            {
                foreach (var (name, content) in SampleMessages.All)
                    await System.IO.File.WriteAllBytesAsync(
                        Path.Combine(folder.FullName, name), await SampleMessages.OctetsAsync(MimeComposer.Compose(content)));
                var output = await IndependentProgram.RunAsync("python3", Script, folder.FullName);
                Messages = JsonSerializer.Deserialize<Dictionary<string, Message>>(output)!;
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
