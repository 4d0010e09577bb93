using System.Net;

namespace Postrider.Mail.Smtp.Server;

/// <summary>The sessions of this moment, in all and by address; holds nothing of who has none.</summary>
/// <param name="limit">Null for any number.</param>
sealed class SessionCount(int? limit, int? perAddress)
{
    readonly Lock _lock = new();
    readonly Dictionary<IPAddress, int> _byAddress = [];
    int _all;

    /// <returns>False when there are too many; else <see cref="Leave"/> is owed.</returns>
    public bool TryEnter(IPAddress? address)
    {
        lock (_lock)
        {
            var ofAddress = address is null ? 0 : _byAddress.GetValueOrDefault(address);
            if (_all >= limit || ofAddress >= perAddress)
                return false;
            _all++;
            if (address is not null)
                _byAddress[address] = ofAddress + 1;
            return true;
        }
    }

    public void Leave(IPAddress? address)
    {
        lock (_lock)
        {
            _all--;
            if (address is null)
                return;
            if (--_byAddress[address] == 0)
                _byAddress.Remove(address);
        }
    }
}
