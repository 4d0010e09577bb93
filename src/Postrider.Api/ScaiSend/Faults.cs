namespace Postrider.Api.ScaiSend;

/// <param name="Message">What is wrong, to be read by a person.</param>
/// <param name="Field">Dotted path of the field at fault; null when it is not one field.</param>
readonly record struct Fault(string Message, string? Field = null);

/// <summary>Everything found wrong with one request, up to a number that helps.</summary>
sealed class Faults
{
    /// <summary>A guess: nobody reads more.</summary>
    public const int Most = 50;

    readonly List<Fault> _found = [];

    public IReadOnlyList<Fault> Found => _found;

    public bool Any => _found.Count > 0;

    /// <summary>Whoever loops over outside data stops then.</summary>
    public bool Full => _found.Count >= Most;

    public void Add(FieldPath field, string message)
    {
        if (!Full)
            _found.Add(new Fault(message, field.IsField ? field.ToString() : null));
    }
}
