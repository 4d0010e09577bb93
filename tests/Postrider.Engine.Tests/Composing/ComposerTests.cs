using System.Text;
using Postrider.Engine.Composing;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Mime;
using Postrider.Mail.Smtp.Client;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Composing;

public sealed class ComposerTests
{
    readonly ManualTime _time = new();
    readonly MemoryStore _store = new(new Watch());
    readonly MemoryTenants _tenants = Sender.Tenants();
    readonly Composer _composer;

    public ComposerTests() => _composer = new Composer(_store, new SenderDomains(_tenants, _time), new DkimKeys(Sender.Secrets));

    StoredMessage Message(string? text = "Hello", string? html = null, MessageSettings? settings = null)
    {
        var body = Sender.Body(text, html).ToContent();
        _store.Put(body);
        return new StoredMessage
        {
            Id = new MessageId(new Guid("01987f00-0000-7000-8000-000000000009")),
            Tenant = Sender.Tenant,
            From = Sender.From,
            Subject = "Hello -name-",
            Recipients =
            [
                new StoredRecipient(RecipientKind.To, Sender.Named("Ada <ada@a.example>")),
                new StoredRecipient(RecipientKind.Cc, Sender.Named("carl@c.example")),
                new StoredRecipient(RecipientKind.Bcc, Sender.Named("Secret Bob <bob@b.example>")),
            ],
            Settings = settings ?? MessageSettings.None,
            Body = ContentHash.Of(body),
            DueAt = _time.GetUtcNow(),
        };
    }

    async Task<string> ComposeAsync(StoredMessage message)
    {
        var ready = Assert.IsType<Composition.Ready>(await _composer.ComposeAsync(message, CancellationToken.None));
        var sink = new Sink();
        var outgoing = ready.Message.Sign(_time.GetUtcNow());
        await outgoing.WriteToAsync(sink, CancellationToken.None);
        Assert.Equal(outgoing.Octets, sink.Octets.Length);
        return Encoding.Latin1.GetString(sink.Octets.ToArray());
    }

    async Task<ParsedMessage> ReadAsync(StoredMessage message) => MimeReader.Read(Encoding.Latin1.GetBytes(await ComposeAsync(message)));

    SettingsAttachment Attach(string name, byte[] content, string? contentId = null)
    {
        _store.Put(content);
        return new SettingsAttachment(
            name, "application/octet-stream", contentId, contentId is not null, ContentHash.Of(content).ToString(), content.Length);
    }

    [Fact]
    public async Task The_same_message_gives_the_same_octets_at_every_attempt()
    {
        var message = Message("text", "<p>html</p>", new MessageSettings { Attachments = [Attach("a.bin", new byte[1_000])] });

        var first = await ComposeAsync(message);
        _time.Advance(TimeSpan.FromHours(8));
        var second = await ComposeAsync(message);

        Assert.NotEqual(first, second);         // the signature names the time
        Assert.Equal(AfterSignature(first), AfterSignature(second));
    }

    [Fact]
    public async Task All_recipients_of_an_attempt_get_one_signature()
    {
        var ready = Assert.IsType<Composition.Ready>(await _composer.ComposeAsync(Message(), CancellationToken.None));

        var first = ready.Message.Sign(_time.GetUtcNow());

        Assert.Same(first, ready.Message.Sign(_time.GetUtcNow().AddHours(1)));
    }

