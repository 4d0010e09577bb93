namespace Postrider.Engine.Messages;

/// <summary>Reads bodies and attachments. A fault in the store is an exception; content that is not there (retention) is null.</summary>
public interface IContentReader
{
    /// <summary>The whole content, for bodies.</summary>
    Task<ReadOnlyMemory<byte>?> ReadAsync(TenantId tenant, ContentHash hash, CancellationToken cancel);

    /// <summary>A stream that fetches a chunk (≤ 256 KiB) at a time and holds no transaction between chunks.</summary>
    Stream Open(TenantId tenant, ContentHash hash);
}
