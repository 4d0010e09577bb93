using System.Buffers.Text;
using System.Security.Cryptography;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Dkim;

/// <summary>Signs with rsa-sha256, relaxed/relaxed (RFC 6376), for one domain and selector; from any thread.</summary>
/// <remarks>Never with <c>l=</c>: who could add to a body would speak in our name (RFC 6376 §8.2).</remarks>
public sealed class DkimSigner
{
    const int MaxFields = 64;

    readonly DkimKey _key;
    readonly byte[] _start;

    /// <exception cref="ArgumentException">The selector is not made of labels of letters, digits, hyphens and underscores.</exception>
    public DkimSigner(Domain domain, string selector, DkimKey key)
    {
        if (selector.Length is 0 or > 200 || !selector.Split('.').All(IsSelectorLabel))
            throw new ArgumentException("Not a selector.", nameof(selector));

        (Domain, Selector, _key) = (domain, selector, key);
        using var writer = new OctetWriter(512);
        writer.Write("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;"u8);
        writer.Fold();
        writer.Write($"d={domain.Ascii};");
        writer.SpaceOrFold(selector.Length + 3);
        writer.Write($"s={selector};");
        _start = writer.ToArray();
    }

    public Domain Domain { get; }

    public string Selector { get; }

    /// <param name="headerSection">The fields to sign, each ending in CRLF.</param>
    /// <param name="signedAt"><c>t=</c>.</param>
    /// <param name="expiresAt"><c>x=</c>: a replayed copy fails from then on. Null for never.</param>
    /// <returns>The DKIM-Signature field, folded, ending in CRLF, to be put in front of the header section.</returns>
    public byte[] Sign(ReadOnlySpan<byte> headerSection, BodyHash bodyHash, DateTimeOffset signedAt, DateTimeOffset? expiresAt = null)
    {
        Span<SignedField> stack = stackalloc SignedField[MaxFields];
        var fields = FindFields(headerSection, stack);

        using var signature = new OctetWriter(2_048);
        signature.Write(_start);
        signature.Fold();
        signature.Write($"t={signedAt.ToUnixTimeSeconds()};");
        if (expiresAt is { } end)
        {
            signature.SpaceOrFold(13);
            signature.Write($"x={end.ToUnixTimeSeconds()};");
        }
        WriteFieldNames(signature, fields);
        signature.Fold();
        signature.Write("bh="u8);
        WriteBase64(signature, bodyHash.Sha256);
        signature.Write((byte)';');
        signature.Fold();
        signature.Write("b="u8);

        Span<byte> rsa = stackalloc byte[1_024];
        rsa = rsa[.._key.SignatureOctets];
        SignFields(headerSection, fields, signature.Written, rsa);
        WriteFoldedBase64(signature, rsa);
        signature.EndLine();
        return signature.ToArray();
    }

    /// <summary>Those to sign, last one first: RFC 6376 §5.4.2 has several of one name signed from the bottom up.</summary>
    static ReadOnlySpan<SignedField> FindFields(ReadOnlySpan<byte> section, Span<SignedField> found)
    {
        var rest = section;
        var (count, start) = (0, 0);
        while (RelaxedHeader.TryTakeField(ref rest, out var field))
        {
            var index = SignedFields.IndexOf(RelaxedHeader.Name(field));
            if (index >= 0)
            {
                if (count == found.Length)
                    found = Grow(found);
                found[count++] = new(index, start, field.Length);
            }
            start += field.Length;
        }
        found = found[..count];
        found.Reverse();
        return found;
    }

    static SignedField[] Grow(ReadOnlySpan<SignedField> found)
    {
        var larger = new SignedField[found.Length * 2];
        found.CopyTo(larger);
        return larger;
    }

    static void WriteFieldNames(OctetWriter signature, ReadOnlySpan<SignedField> fields)
    {
        signature.Fold();
        signature.Write("h="u8);
        var isFirst = true;
        for (var index = 0; index < SignedFields.Count; index++)
        {
            var name = SignedFields.Name(index);
            for (var left = Count(fields, index) + (SignedFields.IsOverSigned(index) ? 1 : 0); left > 0; left--)
            {
                if (!isFirst)
                {
                    signature.Write((byte)':');
                    if (signature.Column + name.Length + 1 > 76)
                        signature.Fold();
                }
                isFirst = false;
                signature.Write(name);
            }
        }
        signature.Write((byte)';');
    }

    static int Count(ReadOnlySpan<SignedField> fields, int index)
    {
        var count = 0;
        foreach (var field in fields)
            count += field.Index == index ? 1 : 0;
        return count;
    }

    /// <summary>
    /// RFC 6376 §3.7: the fields in the order of <c>h=</c>, then the signature field itself with an empty <c>b=</c> and no CRLF.
    /// </summary>
    void SignFields(ReadOnlySpan<byte> section, ReadOnlySpan<SignedField> fields, ReadOnlySpan<byte> signatureField, Span<byte> rsa)
    {
        using var canonical = new OctetWriter(section.Length + signatureField.Length + 64);
        for (var index = 0; index < SignedFields.Count; index++)
        {
            foreach (var field in fields)
            {
                if (field.Index != index)
                    continue;
                RelaxedHeader.Write(canonical, section.Slice(field.Start, field.Length));
                canonical.Write("\r\n"u8);
            }
        }
        RelaxedHeader.Write(canonical, signatureField);

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(canonical.Written, hash);
        _key.SignHash(hash, rsa);
    }

    static void WriteFoldedBase64(OctetWriter signature, ReadOnlySpan<byte> octets)
    {
        const int LineOctets = 54;      // 72 characters
        while (true)
        {
            var line = octets[..Math.Min(LineOctets, octets.Length)];
            WriteBase64(signature, line);
            octets = octets[line.Length..];
            if (octets.IsEmpty)
                break;
            signature.Fold();
        }
    }

    static void WriteBase64(OctetWriter writer, ReadOnlySpan<byte> octets)
    {
        Base64.EncodeToUtf8(octets, writer.GetSpan(Base64.GetMaxEncodedToUtf8Length(octets.Length)), out _, out var written);
        writer.Advance(written);
    }

    static bool IsSelectorLabel(string label) =>
        label.Length is > 0 and <= Domain.MaxLabelOctets && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <param name="Index">In <see cref="SignedFields"/>.</param>
    readonly record struct SignedField(int Index, int Start, int Length);
}
