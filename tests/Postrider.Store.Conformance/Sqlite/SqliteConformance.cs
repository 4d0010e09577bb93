namespace Postrider.Store.Conformance.Sqlite;

// The suite, run on SQLite.
public sealed class SqliteIntakeTests : IntakeConformance<SqliteFixture>;

public sealed class SqliteClaimTests : ClaimConformance<SqliteFixture>;

public sealed class SqliteLeaseTests : LeaseConformance<SqliteFixture>;

public sealed class SqliteLifecycleTests() : LifecycleConformance<SqliteFixture>(schedules: 120);

public sealed class SqliteControlTests : ControlConformance<SqliteFixture>;

public sealed class SqliteListTests : ListConformance<SqliteFixture>;

public sealed class SqliteContentTests : ContentConformance<SqliteFixture>;

public sealed class SqliteBatchTests : BatchConformance<SqliteFixture>;

public sealed class SqliteBatchOrderTests : BatchOrderConformance<SqliteFixture>;

public sealed class SqliteTenantTests : TenantConformance<SqliteFixture>;

public sealed class SqliteDestinationReportTests : DestinationReportConformance<SqliteFixture>;

public sealed class SqliteSuppressionTests : SuppressionConformance<SqliteFixture>;

public sealed class SqliteReportTests : ReportConformance<SqliteFixture>;

public sealed class SqliteTotalsTests : TotalsConformance<SqliteFixture>;
