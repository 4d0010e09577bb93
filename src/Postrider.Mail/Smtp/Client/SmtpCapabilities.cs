using System.Globalization;

namespace Postrider.Mail.Smtp.Client;

/// <summary>What the peer's reply to EHLO offers: <c>ehlo-line = ehlo-keyword *( SP ehlo-param )</c>, RFC 5321 §4.1.1.1.</summary>
public sealed record SmtpCapabilities
{
    /// <summary>A peer that only knows HELO.</summary>
    public static SmtpCapabilities None { get; } = new();

    /// <summary>RFC 2920.</summary>
    public bool Pipelining { get; init; }

    /// <summary>RFC 1870. Null when there is no limit that the peer tells.</summary>
    public long? MaxMessageOctets { get; init; }

    /// <summary>RFC 1870: MAIL may say SIZE=.</summary>
    public bool Size { get; init; }

    /// <summary>RFC 6152.</summary>
    public bool EightBitMime { get; init; }

    /// <summary>RFC 6531.</summary>
    public bool SmtpUtf8 { get; init; }

    /// <summary>RFC 2034.</summary>
    public bool EnhancedStatusCodes { get; init; }

    /// <summary>RFC 3207.</summary>
    public bool StartTls { get; init; }

    /// <summary>RFC 3030; noticed, not used.</summary>
    public bool Chunking { get; init; }

    /// <param name="ehlo">Its first line is the greeting and offers nothing.</param>
    public static SmtpCapabilities Read(SmtpReply ehlo)
    {
        var found = None;
        foreach (var line in ehlo.Lines.Skip(1))
        {
            var words = line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
            found = words is [] ? found : words[0].ToUpperInvariant() switch
            {
                "PIPELINING" => found with { Pipelining = true },
                "SIZE" => found with { Size = true, MaxMessageOctets = ReadSize(words) },
                "8BITMIME" => found with { EightBitMime = true },
                "SMTPUTF8" => found with { SmtpUtf8 = true },
                "ENHANCEDSTATUSCODES" => found with { EnhancedStatusCodes = true },
                "STARTTLS" => found with { StartTls = true },
                "CHUNKING" => found with { Chunking = true },
                _ => found,
            };
        }
        return found;
    }

    /// <summary>RFC 1870 §3: absent means nothing, and 0 means no fixed limit.</summary>
    static long? ReadSize(string[] words) =>
        words.Length > 1 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var octets) && octets > 0
            ? octets : null;
}
