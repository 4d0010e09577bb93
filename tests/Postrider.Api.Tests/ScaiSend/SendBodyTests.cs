using System.Buffers;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Api.ScaiSend;
using Postrider.Api.ScaiSend.Send;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Bodies as octets: their size, how they arrive, and what is no request at all.</summary>
public sealed class SendBodyTests(ApiHost host) : IClassFixture<ApiHost>
{
    const int MaxOctets = 20 * 1024 * 1024;

    [Theory]
    [InlineData(-1, false, 202)]
    [InlineData(0, false, 202)]
    [InlineData(1, false, 413)]
    [InlineData(-1, true, 202)]
    [InlineData(0, true, 202)]
    [InlineData(1, true, 413)]
    public async Task A_body_has_at_most_twenty_mebibytes(int past, bool chunked, int status)
    {
        var caller = host.NewCaller("mail.send");
        var json = Encoding.UTF8.GetBytes(SendRequests.Simple);
        var body = new byte[MaxOctets + past];
        body.AsSpan().Fill((byte)' ');
        json.CopyTo(body.AsSpan());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/mail/send") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TransferEncodingChunked = chunked;

        var answer = await Answer.Of(await caller.Http.SendAsync(request));

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 202 ? 1 : 0, caller.Stored.Count);
        Assert.Equal(status == 202, answer.Body!["errors"] is null);
    }

    [Fact]
    public async Task A_length_past_the_limit_is_refused_before_the_body_is_read()
    {
        var caller = host.NewCaller("mail.send");
        using var socket = new TcpClient();
        await socket.ConnectAsync(host.Address.Host, host.Address.Port);
        var head = Head(caller, $"Content-Length: {long.MaxValue}");

        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
        var status = await ReadStatusAsync(socket.GetStream());

        Assert.Equal("HTTP/1.1 413", status);
    }

    [Fact]
    public void Reads_the_same_however_the_body_is_split()
    {
        var json = Encoding.UTF8.GetBytes(SendRequests.With("content.0.value", "\"Ž\\u0160\\n\\\"kůň 🐎\"").ToJsonString());
        var whole = Read(new ReadOnlySequence<byte>(json));

        for (var at = 0; at <= json.Length; at++)
            Assert.Equal(whole, Read(Segment.Split(json, at)));
        Assert.Equal(whole, Read(Segment.Split(json, [.. Enumerable.Range(1, json.Length - 1)])));
    }

    [Fact]
    public async Task A_slow_client_is_understood()
    {
        var caller = host.NewCaller("mail.send");
        using var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync(host.Address.Host, host.Address.Port);
        var stream = socket.GetStream();

        await stream.WriteAsync(Encoding.ASCII.GetBytes(Head(caller, "Transfer-Encoding: chunked")));
        foreach (var octet in Encoding.UTF8.GetBytes(SendRequests.Simple))
            await stream.WriteAsync(new byte[] { (byte)'1', (byte)'\r', (byte)'\n', octet, (byte)'\r', (byte)'\n' });
        await stream.WriteAsync("0\r\n\r\n"u8.ToArray());
        var status = await ReadStatusAsync(stream);

        Assert.Equal("HTTP/1.1 202", status);
        Assert.Equal("Invoice 881", Assert.Single(caller.Stored).Message.Subject);
    }

    [Fact]
    public async Task A_client_that_goes_away_in_the_middle_leaves_nothing()
    {
        var caller = host.NewCaller("mail.send");
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(host.Address.Host, host.Address.Port);
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Head(caller, "Content-Length: 500") + "{\"from\":"));
        }

        var next = await caller.Send(SendRequests.Simple);

        Assert.Equal(202, next.Status);
        Assert.Single(caller.Stored);
    }

    [Fact]
    public async Task Any_octets_at_all_are_answered_without_a_fault()
    {
        var caller = host.NewCaller(new CallerOptions());
        var random = new System.Random(881);
        var seed = Encoding.UTF8.GetBytes(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Golden", "sendgrid-mail-8.json")));

        for (var i = 0; i < 1_500; i++)
        {
            var body = Mutate(seed, random);
            var before = caller.Stored.Count;
            var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

            var answer = await caller.Post("/v3/mail/send", content);

            Assert.True(answer.Status is 202 or 400 or 403, $"{answer.Status}: {Convert.ToBase64String(body)}");
            Assert.Equal(answer.Status == 202 ? before + (answer.Body!["message_ids"]?.AsArray().Count ?? 1) : before, caller.Stored.Count);
        }
    }

    [Fact]
    public void Any_octets_at_all_are_a_body_or_faults() => Prop.ForAll(
        Gen.Choose(0, 255).Select(octet => (byte)octet).ArrayOf().ToArbitrary(),
        octets =>
        {
            var faults = new Faults();
            var body = SendBodyReader.TryRead(new ReadOnlySequence<byte>(octets), faults);
            return body is null == faults.Any;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_body_of_a_million_little_values_is_refused_before_it_costs_memory()
    {
        var json = Encoding.UTF8.GetBytes("{\"personalizations\":[" + string.Join(',', Enumerable.Repeat("{}", 600_000)) + "]}");
        var faults = new Faults();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var body = SendBodyReader.TryRead(new ReadOnlySequence<byte>(json), faults);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Null(body);
        Assert.Contains("too many", faults.Found.Single().Message, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, 64 * 1024);
    }

    static string Read(ReadOnlySequence<byte> json)
    {
        var faults = new Faults();
        var body = SendBodyReader.TryRead(json, faults);
        return $"{faults.Any} {body?.Subject} {body?.From?.Email} {Encoding.UTF8.GetString(body!.Content![0]!.Value!.Value.Span)}";
    }

    static byte[] Mutate(byte[] seed, System.Random random)
    {
        var body = seed.ToList();
        for (var change = random.Next(1, 5); change > 0; change--)
        {
            var at = random.Next(body.Count);
            switch (random.Next(4))
            {
                case 0:
                    body[at] = (byte)random.Next(256);
                    break;
                case 1:
                    body.RemoveAt(at);
                    break;
                case 2:
                    body.Insert(at, "\"{}[],:\\0-\r\n"u8[random.Next(12)]);
                    break;
                default:
                    body.InsertRange(at, body.GetRange(at, Math.Min(random.Next(40), body.Count - at)));
                    break;
            }
        }
        return [.. body];
    }

    static string Head(Caller caller, string length) =>
        $"POST /v3/mail/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: {caller.Http.DefaultRequestHeaders.Authorization}\r\n{length}\r\n\r\n";

    static async Task<string> ReadStatusAsync(NetworkStream stream)
    {
        var buffer = new byte["HTTP/1.1 200".Length];
        await stream.ReadExactlyAsync(buffer);
        return Encoding.ASCII.GetString(buffer);
    }

    sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Split(byte[] octets, params int[] at)
        {
            var first = new Segment { Memory = octets.AsMemory(0, at[0]) };
            var last = first;
            for (var i = 0; i < at.Length; i++)
            {
                var end = i + 1 < at.Length ? at[i + 1] : octets.Length;
                var next = new Segment { Memory = octets.AsMemory(at[i]..end), RunningIndex = at[i] };
                last.Next = next;
                last = next;
            }
            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }
}
