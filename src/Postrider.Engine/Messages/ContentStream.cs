namespace Postrider.Engine.Messages;

/// <summary>A content read from a store a chunk at a time; between chunks no connection and no transaction is held.</summary>
/// <param name="readChunk">Gives the chunk of a number, or null past the last one.</param>
public sealed class ContentStream(ContentHash hash, Func<int, CancellationToken, Task<byte[]?>> readChunk) : Stream
{
    byte[] _chunk = [];
    int _position;
    int _next;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="FileNotFoundException">There is no such content: retention has taken it.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position == _chunk.Length && buffer.Length > 0)
        {
            var index = _next;
            var chunk = await readChunk(index, cancellationToken);
            if (chunk is null)
                return index > 0 ? 0 : throw new FileNotFoundException($"There is no content {hash}.");
            (_chunk, _position, _next) = (chunk, 0, index + 1);
        }
        var count = Math.Min(buffer.Length, _chunk.Length - _position);
        _chunk.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // Nobody of ours reads it this way; it is here because a Stream has it.
    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
