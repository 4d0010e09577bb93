namespace Postrider.Scenarios.Running;

static class Snapshot
{
    /// <summary>Fails with all of both texts, to read as a whole.</summary>
    public static void Is(string expected, string actual) =>
        Assert.True(expected == actual, $"Expected:\n{expected}\n\nActual:\n{actual}");
}
