using Postrider.Engine.Intake;
using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance;

public abstract class ContentConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    const int Chunk = 256 << 10;

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(4095, false)]
    [InlineData(4096, true)]
    [InlineData(20_000, false)]
    [InlineData(Chunk - 1, true)]
    [InlineData(Chunk, true)]
    [InlineData(Chunk, false)]
    [InlineData(Chunk + 1, true)]
    [InlineData(3 * Chunk, false)]
    [InlineData((3 * Chunk) + 17, true)]
    public async Task A_content_reads_back_whole_and_as_a_stream(int octets, bool compressible)
    {
        var bytes = Octets(octets, compressible);
        var content = await StoreAsync(bytes);

        var whole = await Store.Contents.ReadAsync(Sample.Tenant, content.Hash, CancellationToken.None);
        await using var stream = Store.Contents.Open(Sample.Tenant, content.Hash);
        var copy = new MemoryStream();
        await stream.CopyToAsync(copy, 10_000);

        Assert.NotNull(whole);
        Assert.True(bytes.AsSpan().SequenceEqual(whole.Value.Span));
        Assert.True(bytes.AsSpan().SequenceEqual(copy.ToArray()));
    }

    [Fact]
    public async Task A_content_of_several_requests_is_kept_for_each()
    {
        var content = await StoreAsync(Octets(5000, compressible: true));

        await StoreAsync(content.Octets.ToArray());
        var other = await Sample.AddTenantAsync("other");
        var message = Sample.Message(message => message with { Tenant = other, Body = content.Hash });
        await Sample.AcceptAsync(Sample.Acceptance(message) with { Contents = [content] });

        foreach (var tenant in (TenantId[])[Sample.Tenant, other])
        {
            var read = await Store.Contents.ReadAsync(tenant, content.Hash, CancellationToken.None);
            Assert.True(read is { } octets && octets.Span.SequenceEqual(content.Octets.Span));
        }
    }

    [Fact]
    public async Task A_half_read_stream_does_not_hold_up_writes()
    {
        var content = await StoreAsync(Octets(3 * Chunk, compressible: false));
        var streams = Enumerable.Range(0, 16).Select(_ => Store.Contents.Open(Sample.Tenant, content.Hash)).ToArray();
        foreach (var stream in streams)
            await stream.ReadExactlyAsync(new byte[10]);

        var message = await Sample.AcceptAsync();

        Assert.NotNull(await Sample.FindAsync(message.Id));
        foreach (var stream in streams)
            await stream.DisposeAsync();
    }

    async Task<NewContent> StoreAsync(byte[] octets)
    {
        var content = Sample.Content(octets);
        var outcome = await Sample.AcceptAsync(
            Sample.Acceptance(Sample.Message(message => message with { Body = null })) with { Contents = [content] });
        Assert.IsType<AcceptOutcome.Stored>(outcome);
        return content;
    }

    /// <summary>A linear congruential sequence, whole or every octet four times over.</summary>
    static byte[] Octets(int count, bool compressible)
    {
        var octets = new byte[count];
        var state = 12345u;
        for (var i = 0; i < count; i++)
        {
            if (!compressible || i % 16 == 0)
                state = (state * 1664525) + 1013904223;
            octets[i] = (byte)(state >> 24);
        }
        return octets;
    }
}
