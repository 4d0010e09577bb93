namespace Postrider.Bench;

/// <summary>Tells on standard error what is going on; standard output has the result only.</summary>
static class Progress
{
    public static void Say(string text) => Console.Error.WriteLine("  " + text);
}
