using System.Buffers.Binary;
using System.Text;
using Postrider.Engine.Messages;

namespace Postrider.Store.Sqlite.Search;

/// <summary>
/// Subjects as words for the full-text index. Each three characters in a row, in one case, are a word of 14 letters and digits: 8 tell the
/// tenant, 6 are a hash of the three. So nothing in a subject or a search is syntax, and what one tenant looks for is not among
/// another's.
/// </summary>
/// <remarks>
/// Two words may coincide by chance, so what the index finds is only a candidate. It never misses: two characters that
/// <see cref="StringComparison.OrdinalIgnoreCase"/> takes for one have one upper case.
/// </remarks>
static class SubjectGrams
{
    /// <summary>Characters in a gram, so that a shorter search has none.</summary>
    const int Length = 3;

    const int TenantLetters = 8;
    const int HashLetters = 6;
    const int WordOctets = TenantLetters + HashLetters + 1;

    /// <summary>A search asks for no more: each costs a walk through its list, and these leave few false candidates.</summary>
    const int MostSought = 16;

    static ReadOnlySpan<byte> Letters => "abcdefghijklmnopqrstuvwxyz234567"u8;

    /// <summary>Whether a search for it can use the index.</summary>
    public static bool HasAny(string part)
    {
        var characters = 0;
        foreach (var _ in part.EnumerateRunes())
        {
            if (++characters == Length)
                return true;
        }
        return false;
    }

    /// <summary>All words of a subject, each followed by a space; empty when it is too short to have one.</summary>
    public static byte[] Of(TenantId tenant, string subject)
    {
        var folded = Fold(subject);
        return Words(tenant, folded, Enumerable.Range(0, Math.Max(0, folded.Count - Length + 1)));
    }

    /// <summary>Words that each subject with this part has, as a query that asks for all of them.</summary>
    public static string Query(TenantId tenant, string part)
    {
        var folded = Fold(part);
        var last = folded.Count - Length;
        ArgumentOutOfRangeException.ThrowIfNegative(last, nameof(part));
        // Side by side rather than overlapping: every character counts, at a third of the words.
        var stride = Math.Max(Length, (last / (MostSought - 1)) + 1);
        var places = Enumerable.Range(0, (last + stride - 1) / stride).Select(i => i * stride).Append(last);
        return Encoding.ASCII.GetString(Words(tenant, folded, places));
    }

    /// <summary>As the comparison folds: character by character, without a culture.</summary>
    static List<Rune> Fold(string text)
    {
        var folded = new List<Rune>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            folded.Add(Rune.ToUpperInvariant(rune));
        return folded;
    }

    static byte[] Words(TenantId tenant, List<Rune> folded, IEnumerable<int> places)
    {
        var words = new List<byte>(folded.Count * WordOctets);
        Span<byte> word = stackalloc byte[WordOctets];
        word[^1] = (byte)' ';
        Spell(Hash(tenant), word[..TenantLetters]);
        foreach (var place in places)
        {
            Spell(Hash(folded[place], folded[place + 1], folded[place + 2]), word.Slice(TenantLetters, HashLetters));
            words.AddRange(word);
        }
        return [.. words];
    }

    static ulong Hash(TenantId tenant)
    {
        Span<byte> octets = stackalloc byte[16];
        tenant.Value.TryWriteBytes(octets);
        return Mix(Mix(BinaryPrimitives.ReadUInt64BigEndian(octets)) ^ BinaryPrimitives.ReadUInt64BigEndian(octets[8..]));
    }

    /// <summary>A code point has 21 bits: three fit.</summary>
    static ulong Hash(Rune first, Rune second, Rune third) =>
        Mix(((ulong)first.Value << 42) | ((ulong)second.Value << 21) | (uint)third.Value);

    /// <summary>The finalizer of SplitMix64. It is in the files: to change it is to index again.</summary>
    static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    static void Spell(ulong hash, Span<byte> letters)
    {
        foreach (ref var letter in letters)
        {
            letter = Letters[(int)(hash & 31)];
            hash >>= 5;
        }
    }
}
