using System.Text;
using Postrider.Capture;
using Postrider.Engine.Messages;

namespace Postrider.Tests.Capture;

public sealed class CaptureFolderTests : IDisposable
{
    readonly string _path = Directory.CreateTempSubdirectory("postrider-capture").FullName;
    readonly IdGenerator _ids = new(TimeProvider.System);

    async Task<string> CaptureAsync(CaptureFolder folder, string source)
    {
        var id = Base32.Format(_ids.Next());
        await using (var file = folder.Create(id))
            await file.WriteAsync(Encoding.UTF8.GetBytes(source));
        await folder.CommitAsync(
            new CapturedMail { Id = id, ReceivedAt = DateTimeOffset.UnixEpoch, From = "", To = ["a@b.example"], Octets = source.Length },
            default);
        return id;
    }

    [Fact]
    public async Task Lists_the_newest_first_and_only_what_was_committed()
    {
        var folder = new CaptureFolder(_path);
        var first = await CaptureAsync(folder, "one");
        var second = await CaptureAsync(folder, "two");
        await folder.Create(Base32.Format(_ids.Next())).DisposeAsync();

        var list = folder.List(0, 10);

        Assert.Equal([second, first], list.Messages.Select(mail => mail.Id));
        Assert.Equal(2, list.Total);
        Assert.Equal([first], folder.List(1, 10).Messages.Select(mail => mail.Id));
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("..%2Fsecret")]
    [InlineData("/etc/passwd")]
    [InlineData("")]
    public void Finds_nothing_by_what_is_no_id(string id)
    {
        File.WriteAllText(Path.Combine(_path, "..", "secret.eml"), "no");
        var folder = new CaptureFolder(_path);

        Assert.Null(folder.Find(id));
        Assert.Null(folder.ReadSource(id));
        File.Delete(Path.Combine(_path, "..", "secret.eml"));
    }

    [Fact]
    public async Task Clears_everything()
    {
        var folder = new CaptureFolder(_path);
        var id = await CaptureAsync(folder, "one");

        Assert.Equal(1, folder.Clear());

        Assert.Null(folder.Find(id));
        Assert.Empty(Directory.GetFiles(_path));
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
