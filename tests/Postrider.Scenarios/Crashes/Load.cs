using System.Collections.Concurrent;
using System.Globalization;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>Clients that post message after message, each to a recipient of its own, whatever becomes of the server.</summary>
sealed class Load : IAsyncDisposable
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<string, string> _acknowledged = new(StringComparer.Ordinal);
    readonly ConcurrentBag<string> _unanswered = [];
    readonly ConcurrentBag<string> _refused = [];
    readonly Task[] _clients;
    int _posted;

    public Load(PostriderServer server, int clients) => _clients = [.. Enumerable.Range(0, clients).Select(_ => PostAsync(server))];

    /// <summary>Recipient to message id: answered with 202.</summary>
    public IReadOnlyDictionary<string, string> Acknowledged => _acknowledged;

    /// <summary>Recipients of requests that got no answer: they may be stored or not.</summary>
    public IReadOnlyCollection<string> Unanswered => _unanswered;

    /// <summary>Answers other than 202.</summary>
    public IReadOnlyCollection<string> Refused => _refused;

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

    async Task PostAsync(PostriderServer server)
    {
        while (!_stop.IsCancellationRequested)
        {
            var recipient = string.Create(CultureInfo.InvariantCulture, $"r{Interlocked.Increment(ref _posted)}@peer.test");
            try
            {
                var answer = await server.Api.PostAsync("/v3/mail/send", Letter.To(recipient));
                if (answer.Status == 202)
                    _acknowledged[recipient] = answer.Text("message_id");
                else
                    _refused.Add(answer.ToString());
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                _unanswered.Add(recipient);
            }
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
        }
    }
}
