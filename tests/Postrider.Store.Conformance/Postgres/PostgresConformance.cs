namespace Postrider.Store.Conformance.Postgres;

// The suite, run on PostgreSQL.
public sealed class PostgresIntakeTests : IntakeConformance<PostgresFixture>;

public sealed class PostgresClaimTests : ClaimConformance<PostgresFixture>;

public sealed class PostgresLeaseTests : LeaseConformance<PostgresFixture>;

public sealed class PostgresLifecycleTests() : LifecycleConformance<PostgresFixture>(schedules: 20);

public sealed class PostgresControlTests : ControlConformance<PostgresFixture>;

public sealed class PostgresListTests : ListConformance<PostgresFixture>;

public sealed class PostgresContentTests : ContentConformance<PostgresFixture>;

public sealed class PostgresBatchTests : BatchConformance<PostgresFixture>;

public sealed class PostgresBatchOrderTests : BatchOrderConformance<PostgresFixture>;

public sealed class PostgresTenantTests : TenantConformance<PostgresFixture>;

public sealed class PostgresDestinationReportTests : DestinationReportConformance<PostgresFixture>;

public sealed class PostgresSuppressionTests : SuppressionConformance<PostgresFixture>;

public sealed class PostgresReportTests : ReportConformance<PostgresFixture>;

public sealed class PostgresTotalsTests : TotalsConformance<PostgresFixture>;
