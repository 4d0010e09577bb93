namespace Postrider.Engine.Messages;

/// <summary>
/// The store cannot do its work now: disk full, read or write error, database away. A fault of our own machine, not of the request.
/// </summary>
/// <remarks>
/// A write that ends with it is not acknowledged and may be tried again; the store resumes by itself once the cause is gone.
/// </remarks>
public sealed class StoreUnavailableException : Exception
{
    public StoreUnavailableException()
    {
    }

    public StoreUnavailableException(string message) : base(message)
    {
    }

    public StoreUnavailableException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
