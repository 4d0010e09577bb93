namespace Postrider.Engine.Control;

public sealed record ControlOptions
{
    /// <summary>
    /// How long a retry waits for the answer to a final dot that was sent, before it is refused. 0 to 1 min, default 5 s: what a person
    /// waits for a button, and more than most hosts take (contracts/scaisend.md §4.5.3 asks for "a few seconds").
    /// </summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromSeconds(5);
}
