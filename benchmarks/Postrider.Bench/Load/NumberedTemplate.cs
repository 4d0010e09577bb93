using System.Globalization;
using System.Text;

namespace Postrider.Bench.Load;

/// <summary>Octets made once, in which only a message number of fixed width changes from one send to the next.</summary>
sealed class NumberedTemplate
{
    /// <summary>Stands where the number goes.</summary>
    public const string Marker = "#########";

    readonly byte[] _octets;
    readonly int[] _offsets;

    public NumberedTemplate(byte[] octets)
    {
        var marker = Encoding.ASCII.GetBytes(Marker);
        var offsets = new List<int>();
        for (var at = octets.AsSpan().IndexOf(marker); at >= 0;)
        {
            offsets.Add(at);
            var rest = at + marker.Length;
            var next = octets.AsSpan(rest).IndexOf(marker);
            at = next < 0 ? -1 : rest + next;
        }

        (_octets, _offsets) = (octets, [.. offsets]);
    }

    /// <returns>The same memory every time; it holds until the next call.</returns>
    public ReadOnlyMemory<byte> With(int number)
    {
        foreach (var offset in _offsets)
            number.TryFormat(_octets.AsSpan(offset, Marker.Length), out _, "D9", CultureInfo.InvariantCulture);
        return _octets;
    }
}
