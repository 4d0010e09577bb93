using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>Each node is stopped with SIGTERM and started again, twice, behind a load balancer that looks at <c>/ready</c>.</summary>
[Collection(nameof(Undisturbed))]
public sealed class RollingRestart
{
    [Fact]
    public async Task Fails_no_request_and_doubles_no_message()
    {
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartAsync(2, Hasty.Settings(mx, "Http:StopDelay=1s"));
        await using var balancer = new Balancer(group.Nodes);
        await Eventually.IsTrueAsync(() => balancer.InUse == 2, "both nodes are given requests");
        var clients = Enumerable.Range(0, 4).Select(client => balancer.PostUntilStoppedAsync($"c{client}")).ToArray();

        for (var restart = 0; restart < 4; restart++)
        {
            var node = group[restart % 2];
            await node.TerminateAsync();
            var stopping = await Eventually.SeesAsync(() => node.Api.GetAsync("/ready"), ready => ready.Status == 503, "it says that it stops");
            Assert.Contains("""{"name":"stopping","ok":false""", stopping.Raw);
            var end = await node.EndAsync();
            Assert.True(end.ExitCode == 0, end.Errors);
            await node.StartAgainAsync();
            await Eventually.IsTrueAsync(() => balancer.InUse == 2, "it is given requests again");
        }
        balancer.Stop();
        await Task.WhenAll(clients);
        var books = await Books.CloseAsync(group[0], mx);

        Assert.Empty(balancer.Failed);
        Assert.True(balancer.Acknowledged.Count > 100, "There was load.");
        Assert.Equal(balancer.Acknowledged.Keys.Order(StringComparer.Ordinal), books.Stored.Keys.Order(StringComparer.Ordinal));
        Assert.All(books.Stored.Values, message => Assert.Equal("delivered", message.Status));
        Assert.All(books.Stored.Values, message => Assert.False(message.HasUncertainEvent, message.Timeline));
        Assert.Equal(books.Stored.Keys.Order(StringComparer.Ordinal), books.Arrived.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(books.ArrivedTwice);
        TestContext.Current.TestOutputHelper!.WriteLine($"{books.Stored.Count} requests, {balancer.SentElsewhere} sent to the other node");
    }

    /// <summary>
    /// What docs/operate/nodes.md asks of a load balancer: it looks at <c>/ready</c> and leaves a node out that does not say 200; a request
    /// whose connection is refused goes to the next node. It never repeats a request that a node may have seen.
    /// </summary>
    sealed class Balancer : IAsyncDisposable
    {
        static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);
        static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

        readonly IReadOnlyList<PostriderServer> _nodes;
        readonly bool[] _isReady;
        readonly CancellationTokenSource _stop = new();
        readonly Task _checking;
        int _next;
        int _sentElsewhere;

        public Balancer(IReadOnlyList<PostriderServer> nodes)
        {
            (_nodes, _isReady) = (nodes, new bool[nodes.Count]);
            _checking = Task.WhenAll(Enumerable.Range(0, nodes.Count).Select(CheckAsync));
        }

        public int InUse => _isReady.Count(isReady => isReady);

        public int SentElsewhere => _sentElsewhere;

        public ConcurrentDictionary<string, string> Acknowledged { get; } = new(StringComparer.Ordinal);

        public ConcurrentBag<string> Failed { get; } = [];

        public void Stop() => _stop.Cancel();

        public async Task PostUntilStoppedAsync(string client)
        {
            for (var i = 0; !_stop.IsCancellationRequested; i++)
            {
                var recipient = $"{client}.{i}@peer.test";
                try
                {
                    var answer = await PostAsync(Letter.To(recipient));
                    if (answer.Status == 202)
                        Acknowledged[recipient] = answer.Text("message_id");
                    else
                        Failed.Add(answer.ToString());
                }
                catch (HttpRequestException e)
                {
                    Failed.Add(e.ToString());
                }
                await Task.Delay(Pause, TimeProvider.System);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _checking;
            _stop.Dispose();
        }

        async Task<ApiAnswer> PostAsync(JsonObject letter)
        {
            for (var refusals = 0; ; refusals++)
            {
                var node = Next();
                try
                {
                    return await _nodes[node].Api.PostAsync("/v3/mail/send", letter);
                }
                catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError && refusals < _nodes.Count)
                {
                    _isReady[node] = false;
                    Interlocked.Increment(ref _sentElsewhere);
                }
            }
        }

        int Next()
        {
            for (var tries = 0; ; tries++)
            {
                var node = (Interlocked.Increment(ref _next) & int.MaxValue) % _nodes.Count;
                if (_isReady[node] || tries == _nodes.Count)
                    return node;
            }
        }

        async Task CheckAsync(int node)
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    _isReady[node] = (await _nodes[node].Api.GetAsync("/ready")).Status == 200;
                }
                catch (HttpRequestException)
                {
                    _isReady[node] = false;
                }
                await Task.Delay(CheckInterval, TimeProvider.System);
            }
        }
    }
}
