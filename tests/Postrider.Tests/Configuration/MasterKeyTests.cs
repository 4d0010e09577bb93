using Microsoft.Extensions.Configuration;
using Postrider.Configuration;

namespace Postrider.Tests.Configuration;

public sealed class MasterKeyTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("postrider-key").FullName;

    Settings Settings(params (string Name, string Value)[] more) => Postrider.Configuration.Settings.Read(
        new ConfigurationBuilder().AddInMemoryCollection(
            [
                KeyValuePair.Create("Store", (string?)$"sqlite:{_folder}/p.db"),
                .. more.Select(one => KeyValuePair.Create(one.Name, (string?)one.Value)),
            ]).Build(),
        demo: false);

    [Fact]
    public void Makes_a_key_file_that_only_its_owner_may_read_and_reads_it_again()
    {
        var made = MasterKey.Load(Settings());

        Assert.Equal(made, MasterKey.Load(Settings()));
        Assert.True(
            OperatingSystem.IsLinux() && File.GetUnixFileMode($"{_folder}/p.key") == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.Equal(["p.key"], Directory.GetFiles(_folder).Select(Path.GetFileName));
    }

    [Fact]
    public void Prefers_the_key_of_the_configuration()
    {
        var key = Enumerable.Repeat((byte)7, 32).ToArray();

        Assert.Equal(key, MasterKey.Load(Settings(("Secrets:Key", Convert.ToBase64String(key)))));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Refuses_a_file_that_others_may_read()
    {
        MasterKey.Load(Settings());
        Assert.True(OperatingSystem.IsLinux());
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode($"{_folder}/p.key", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var refused = Assert.Throws<SettingsException>(() => MasterKey.Load(Settings()));

        Assert.Contains("0600", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64")]
    [InlineData("c2hvcnQ=")]
    public void Refuses_a_file_that_holds_no_key(string text)
    {
        MasterKey.Load(Settings());
        File.WriteAllText($"{_folder}/p.key", text);

        Assert.Throws<SettingsException>(() => MasterKey.Load(Settings()));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
