using System.Net.Sockets;
using Npgsql;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres.Connections;

/// <summary>How far a failure reaches, and whether it left something behind.</summary>
enum FaultReach
{
    /// <summary>A deadlock or a serialization failure: rolled back, and may well succeed when run again.</summary>
    Retry,

    /// <summary>The statement was refused and everything rolled back: a fault of what was asked.</summary>
    Statement,

    /// <summary>The server cannot write now (disk full, read-only after a failover), and said so: rolled back.</summary>
    Server,

    /// <summary>The connection is gone; whether a commit under way took place is not known.</summary>
    Connection,
}

static class PostgresFault
{
    /// <summary>The server ended a connection that stood still in a transaction. Npgsql has no name for it.</summary>
    const string IdleInTransactionSessionTimeout = "25P03";

    /// <summary>PostgreSQL's SQLSTATE classes, appendix A of its manual.</summary>
    public static FaultReach ReachOf(Exception exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected } => FaultReach.Retry,
        // 57014 is a cancel request or statement_timeout, told while the transaction could still be rolled back.
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction } => FaultReach.Server,
        PostgresException { SqlState: ['5', '3' or '8', ..] } => FaultReach.Server,
        PostgresException { SqlState: ['0', '8', ..] or ['5', '7', ..] or IdleInTransactionSessionTimeout } => FaultReach.Connection,
        PostgresException => FaultReach.Statement,
        NpgsqlException or SocketException or IOException or TimeoutException => FaultReach.Connection,
        _ => FaultReach.Statement,
    };

    /// <summary>Nothing was heard for as long as we wait: for a connection, for a place in the pool, or for an answer.</summary>
    public static bool IsTimeout(Exception exception) =>
        exception is TimeoutException or NpgsqlException { InnerException: TimeoutException };

    public static bool IsUnavailable(Exception exception) => ReachOf(exception) is FaultReach.Connection or FaultReach.Server;

    public static StoreUnavailableException Unavailable(Exception cause) => new($"The database is away: {cause.Message}", cause);
}
