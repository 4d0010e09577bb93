using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;

namespace Postrider.Mail.Dns;

/// <summary>A stub resolver: asks recursive servers, follows CNAMEs, remembers what they said.</summary>
/// <remarks>
/// It owns its cache and the queries on their way. Whoever asks what is being asked already waits for the same query; a caller
/// that gives up leaves it to the others. What cannot be learnt is a <see cref="DnsAnswer{T}.TemporaryFailure"/> and is itself
/// remembered for a few seconds, so that a dead server costs one time-out and not one a message. A server that fails is
/// asked last from then on, until another fails. Nothing survives a restart.
/// </remarks>
public sealed class DnsResolver : IResolver, IAsyncDisposable
{
    readonly DnsResolverOptions _options;
    readonly TimeProvider _time;
    readonly Func<ushort> _nextId;
    readonly DnsCache _cache;
    readonly SemaphoreSlim _slots;
    readonly CancellationTokenSource _closing = new();
    readonly Dictionary<DnsQuestion, Task> _underWay = [];
    readonly Lock _lock = new();
    int _firstServer;

    public DnsResolver(DnsResolverOptions options, TimeProvider time) : this(options, time, UnpredictableId)
    {
    }

    /// <param name="nextId">Gives each query its id, which keeps forged answers out: it must be unpredictable (RFC 5452 §9.2).</param>
    public DnsResolver(DnsResolverOptions options, TimeProvider time, Func<ushort> nextId)
    {
        ArgumentOutOfRangeException.ThrowIfZero(options.Servers.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Attempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CacheEntries, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConcurrentQueries, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero);
        (_options, _time, _nextId) = (options, time, nextId);
        _cache = new DnsCache(options.CacheEntries, time);
        _slots = new SemaphoreSlim(options.MaxConcurrentQueries);
    }

    /// <summary>Answers held, those past their time included.</summary>
    public int CacheCount => _cache.Count;

    public ValueTask<DnsAnswer<T>> QueryAsync<T>(DnsName name, CancellationToken cancel) where T : class, IDnsData<T>
    {
        var question = new DnsQuestion(name, T.Type);
        return _cache.TryGet<DnsAnswer<T>>(question, out var answer) ? new(answer!) : new(JoinAsync<T>(question, cancel));
    }

    public async ValueTask DisposeAsync()
    {
        Task[] underWay;
        lock (_lock)
        {
            if (_closing.IsCancellationRequested)
                return;
            _closing.Cancel();
            underWay = [.. _underWay.Values];
        }
        await Task.WhenAll(underWay);
        _closing.Dispose();
        _slots.Dispose();
    }

    static ushort UnpredictableId() => (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);

