using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Postrider.Engine.Moving;

/// <summary>
/// Rows on their way, each as the octets that any store would make of it: its columns in the table's order, a mark whether there is a
/// value, then 16 octets of an id, 8 of a number, or a length and that many octets. What is equal is equal octet for octet, so rows are
/// compared by them.
/// </summary>
public sealed class MovedPage
{
    readonly ArrayBufferWriter<byte> _octets = new(64 << 10);
    readonly List<int> _ends = [];

    public int Count => _ends.Count;

    public int Octets => _octets.WrittenCount;

    public ReadOnlyMemory<byte> this[int row]
    {
        get
        {
            var begin = row == 0 ? 0 : _ends[row - 1];
            return _octets.WrittenMemory[begin.._ends[row]];
        }
    }

    public void Clear()
    {
        _octets.ResetWrittenCount();
        _ends.Clear();
    }

    public void EndRow() => _ends.Add(_octets.WrittenCount);

    public void AddNull() => _octets.Write((ReadOnlySpan<byte>)[0]);

    public void Add(Guid id)
    {
        var to = Mark(16);
        id.TryWriteBytes(to, bigEndian: true, out _);
        _octets.Advance(17);
    }

    public void Add(long number)
    {
        BinaryPrimitives.WriteInt64BigEndian(Mark(8), number);
        _octets.Advance(9);
    }

    public void Add(DateTimeOffset at) => Add(at.ToUnixTimeMilliseconds());

    public void Add(string text) => AddOctets(Encoding.UTF8.GetBytes(text.Replace('\0', '\uFFFD')));

    /// <param name="utf8">As it is stored; what is not UTF-8 becomes U+FFFD, as in reading it.</param>
    public void AddText(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Contains((byte)0) || !System.Text.Unicode.Utf8.IsValid(utf8))
            Add(Encoding.UTF8.GetString(utf8));
        else
            AddOctets(utf8);
    }

    public void AddOctets(ReadOnlySpan<byte> octets)
    {
        BinaryPrimitives.WriteInt32BigEndian(Mark(4), octets.Length);
        _octets.Advance(5);
        _octets.Write(octets);
    }

    Span<byte> Mark(int octets)
    {
        var to = _octets.GetSpan(octets + 1);
        to[0] = 1;
        return to[1..(octets + 1)];
    }
}

/// <summary>Reads a row's columns one after the other.</summary>
public struct MovedRow(ReadOnlyMemory<byte> octets)
{
    int _position;

    /// <summary>Takes a null, or moves nothing.</summary>
    public bool TryNull()
    {
        if (octets.Span[_position] != 0)
            return false;
        _position++;
        return true;
    }

    public Guid Id()
    {
        var id = new Guid(octets.Span.Slice(_position + 1, 16), bigEndian: true);
        _position += 17;
        return id;
    }

    public long Number()
    {
        var number = BinaryPrimitives.ReadInt64BigEndian(octets.Span[(_position + 1)..]);
        _position += 9;
        return number;
    }

    public DateTimeOffset Instant() => DateTimeOffset.FromUnixTimeMilliseconds(Number());

    public string Text() => Encoding.UTF8.GetString(Octets().Span);

    public ReadOnlyMemory<byte> Octets()
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(octets.Span[(_position + 1)..]);
        var value = octets.Slice(_position + 5, length);
        _position += 5 + length;
        return value;
    }

    /// <summary>The octets of the key's columns: where a copy goes on.</summary>
    public static ReadOnlyMemory<byte> KeyOf(MovedTable table, ReadOnlyMemory<byte> octets)
    {
        var row = new MovedRow(octets);
        foreach (var column in table.Key)
            row.Skip(column.Kind);
        return octets[..row._position];
    }

    void Skip(ColumnKind kind)
    {
        if (TryNull())
            return;
        switch (kind)
        {
            case ColumnKind.Id:
                _position += 17;
                break;
            case ColumnKind.Text or ColumnKind.Octets or ColumnKind.Ids:
                Octets();
                break;
            default:
                _position += 9;
                break;
        }
    }
}
