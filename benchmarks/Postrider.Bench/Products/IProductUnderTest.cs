using System.Net;
using Postrider.Bench.Load;

namespace Postrider.Bench.Products;

/// <summary>One fresh installation of a product, on its own folder and ports; disposing stops it and removes the folder.</summary>
interface IProductUnderTest : IAsyncDisposable
{
    /// <summary>The processes it was started as; their descendants belong to it too.</summary>
    IReadOnlyCollection<int> Processes { get; }

    /// <summary>Null for a product that keeps its own files. Its processes are among <see cref="Processes"/>.</summary>
    PostgresServer? Database => null;

    Task<ISubmitter> ConnectAsync(string recipientDomain, CancellationToken cancel);

    /// <summary>Returns when nothing waits any more: each delivery is not only made but recorded.</summary>
    Task WaitUntilSettledAsync(CancellationToken cancel);
}

/// <summary>Where the recipients' domains lead, the same for every product.</summary>
/// <param name="Sink">Receives <see cref="SinkDomain"/> and everything not named here.</param>
/// <param name="FirstByte">Receives <see cref="IdleDomain"/>.</param>
/// <param name="Down">Nobody listens there. Mail for <see cref="DownDomain"/> is accepted and waits.</param>
sealed record Destinations(IPEndPoint Sink, IPEndPoint FirstByte, IPEndPoint Down)
{
    public const string SinkDomain = "sink.test";
    public const string IdleDomain = "idle.test";
    public const string DownDomain = "down.test";
}
