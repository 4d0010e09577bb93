namespace Postrider.Scenarios.Crashes;

/// <summary>Scenarios that load the machine run alone.</summary>
[CollectionDefinition(nameof(Undisturbed), DisableParallelization = true)]
public sealed class Undisturbed;
