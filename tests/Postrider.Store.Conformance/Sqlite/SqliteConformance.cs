namespace Postrider.Store.Conformance.Sqlite;

// The suite, run on SQLite.
public sealed class SqliteIntakeTests : IntakeConformance<SqliteFixture>;

public sealed class SqliteClaimTests : ClaimConformance<SqliteFixture>;

public sealed class SqliteLeaseTests : LeaseConformance<SqliteFixture>;
