using System.Globalization;
using System.Text;

namespace Postrider.Api.ScaiSend;

/// <summary>Where in a request a value stands: <c>personalizations.0.to.1.email</c>. A value; text is made only when something is wrong
/// there.</summary>
readonly struct FieldPath
{
    /// <summary>A name that came from outside is cut after this.</summary>
    const int MaxNameLength = 100;

    readonly (string? Name, int Index) _first;
    readonly (string? Name, int Index) _second;
    readonly string? _third;

    FieldPath((string?, int) first, (string?, int) second, string? third) => (_first, _second, _third) = (first, second, third);

    public static FieldPath Root => default;

    public static implicit operator FieldPath(string name) => Root.Field(name);

    public FieldPath Field(string name) =>
        _first.Name is null ? new((name, -1), default, null)
        : _second.Name is null ? new(_first, (name, -1), null)
        : new(_first, _second, name);

    /// <summary>The element at <paramref name="index"/> of the list that this names.</summary>
    public FieldPath At(int index) =>
        _second.Name is null ? new((_first.Name, index), default, null) : new(_first, (_second.Name, index), null);

    /// <summary>False for <see cref="Root"/>, which is no field.</summary>
    public bool IsField => _first.Name is not null;

    public override string ToString()
    {
        var text = new StringBuilder();
        Append(text, _first.Name, _first.Index);
        Append(text, _second.Name, _second.Index);
        Append(text, _third, -1);
        return text.ToString();
    }

    static void Append(StringBuilder text, string? name, int index)
    {
        if (name is null)
            return;
        if (text.Length > 0)
            text.Append('.');
        text.Append(name, 0, Math.Min(name.Length, MaxNameLength));
        if (index >= 0)
            text.Append(CultureInfo.InvariantCulture, $".{index}");
    }
}
