using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Writing;

/// <summary>What a write works with inside the writer's transaction.</summary>
/// <param name="Counters">Changes of totals, written once before the commit.</param>
sealed record WriteSession(Connection Connection, CounterDeltas Counters, IdGenerator Ids);
