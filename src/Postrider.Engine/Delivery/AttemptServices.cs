using Microsoft.Extensions.Logging;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Delivery;

/// <summary>What was said between us and the MX host, as far as the timeline keeps it.</summary>
sealed record Conversation(string MxHost, string? RemoteAddress, string? TlsVersion, IReadOnlyList<string> Replies);

/// <summary>What every attempt works with.</summary>
/// <param name="Attempts">Where control finds them while they run.</param>
/// <param name="Closed">Called once, when the attempt has ended and its lease with it.</param>
/// <param name="Stopping">The node's last moment: outcomes that could not be written by then are left to the next process.</param>
sealed record AttemptServices(
    IQueueStore Queue, IControlStore Control, RunningAttempts Attempts, DeliveryOptions Options, IdGenerator Ids, Random Random,
    TimeProvider Time, ILogger Log, Action<DispatchedMessage, Backlog?> Closed, CancellationToken Stopping);
