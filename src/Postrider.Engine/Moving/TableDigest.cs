using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Postrider.Engine.Moving;

/// <summary>
/// How many rows a table has, and the sum of their SHA-256, cut to 128 bits: the same in whatever order a store reads them.
/// </summary>
public readonly record struct TableDigest(long Rows, UInt128 Sum)
{
    public TableDigest With(ReadOnlySpan<byte> row)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(row, hash);
        return new TableDigest(Rows + 1, unchecked(Sum + BinaryPrimitives.ReadUInt128BigEndian(hash)));
    }

    public static async Task<TableDigest> OfAsync(IStoreSnapshot store, MovedTable table, PageLimits limits, CancellationToken cancel)
    {
        var digest = default(TableDigest);
        await foreach (var page in store.ReadAsync(table, default, limits, cancel))
        {
            for (var i = 0; i < page.Count; i++)
                digest = digest.With(page[i].Span);
        }
        return digest;
    }
}
