namespace Postrider.Fuzz;

/// <summary>
/// Makes inputs from seeds: flips, inserts, deletes, repeats, and splices of two. The same random numbers make the same inputs.
/// </summary>
sealed class Mutator(IReadOnlyList<byte[]> seeds, Random random)
{
    const int MaxOctets = 64 * 1024;

    /// <summary>What parsers of mail stumble over.</summary>
    static readonly byte[][] Tokens =
    [
        "\r\n"u8.ToArray(), "\n"u8.ToArray(), "\r"u8.ToArray(), "\0"u8.ToArray(), "\r\n.\r\n"u8.ToArray(), "\r\n\r\n"u8.ToArray(),
        "\""u8.ToArray(), "\\"u8.ToArray(), "<"u8.ToArray(), ">"u8.ToArray(), "@"u8.ToArray(), ":"u8.ToArray(), ";"u8.ToArray(),
        "("u8.ToArray(),
        "=?utf-8?q?"u8.ToArray(), "?="u8.ToArray(), "--"u8.ToArray(), "="u8.ToArray(), " "u8.ToArray(), "\t"u8.ToArray(), "."u8.ToArray(),
        [0xC0], [0xFF], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98, 0x80], [0xC3], "xn--"u8.ToArray(), "99999999999"u8.ToArray(),
        "-1"u8.ToArray(),
    ];

    public byte[] Next()
    {
        var input = new List<byte>(Pick(seeds));
        for (var left = random.Next(1, 8); left > 0; left--)
            Mutate(input);
        return input.Count > MaxOctets ? [.. input[..MaxOctets]] : [.. input];
    }

    void Mutate(List<byte> input)
    {
        var at = random.Next(input.Count + 1);
        switch (random.Next(7))
        {
            case 0 when at < input.Count:
                input[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < input.Count:
                input[at] = (byte)random.Next(256);
                break;
            case 2:
                input.RemoveRange(at, random.Next(Math.Min(16, input.Count - at) + 1));
                break;
            case 3:
                input.InsertRange(at, Slice(input));
                break;
            case 4:
                var other = Pick(seeds);
                input.RemoveRange(at, input.Count - at);
                input.AddRange(other[random.Next(other.Length + 1)..]);
                break;
            case 5:
                var token = Pick(Tokens);
                for (var times = random.Next(10) == 0 ? random.Next(200) : 1; times > 0; times--)
                    input.InsertRange(at, token);
                break;
            default:
                input.InsertRange(at, Pick(Tokens));
                break;
        }
    }

    byte[] Slice(List<byte> input)
    {
        var start = random.Next(input.Count + 1);
        return [.. input[start..(start + random.Next(Math.Min(64, input.Count - start) + 1))]];
    }

    byte[] Pick(IReadOnlyList<byte[]> from) => from[random.Next(from.Count)];
}
