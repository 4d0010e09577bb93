using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Messages;

/// <summary>Reads contents. One that several months name is stored in each, so any will do.</summary>
static class ContentRows
{
    const string ExistsSql = """
        select 1 from content
        where lane = @lane and tenant_id = @tenant and sha256 = @hash and chunk = 0 and month = @month
        """;

    public static async Task<bool> ExistsAsync(NpgsqlConnection connection, TenantId tenant, ContentHash hash, Month month)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(ExistsSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("hash", hash).With("month", month.FirstId);
        return (await batch.ReadAllAsync(static row => row.GetInt32(0))).Count > 0;
    }

    const string ChunkSql = """
        -- Primary key: a seek a partition.
        select octets, codec, data from content
        where lane = @lane and tenant_id = @tenant and sha256 = @hash and chunk = @chunk
        limit 1
        """;

    /// <returns>Null past the last chunk, or when there is no such content.</returns>
    public static async Task<byte[]?> ReadChunkAsync(NpgsqlConnection connection, TenantId tenant, ContentHash hash, int chunk)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(ChunkSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("hash", hash).With("chunk", chunk);
        return (await batch.ReadAllAsync(Decode)).FirstOrDefault();
    }

    const string AllSql = """
        select distinct on (chunk) octets, codec, data from content
        where lane = @lane and tenant_id = @tenant and sha256 = @hash
        order by chunk
        """;

    public static async Task<ReadOnlyMemory<byte>?> ReadAllAsync(NpgsqlConnection connection, TenantId tenant, ContentHash hash)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(AllSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("hash", hash);
        var chunks = await batch.ReadAllAsync(Decode);
        if (chunks.Count <= 1)
            return chunks is [var only] ? only : (ReadOnlyMemory<byte>?)null;     // not a bare null: it converts to an empty memory
        var all = new byte[chunks.Sum(chunk => chunk.Length)];
        var position = 0;
        foreach (var chunk in chunks)
        {
            chunk.CopyTo(all, position);
            position += chunk.Length;
        }
        return all;
    }

    const string SmallSql = """
        -- Primary key: a seek for each and a partition, whatever the planner believes of the table. One that is smaller than a chunk has no
        -- other.
        select h.sha256, c.octets, c.codec, c.data
        from unnest(@hashes) as h (sha256)
        cross join lateral (
            select octets, codec, data from content
            where lane = @lane and tenant_id = @tenant and sha256 = h.sha256 and chunk = 0 and octets <= @most
            limit 1) c
        """;

    /// <summary>Of several contents those that are no larger than <paramref name="most"/>, which is less than a chunk.</summary>
    public static async Task<List<(ContentHash Hash, byte[] Octets)>> ReadSmallAsync(
        NpgsqlConnection connection, TenantId tenant, IEnumerable<ContentHash> hashes, int most)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(SmallSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("most", most)
            .WithAll("hashes", NpgsqlDbType.Bytea, [.. hashes.Select(static hash => hash.ToArray())]);
        return await batch.ReadAllAsync(static row => (
            ContentHash.From(row.GetFieldValue<byte[]>(0)),
            ContentEncoding.Decode(row.GetInt32(1), (ContentCodec)row.GetInt16(2), row.GetFieldValue<byte[]>(3))));
    }

    static byte[] Decode(NpgsqlDataReader row) =>
        ContentEncoding.Decode(row.GetInt32(0), (ContentCodec)row.GetInt16(1), row.GetFieldValue<byte[]>(2));
}
