using System.Buffers.Binary;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Messages;

/// <summary>
/// The rows of contents. A content is known by tenant and hash; the index holds only the hash's first octets, to stay small.
/// </summary>
static class ContentRows
{
    const string ExistsSql = """
        -- Index content_tag.
        select 1 from content
        where tag = @tag and chunk = 0 and tenant_id = @tenant and sha256 = @hash
        """;

    public static bool Exists(Connection db, TenantId tenant, in ContentHash hash)
    {
        var read = db.Prepare(ExistsSql).Bind(TagOf(hash)).Bind(tenant.Value).Bind(hash);
        var found = read.Step();
        read.Reset();
        return found;
    }

    const string InsertSql = """
        insert into content (tag, chunk, tenant_id, sha256, octets, codec, data)
        values (@tag, @chunk, @tenant, @hash, @octets, @codec, @data)
        """;

    public static void Insert(Connection db, TenantId tenant, in ContentHash hash, ContentEncoding.Chunk[] chunks)
    {
        for (var i = 0; i < chunks.Length; i++)
        {
            db.Prepare(InsertSql)
                .Bind(TagOf(hash)).Bind(i).Bind(tenant.Value).Bind(hash)
                .Bind(chunks[i].Octets).Bind((long)chunks[i].Codec).Bind(chunks[i].Data.Span).Run();
        }
    }

    const string ReadSql = """
        -- Index content_tag.
        select octets, codec, data from content
        where tag = @tag and chunk = @chunk and tenant_id = @tenant and sha256 = @hash
        """;

    /// <returns>Null past the last chunk, or when there is no such content.</returns>
    public static byte[]? ReadChunk(Connection db, TenantId tenant, in ContentHash hash, int chunk)
    {
        var read = db.Prepare(ReadSql).Bind(TagOf(hash)).Bind(chunk).Bind(tenant.Value).Bind(hash);
        var content = read.Step() ? ContentEncoding.Decode(read.Int32(0), (ContentCodec)read.Int32(1), read.Octets(2)) : null;
        read.Reset();
        return content;
    }

    public static ReadOnlyMemory<byte>? ReadAll(Connection db, TenantId tenant, in ContentHash hash)
    {
        var first = ReadChunk(db, tenant, hash, 0);
        if (first is null)
            return null;    // not `first`: a null array converts to an empty memory
        if (first.Length < ContentEncoding.ChunkOctets)
            return first;
        var all = new MemoryStream();
        for (var (i, chunk) = (1, first); chunk is not null; i++)
        {
            all.Write(chunk);
            chunk = ReadChunk(db, tenant, hash, i);
        }
        return all.GetBuffer().AsMemory(0, (int)all.Length);
    }

    static long TagOf(in ContentHash hash) => TagOf(hash.ToArray());

    /// <summary>The first 8 octets of a hash: what the index holds.</summary>
    public static long TagOf(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadInt64LittleEndian(hash);
}
