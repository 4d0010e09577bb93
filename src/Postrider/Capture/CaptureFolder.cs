using System.Text.Json;
using Postrider.Engine.Messages;

namespace Postrider.Capture;

/// <summary>
/// Captured mail as files: <c>ID.eml</c> is the source as it came, <c>ID.json</c> its envelope, written last. Ids ascend by time.
/// </summary>
sealed class CaptureFolder
{
    readonly string _folder;

    public CaptureFolder(string folder) => _folder = Directory.CreateDirectory(folder).FullName;

    public FileStream Create(string id) => new(SourcePath(id), FileMode.CreateNew, FileAccess.ReadWrite);

    /// <summary>From here on the message is listed.</summary>
    public async Task CommitAsync(CapturedMail mail, CancellationToken cancel)
    {
        var temporary = EnvelopePath(mail.Id) + ".new";
        await File.WriteAllBytesAsync(temporary, JsonSerializer.SerializeToUtf8Bytes(mail, CaptureJson.Default.CapturedMail), cancel);
        File.Move(temporary, EnvelopePath(mail.Id));
    }

    public void Discard(string id) => File.Delete(SourcePath(id));

    /// <summary>Newest first.</summary>
    public CapturedList List(int skip, int take)
    {
        var ids = Ids();
        return new CapturedList([.. ids.Skip(skip).Take(take).Select(Read).OfType<CapturedMail>()], ids.Length);
    }

    public CapturedMail? Find(string id) => IsId(id) ? Read(id.ToUpperInvariant()) : null;

    /// <returns>Null when there is none.</returns>
    public byte[]? ReadSource(string id) =>
        IsId(id) && File.Exists(SourcePath(id.ToUpperInvariant())) ? File.ReadAllBytes(SourcePath(id.ToUpperInvariant())) : null;

    public int Clear()
    {
        var ids = Ids();
        foreach (var id in ids)
        {
            File.Delete(EnvelopePath(id));
            File.Delete(SourcePath(id));
        }
        return ids.Length;
    }

    string[] Ids()
    {
        var ids = Directory.GetFiles(_folder, "*.json").Select(path => Path.GetFileNameWithoutExtension(path)).Where(IsId).ToArray();
        Array.Sort(ids, (one, other) => string.CompareOrdinal(other, one));
        return ids;
    }

    CapturedMail? Read(string id)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(EnvelopePath(id)), CaptureJson.Default.CapturedMail);
        }
        catch (Exception e) when (e is FileNotFoundException or JsonException)
        {
            return null;        // cleared meanwhile, or not one of ours
        }
    }

    static bool IsId(string text) => Base32.TryParse(text, out _);

    string SourcePath(string id) => Path.Combine(_folder, id + ".eml");

    string EnvelopePath(string id) => Path.Combine(_folder, id + ".json");
}