    Task<DnsAnswer<T>> JoinAsync<T>(DnsQuestion question, CancellationToken cancel) where T : class, IDnsData<T>
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closing.IsCancellationRequested, this);
            // Once more: it may have been kept, and its query have left, since we looked.
            if (_cache.TryGet<DnsAnswer<T>>(question, out var answer))
                return Task.FromResult(answer!);
            if (!_underWay.TryGetValue(question, out var asking))
            {
                // No caller's cancel: others may wait for it.
                asking = Task.Run(() => AskAndKeepAsync<T>(question), CancellationToken.None);
                _underWay.Add(question, asking);
            }
            return ((Task<DnsAnswer<T>>)asking).WaitAsync(cancel);
        }
    }

    async Task<DnsAnswer<T>> AskAndKeepAsync<T>(DnsQuestion question) where T : class, IDnsData<T>
    {
        try
        {
            var (answer, ttl) = await AskAsync<T>(question.Name);
            _cache.Keep(question, answer, ttl);
            return answer;
        }
        finally
        {
            lock (_lock) _underWay.Remove(question);
        }
    }

    /// <summary>One question to its end, over as many queries as its aliases need.</summary>
    async Task<(DnsAnswer<T> Answer, TimeSpan Keep)> AskAsync<T>(DnsName name) where T : class, IDnsData<T>
    {
        var (links, chainTtl) = (0, TimeSpan.MaxValue);
        while (true)
        {
            var reply = await AskServersAsync<T>(new DnsQuestion(name, T.Type));
            if (reply is DnsReply<T>.Alias alias)
            {
                links += alias.Links;
                if (links <= DnsReplies.MaxLinks)
                {
                    (name, chainTtl) = (alias.Target, DnsReplies.Shorter(chainTtl, alias.Ttl));
                    continue;
                }
                reply = DnsReplies.TooManyLinks<T>();
            }

            return reply switch
            {
                DnsReply<T>.Records found =>
                    (new DnsAnswer<T>.Found(found.Data, DnsReplies.Shorter(chainTtl, found.Ttl)), Between(found.Ttl, _options.MaxTtl)),
                DnsReply<T>.NoData absent => (DnsAnswer<T>.NoData.Instance, Between(absent.Ttl, _options.MaxNegativeTtl)),
                DnsReply<T>.NoSuchDomain absent => (DnsAnswer<T>.NoSuchDomain.Instance, Between(absent.Ttl, _options.MaxNegativeTtl)),
                DnsReply<T>.Failed failed => (new DnsAnswer<T>.TemporaryFailure($"{name} {T.Type}: {failed.Detail}"), _options.FailureTtl),
                _ => throw new UnreachableException(),
            };
        }

        TimeSpan Between(TimeSpan ttl, TimeSpan ceiling)
        {
            ttl = DnsReplies.Shorter(DnsReplies.Shorter(ttl, chainTtl), ceiling);
            return ttl < _options.MinTtl ? _options.MinTtl : ttl;
        }
    }

    /// <summary>Every server in turn, as often as the options say, until one knows. Ends in time, as every try does.</summary>
    async Task<DnsReply<T>> AskServersAsync<T>(DnsQuestion question) where T : class, IDnsData<T>
    {
        var servers = _options.Servers;
        var first = Volatile.Read(ref _firstServer);
        DnsReply<T> reply = new DnsReply<T>.Failed("not asked");
        for (var attempt = 0; attempt < _options.Attempts * servers.Count; attempt++)
        {
            var index = (first + attempt) % servers.Count;
            reply = await AskServerAsync<T>(servers[index], question);
            if (reply is not DnsReply<T>.Failed)
            {
                Volatile.Write(ref _firstServer, index);
                return reply;
            }
            if (_closing.IsCancellationRequested)
                break;
        }
        return reply;
    }

    async Task<DnsReply<T>> AskServerAsync<T>(IPEndPoint server, DnsQuestion question) where T : class, IDnsData<T>
    {
        try
        {
            await _slots.WaitAsync(_closing.Token);
        }
        catch (OperationCanceledException)
        {
            return new DnsReply<T>.Failed("the resolver is closing");
        }

        using var timer = new CancellationTokenSource(_options.Timeout, _time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _closing.Token);
        try
        {
            var (withEdns, overTcp) = (true, false);
            while (true)
            {
                var reply = await TryAsync<T>(server, new DnsQuery(_nextId(), question, withEdns), overTcp, deadline.Token);
                switch (reply)
                {
                    case DnsReply<T>.NotUnderstood when withEdns:
                        withEdns = false;
                        break;
                    case DnsReply<T>.Truncated when !overTcp:
                        overTcp = true;
                        break;
                    case DnsReply<T>.NotUnderstood refusal:
                        return Failed($"the server answered {refusal.ResponseCode.ToString().ToUpperInvariant()}");
                    case DnsReply<T>.Truncated:
                        return Failed("truncated over TCP");
                    case DnsReply<T>.Failed failed:
                        return Failed(failed.Detail);
                    default:
                        return reply;
                }
            }
        }
        catch (OperationCanceledException)
        {
            var closing = _closing.IsCancellationRequested;
            return Failed(closing ? "the resolver is closing" : $"no answer in {_options.Timeout.TotalSeconds:0.###} s");
        }
        finally
        {
            _slots.Release();
        }

        DnsReply<T> Failed(string detail) => new DnsReply<T>.Failed($"{detail} ({server})");
    }

    static async Task<DnsReply<T>> TryAsync<T>(IPEndPoint server, DnsQuery query, bool overTcp, CancellationToken deadline)
        where T : class, IDnsData<T>
    {
        var exchange = overTcp
            ? await DnsExchange.OverTcpAsync(server, query, deadline)
            : await DnsExchange.OverUdpAsync(server, query, deadline);
        return exchange.Octets is { } octets
            ? DnsReplies.Read<T>(octets, query.Question.Name)
            : new DnsReply<T>.Failed(exchange.Failure);
    }
}
