namespace Postrider.Engine.Control;

public sealed record ControlOptions
{
    /// <summary>
    /// How long a retry waits for the answer to a final dot that was sent, before it is refused. 0 to 1 min, default 5 s: what a person
    /// waits for a button, and more than most hosts take (contracts/scaisend.md §4.5.3 asks for "a few seconds").
    /// </summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a call about a whole batch waits for its end, before it answers 202 and goes on by itself. 0 to 1 min, default 10 s: tens
    /// of thousands of messages, and less than most clients wait for an answer. A guess.
    /// </summary>
    public TimeSpan BatchPatience { get; init; } = TimeSpan.FromSeconds(10);
}
