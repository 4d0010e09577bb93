using System.Net;
using Postrider.Mail.Dns;

namespace Postrider.Mail.Tests.Dns;

/// <summary>Answers from a table; what is not in it does not exist, unless its name does.</summary>
sealed class FakeResolver : IResolver
{
    readonly Dictionary<DnsQuestion, object> _answers = [];

    /// <summary>What was asked, in order.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>When set, each answer waits for it.</summary>
    public Task? Gate { get; set; }

    public FakeResolver Mx(string name, params (int Preference, string Host)[] hosts) =>
        Add(name, [.. hosts.Select(host => new MxData(host.Preference, Names.Name(host.Host)))]);

    public FakeResolver Addresses(string name, params string[] addresses)
    {
        var parsed = addresses.Select(IPAddress.Parse).ToList();
        Add<AData>(name, [.. parsed.Where(address => address.GetAddressBytes().Length == 4).Select(address => new AData(address))]);
        var v6 = parsed.Where(address => address.GetAddressBytes().Length == 16);
        return Add<AaaaData>(name, [.. v6.Select(address => new AaaaData(address))]);
    }

    /// <summary>Exists, with no records of any type that is not added.</summary>
    public FakeResolver Empty(string name) => Add<AData>(name);

    public FakeResolver Failing<T>(string name)
    {
        _answers[new DnsQuestion(Names.Name(name), TypeOf<T>())] = new DnsAnswer<T>.TemporaryFailure($"{name} fails");
        return this;
    }

    public async ValueTask<DnsAnswer<T>> QueryAsync<T>(DnsName name, CancellationToken cancel) where T : class, IDnsData<T>
    {
        cancel.ThrowIfCancellationRequested();
        lock (Asked) Asked.Add(new DnsQuestion(name, T.Type).ToString());
        if (Gate is { } gate)
            await gate.WaitAsync(cancel);
        if (_answers.TryGetValue(new DnsQuestion(name, T.Type), out var answer))
            return (DnsAnswer<T>)answer;
        var exists = _answers.Keys.Any(question => question.Name.Equals(name));
        return exists ? DnsAnswer<T>.NoData.Instance : DnsAnswer<T>.NoSuchDomain.Instance;
    }

    FakeResolver Add<T>(string name, params T[] data) where T : class, IDnsData<T>
    {
        _answers[new DnsQuestion(Names.Name(name), T.Type)] =
            data.Length == 0 ? DnsAnswer<T>.NoData.Instance : new DnsAnswer<T>.Found(data, TimeSpan.FromMinutes(5));
        return this;
    }

    static DnsType TypeOf<T>() =>
        typeof(T) == typeof(MxData) ? DnsType.MX : typeof(T) == typeof(AData) ? DnsType.A : DnsType.Aaaa;
}
