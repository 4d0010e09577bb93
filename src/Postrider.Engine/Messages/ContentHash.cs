using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Postrider.Engine.Messages;

/// <summary>SHA-256 of a body or an attachment: its name in the content table, within its tenant.</summary>
public readonly record struct ContentHash(UInt128 High, UInt128 Low)
{
    public const int Octets = 32;

    public static ContentHash Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[Octets];
        SHA256.HashData(content, hash);
        return From(hash);
    }

    public static ContentHash From(ReadOnlySpan<byte> hash) => MemoryMarshal.Read<ContentHash>(hash[..Octets]);

    public byte[] ToArray() => MemoryMarshal.AsBytes(new ReadOnlySpan<ContentHash>(in this)).ToArray();

    public override string ToString() => Convert.ToHexStringLower(MemoryMarshal.AsBytes(new ReadOnlySpan<ContentHash>(in this)));
}