    [Fact]
    public async Task Header_fields_are_those_of_the_message_and_bcc_is_in_none()
    {
        var octets = await ComposeAsync(Message());
        var read = MimeReader.Read(Encoding.Latin1.GetBytes(octets));

        Assert.Equal(["Sender <news@sender.example>"], read.From.Select(one => one.ToString()));
        Assert.Equal(["Ada <ada@a.example>"], read.To.Select(one => one.ToString()));
        Assert.Equal(["carl@c.example"], read.Cc.Select(one => one.ToString()));
        Assert.Equal($"{Message().Id}@sender.example", read.MessageId);
        Assert.Equal(_time.GetUtcNow(), read.Date);
        Assert.DoesNotContain("bob@b.example", octets, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Secret Bob", octets, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Substitutions_reach_the_body_and_subject_and_reply_to_are_as_stored()
    {
        var settings = new MessageSettings
        {
            Substitutions = new Dictionary<string, string> { ["-name-"] = "Ada", [""] = "never" },
            ReplyTo = [new SettingsAddress("help@sender.example", "Team of -name-")],
        };

        var read = await ReadAsync(Message("Dear -name-, -name-!", "<p>-name-</p>", settings));

        Assert.Equal("Hello -name-", read.Subject);
        Assert.Equal(["Team of -name- <help@sender.example>"], read.ReplyTo.Select(one => one.ToString()));
        Assert.Equal("Dear Ada, Ada!", read.Text!.TrimEnd());
        Assert.Equal("<p>Ada</p>", read.Html!.TrimEnd());
    }

    [Fact]
    public async Task Substitutions_that_multiply_each_other_fail_the_message_instead_of_the_node()
    {
        var settings = new MessageSettings
        {
            Substitutions = new Dictionary<string, string> { ["a"] = new('b', 3_000), ["b"] = new('c', 3_000), ["c"] = new('d', 3_000) },
        };

        var composition = await _composer.ComposeAsync(Message("a", "<p>a</p>", settings), CancellationToken.None);

        Assert.Equal("render_failure", Assert.IsType<Composition.Failed>(composition).Reason);
    }

    [Fact]
    public async Task What_is_shown_of_a_message_is_what_was_composed()
    {
        var settings = new MessageSettings
        {
            Substitutions = new Dictionary<string, string> { ["-name-"] = "Ada" }, FooterText = "foot", FooterHtml = "<i>foot</i>",
        };
        var message = Message("Dear -name-", "<body>-name-</body>", settings);
        var body = new MessageBody("Dear -name-"u8.ToArray(), "<body>-name-</body>"u8.ToArray());
        var attempted = new MessageEvent(
            default, EventType.Bounce, 0, _time.GetUtcNow(),
            new EventData { AttemptRecord = new AttemptRecord { RenderedAt = _time.GetUtcNow() } });
        var suppressed = attempted with { Data = new EventData { AttemptRecord = new AttemptRecord { LeasedAt = _time.GetUtcNow() } } };
        MessageView View(MessageStatus status, params MessageEvent[] events) =>
            new() { Message = message, Status = status, QueuedAt = _time.GetUtcNow(), Body = body, Events = events };

        var read = await ReadAsync(message);

        MessageView[] composed =
        [
            View(MessageStatus.Rendered), View(MessageStatus.Sending), View(MessageStatus.Sent), View(MessageStatus.Delivered),
            View(MessageStatus.Bounced, attempted), View(MessageStatus.Queued, attempted),
        ];
        Assert.All(composed, view => Assert.Equal(
            (read.Text!.TrimEnd().ReplaceLineEndings("\n"), read.Html!.TrimEnd()),
            (Text(view.ShownBody!.Text), Text(view.ShownBody.Html))));
        MessageView[] submitted =
        [
            View(MessageStatus.Queued), View(MessageStatus.Processing), View(MessageStatus.Sandbox), View(MessageStatus.Cancelled),
            View(MessageStatus.Bounced, suppressed),
        ];
        Assert.All(submitted, view => Assert.Equal(body, view.ShownBody));

        static string Text(ReadOnlyMemory<byte>? part) => Encoding.UTF8.GetString(part!.Value.Span);
    }

    [Theory]
    [InlineData("<html><body><p>x</p></body></html>", "<html><body><p>x</p><i>foot</i></body></html>")]
    [InlineData("<html><BODY>x</BODY ></html>", "<html><BODY>x<i>foot</i></BODY ></html>")]
    [InlineData("<p>x</p>", "<p>x</p><i>foot</i>")]
    public async Task A_footer_goes_before_the_end_of_the_body(string html, string expected)
    {
        var settings = new MessageSettings { FooterText = "foot", FooterHtml = "<i>foot</i>" };

        var read = await ReadAsync(Message("text", html, settings));

        Assert.Equal(expected, read.Html!.TrimEnd());
        Assert.Equal("text\nfoot", read.Text!.TrimEnd().ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task A_message_without_html_gets_none_from_substitutions()
    {
        var read = await ReadAsync(
            Message("Dear -name-", null, new MessageSettings { Substitutions = new Dictionary<string, string> { ["-name-"] = "Ada" } }));

        Assert.Null(read.HtmlPart);
        Assert.Equal("Dear Ada", read.Text!.TrimEnd());
    }

    [Fact]
    public async Task Attachments_small_and_streamed_arrive_as_they_were()
    {
        var (small, large) = (new byte[1_000], new byte[400_000]);
        new Random(1).NextBytes(small);
        new Random(2).NextBytes(large);
        var settings = new MessageSettings { Attachments = [Attach("klein ä.bin", small), Attach("large.bin", large)] };

        var read = await ReadAsync(Message("text", null, settings));

        Assert.Equal(["klein ä.bin", "large.bin"], read.Attachments.Select(one => one.FileName));
        Assert.Equal(small, read.Attachments[0].DecodeContent());
        Assert.Equal(large, read.Attachments[1].DecodeContent());
    }

    [Fact]
    public async Task Extra_fields_keep_their_order()
    {
        var settings = new MessageSettings { Headers = [new("X-B", "2"), new("X-A", "1")] };

        var octets = await ComposeAsync(Message(settings: settings));

        Assert.Contains("\r\nX-B: 2\r\nX-A: 1\r\n", octets, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_List_Unsubscribe_of_the_senders_own_is_signed_and_as_it_was_given()
    {
        var unsubscribe = $"<https://news.sender.example/u/{new string('t', 300)}>, <mailto:u@sender.example?subject=unsubscribe>";
        var settings = new MessageSettings
        {
            Headers = [new("List-Unsubscribe", unsubscribe), new("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")],
        };

        var octets = await ComposeAsync(Message(settings: settings));

        Assert.Contains(
            $"\r\nList-Unsubscribe: {unsubscribe.Replace(", ", ",\r\n ", StringComparison.Ordinal)}\r\n", octets, StringComparison.Ordinal);
        var signature = octets[..octets.IndexOf("\r\nFrom:", StringComparison.Ordinal)].Replace("\r\n", "", StringComparison.Ordinal)
            .Replace(" ", "", StringComparison.Ordinal);
        var signed = signature.Split(';').Single(tag => tag.StartsWith("h=", StringComparison.Ordinal))[2..].Split(':');
        Assert.Equal(2, signed.Count(name => name == "From"));      // over-signed
        Assert.Superset(
            (HashSet<string>)["From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To",
                "List-Unsubscribe", "List-Unsubscribe-Post"], signed.ToHashSet());
    }

    [Fact]
    public async Task The_old_DKIM_key_signs_until_the_next_one_is_taken()
    {
        var known = Sender.Domain(Sender.Tenant, DateTimeOffset.UnixEpoch);
        var old = known with { Selector = "scaisend", Next = new NextDkimKey("scaisend2", known.SealedKey) };
        _tenants.Domains[(Sender.Tenant, old.Domain)] = old;

        var before = await ComposeAsync(Message());
        _tenants.Domains[(Sender.Tenant, old.Domain)] = old with { Selector = "scaisend2", Next = null };
        _time.Advance(TimeSpan.FromSeconds(5));     // as long as a domain is remembered
        var after = await ComposeAsync(Message());

        Assert.Contains(" s=scaisend;", before, StringComparison.Ordinal);
        Assert.Contains(" s=scaisend2;", after, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sender_that_is_not_verified_any_more_fails()
    {
        _tenants.Domains.Clear();

        var failed = Assert.IsType<Composition.Failed>(await _composer.ComposeAsync(Message(), CancellationToken.None));

        Assert.Equal("unverified_domain", failed.Reason);
    }

    [Fact]
    public async Task Content_that_is_gone_is_a_failure_and_a_store_that_is_away_a_fault()
    {
        var settings =
            new MessageSettings { Attachments = [new SettingsAttachment("a", "text/plain", null, false, new string('0', 64), 10)] };
        Assert.Equal(
            "render_failure", Assert.IsType<Composition.Failed>(await _composer.ComposeAsync(Message(settings: settings), default)).Reason);
        Assert.Equal("render_failure", Assert.IsType<Composition.Failed>(
            await _composer.ComposeAsync(Message() with { Body = new ContentHash(1, 2) }, default)).Reason);

        _store.FaultAt = _ => Fault.Before;
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _composer.ComposeAsync(Message(), default));
    }

    static string AfterSignature(string octets) => octets[octets.IndexOf("\r\nFrom:", StringComparison.Ordinal)..];

    sealed class Sink : IMessageSink
    {
        public MemoryStream Octets { get; } = new();

        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            Octets.Write(content.Span);
            return ValueTask.CompletedTask;
        }
    }
}
