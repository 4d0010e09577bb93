using System.Collections.Concurrent;
using System.Globalization;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>
/// Clients that post message after message, each to a recipient of its own, to server after server, whatever becomes of those.
/// </summary>
sealed class Load : IAsyncDisposable
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<string, string> _acknowledged = new(StringComparer.Ordinal);
    readonly ConcurrentBag<string> _unanswered = [];
    readonly ConcurrentDictionary<string, ApiAnswer> _refused = new(StringComparer.Ordinal);
    readonly Task[] _clients;
    int _posted;

    public Load(PostriderServer server, int clients) : this([server], clients)
    {
    }

    public Load(IReadOnlyList<PostriderServer> servers, int clients) =>
        _clients = [.. Enumerable.Range(0, clients).Select(_ => PostAsync(servers))];

    /// <summary>Recipient to message id: answered with 202.</summary>
    public IReadOnlyDictionary<string, string> Acknowledged => _acknowledged;

    /// <summary>Recipients of requests that got no answer: they may be stored or not.</summary>
    public IReadOnlyCollection<string> Unanswered => _unanswered;

    /// <summary>Recipient to an answer other than 202; after 503 the message may be stored or not.</summary>
    public IReadOnlyDictionary<string, ApiAnswer> Refused => _refused;

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    async Task PostAsync(IReadOnlyList<PostriderServer> servers)
    {
        while (!_stop.IsCancellationRequested)
        {
            var number = Interlocked.Increment(ref _posted);
            var recipient = string.Create(CultureInfo.InvariantCulture, $"r{number}@peer.test");
            try
            {
                var answer = await servers[number % servers.Count].Api.PostAsync("/v3/mail/send", Letter.To(recipient));
                if (answer.Status == 202)
                    _acknowledged[recipient] = answer.Text("message_id");
                else
                    _refused[recipient] = answer;
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                _unanswered.Add(recipient);
            }
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
        }
    }
}
