using System.Collections.Concurrent;
using System.Net;
using Postrider.Mail.Dns;

namespace Postrider.Engine.Tests.Rig;

/// <summary>A DNS in which every domain has one MX host, mx.&lt;domain&gt;, with one address of its own, unless told otherwise.</summary>
sealed class Zone : IResolver
{
    readonly ConcurrentDictionary<(string Name, Type Type), object> _told = new();
    readonly ConcurrentDictionary<string, IPAddress> _addresses = new();
    int _last;

    /// <summary>Waited for before a name of MX records is answered, which then is never known at once.</summary>
    public Func<string, Task?> Gate { get; set; } = _ => null;

    public void Tell<T>(string name, DnsAnswer<T> answer) => _told[(name, typeof(T))] = answer;

    public void TellMx(string domain, string host) =>
        Tell(domain, new DnsAnswer<MxData>.Found([new MxData(10, Name(host))], TimeSpan.FromMinutes(5)));

    public IPAddress AddressOf(string host) => _addresses.GetOrAdd(host, _ =>
    {
        var number = Interlocked.Increment(ref _last);
        return new IPAddress([10, 0, (byte)(number >> 8), (byte)number]);
    });

    public string DomainAt(IPAddress address) => _addresses.First(entry => entry.Value.Equals(address)).Key["mx.".Length..];

    public ValueTask<DnsAnswer<T>> QueryAsync<T>(DnsName name, CancellationToken cancel) where T : class, IDnsData<T>
    {
        var text = name.ToString().TrimEnd('.');
        if (typeof(T) == typeof(MxData) && Gate(text) is { } gate)
            return new(AnswerLaterAsync<T>(gate, text, cancel));
        return new(Answer<T>(text));
    }

    async Task<DnsAnswer<T>> AnswerLaterAsync<T>(Task gate, string name, CancellationToken cancel) where T : class, IDnsData<T>
    {
        await gate.WaitAsync(cancel);
        return Answer<T>(name);
    }

    DnsAnswer<T> Answer<T>(string name) where T : class, IDnsData<T>
    {
        return (DnsAnswer<T>)_told.GetOrAdd((name, typeof(T)), _ => Make());

        DnsAnswer<T> Make()
        {
            if (typeof(T) == typeof(MxData))
                return Found((T)(object)new MxData(10, Name($"mx.{name}")));
            if (typeof(T) == typeof(AData))
                return Found((T)(object)new AData(AddressOf(name)));
            return DnsAnswer<T>.NoData.Instance;
        }

        static DnsAnswer<T> Found(T record) => new DnsAnswer<T>.Found([record], TimeSpan.FromMinutes(5));
    }

    static DnsName Name(string text) => DnsName.TryParse(text, out var name) ? name : throw new ArgumentException(text, nameof(text));
}
