namespace Postrider.Mail.Mime;

/// <summary>
/// How much of a message from outside is looked at. What is beyond is not an error: it is left unparsed, and the message says so.
/// </summary>
/// <remarks>The defaults are guesses, far above what mail that people send has.</remarks>
public sealed record MimeLimits
{
    public static MimeLimits Default { get; } = new();

    /// <summary>Multiparts inside multiparts.</summary>
    public int MaxDepth { get; init; } = 50;

    public int MaxParts { get; init; } = 1_000;

    /// <summary>Of one header section.</summary>
    public int MaxHeaderOctets { get; init; } = 256 * 1024;

    /// <summary>Of one header section.</summary>
    public int MaxFields { get; init; } = 1_000;
}
