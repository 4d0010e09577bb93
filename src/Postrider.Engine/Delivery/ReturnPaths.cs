using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Delivery;

/// <summary>
/// VERP return paths (contracts/scaisend.md §8.6): <c>b+token@host</c>, where the token names message and recipient under an HMAC, so that
/// a DSN finds its message without a look at its body, and nobody can make one up.
/// </summary>
/// <remarks>
/// The token is base32 of message id (16 octets), recipient ordinal (2) and the first 8 octets of HMAC-SHA-256 over both: 42 characters.
/// </remarks>
public sealed class ReturnPaths(SecretBox secrets, Domain host)
{
    const int NamedOctets = 18;
    const int MacOctets = 8;
    const string Prefix = "b+";
    const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";     // RFC 4648 §6, in the case that mail systems leave alone

    readonly byte[] _key = secrets.DeriveKey("verp");

    public ReversePath For(MessageId message, int recipient)
    {
        Span<byte> token = stackalloc byte[NamedOctets + MacOctets];
        message.Value.TryWriteBytes(token, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt16BigEndian(token[16..], (ushort)recipient);
        Mac(token[..NamedOctets], token[NamedOctets..]);
        return Mailbox.TryParse($"{Prefix}{ToBase32(token)}@{host.Ascii}", out var mailbox)
            ? new ReversePath(mailbox)
            : throw new InvalidOperationException($"{host} cannot be the host of a return path.");
    }

    /// <returns>False for anything this installation did not make.</returns>
    public bool TryRead(Mailbox mailbox, out MessageId message, out int recipient)
    {
        (message, recipient) = (default, 0);
        if (!mailbox.LocalPart.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || !TryFromBase32(mailbox.LocalPart.AsSpan(Prefix.Length), out var token))
            return false;
        Span<byte> mac = stackalloc byte[MacOctets];
        Mac(token.AsSpan(0, NamedOctets), mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, token.AsSpan(NamedOctets)))
            return false;
        message = new MessageId(new Guid(token.AsSpan(0, 16), bigEndian: true));
        recipient = BinaryPrimitives.ReadUInt16BigEndian(token.AsSpan(16));
        return true;
    }

    void Mac(ReadOnlySpan<byte> named, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, named, whole);
        whole[..MacOctets].CopyTo(mac);
    }

    static string ToBase32(ReadOnlySpan<byte> octets)
    {
        Span<char> text = stackalloc char[(octets.Length * 8 + 4) / 5];
        var (bits, value, written) = (0, 0u, 0);
        foreach (var octet in octets)
        {
            value = (value << 8) | octet;
            for (bits += 8; bits >= 5; bits -= 5)
                text[written++] = Alphabet[(int)(value >> (bits - 5)) & 31];
        }
        if (bits > 0)
            text[written] = Alphabet[(int)(value << (5 - bits)) & 31];
        return text.ToString();
    }

    static bool TryFromBase32(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? octets)
    {
        octets = null;
        if (text.Length != ((NamedOctets + MacOctets) * 8 + 4) / 5)
            return false;
        var read = new byte[NamedOctets + MacOctets];
        var (bits, value, at) = (0, 0u, 0);
        foreach (var c in text)
        {
            var digit = Alphabet.IndexOf(char.ToLowerInvariant(c), StringComparison.Ordinal);
            if (digit < 0)
                return false;
            value = (value << 5) | (uint)digit;
            bits += 5;
            if (bits >= 8 && at < read.Length)
                read[at++] = (byte)(value >> (bits -= 8));
        }
        if ((value & ((1u << bits) - 1)) != 0)      // a token has one spelling
            return false;
        octets = read;
        return true;
    }
}
