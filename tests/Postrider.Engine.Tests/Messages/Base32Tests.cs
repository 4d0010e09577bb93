using Postrider.Engine.Messages;

namespace Postrider.Engine.Tests.Messages;

public sealed class Base32Tests
{
    [Fact]
    public void Ids_are_read_back_and_sort_as_they_do()
    {
        var random = new Random(5);
        var ids = Enumerable.Range(0, 1_000).Select(_ => Next(random)).Append(Guid.Empty).Append(Guid.AllBitsSet).ToArray();

        foreach (var id in ids)
        {
            var text = Base32.Format(id);
            Assert.Equal(Base32.Length, text.Length);
            Assert.True(Base32.TryParse(text, out var read) && read == id);
            Assert.True(Base32.TryParse(text.ToLowerInvariant(), out read) && read == id);
        }
        Assert.Equal(
            ids.OrderBy(id => Convert.ToHexString(id.ToByteArray(bigEndian: true)), StringComparer.Ordinal),
            ids.OrderBy(Base32.Format, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FAV", true)]
    [InlineData("oiarz3ndektsv4rrffq69g5fav", true)]        // O and I read as 0 and 1
    [InlineData("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", true)]
    [InlineData("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", false)]       // past 128 bits
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FA", false)]
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FAVV", false)]
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FAU", false)]       // U is not in the alphabet
    [InlineData("01ARZ3NDEKTſV4RRFFQ69G5FAV", false)]
    [InlineData("01ARZ3NDE\u212ATSV4RRFFQ69G5FAV", false)]  // the Kelvin sign
    [InlineData("", false)]
    public void Reads_only_its_own_alphabet(string text, bool expected) => Assert.Equal(expected, Base32.TryParse(text, out _));

    static Guid Next(Random random)
    {
        var octets = new byte[16];
        random.NextBytes(octets);
        return new Guid(octets, bigEndian: true);
    }
}
