using Npgsql;
using Postrider.Configuration;

namespace Postrider.Tests.Configuration;

public sealed class StoreAddressTests
{
    [Theory]
    [InlineData(
        "postgres://mail:s3cret@db.example:6432/postrider", "Host=db.example:6432;Database=postrider;Username=mail;Password=s3cret")]
    [InlineData("postgresql://mail@db.example/postrider", "Host=db.example:5432;Database=postrider;Username=mail")]
    [InlineData("postgres://m%40il:p%3Aa%2Fs%40s@db/p%20r", "Host=db:5432;Database=p r;Username=m@il;Password=p:a/s@s")]
    [InlineData("postgres://mail@[::1]:6432/postrider", "Host=[::1]:6432;Database=postrider;Username=mail")]
    [InlineData(
        "postgres://mail@one,two:6432/postrider",
        "Host=one:5432,two:6432;Database=postrider;Username=mail;Target Session Attributes=read-write")]
    [InlineData("postgres://mail@/postrider?host=/var/run/postgresql", "Host=/var/run/postgresql;Database=postrider;Username=mail")]
    [InlineData("postgres://mail@db/postrider?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "Host=db:5432;Database=postrider;Username=mail;SSL Mode=VerifyFull;Root Certificate=/etc/ca.pem")]
    public void Reads_a_server_as_its_own_programs_do(string text, string expected)
    {
        var address = Assert.IsType<StoreAddress.Postgres>(StoreAddress.TryParse(text));

        Assert.Equal(Settings(expected), Settings(address.Address.ConnectionString));
    }

    [Theory]
    [InlineData("postgres://")]
    [InlineData("postgres://db")]
    [InlineData("postgres:///postrider")]
    [InlineData("postgres://db:0/postrider")]
    [InlineData("postgres://db:65536/postrider")]
    [InlineData("postgres://db:port/postrider")]
    [InlineData("postgres://one,/postrider")]
    [InlineData("postgres://db/postrider?sslmode=maybe")]
    [InlineData("postgres://db/postrider?pool=5")]
    [InlineData("sqlite:")]
    [InlineData("mysql://db/postrider")]
    public void Refuses_what_would_not_be_served_as_it_says(string text) => Assert.Null(StoreAddress.TryParse(text));

    static IEnumerable<string> Settings(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        return settings.Keys.Order(StringComparer.Ordinal).Select(key => $"{key}={settings[key]}");
    }

    [Fact]
    public void Shows_no_password()
    {
        Assert.Equal(
            "postgres://mail@db.example:6432/postrider",
            StoreAddress.TryParse("postgres://mail:s3cret@db.example:6432/postrider")!.ToString());
    }
}
