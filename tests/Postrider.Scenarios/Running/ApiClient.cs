using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Postrider.Scenarios.Running;

/// <summary>The server's API with one key.</summary>
sealed class ApiClient(HttpClient http, string key)
{
    public Task<ApiAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public Task<ApiAnswer> PostAsync(string path, JsonNode? body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body?.ToJsonString(), headers);

    public Task<ApiAnswer> PostTextAsync(string path, string body) => SendAsync(HttpMethod.Post, path, body);

    public Task<ApiAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    public async Task<Message> MessageAsync(string id)
    {
        var answer = await GetAsync($"/v3/messages/{id}");
        Assert.True(answer.Status == 200, answer.ToString());
        return new Message(answer.Body);
    }

    async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? body, params (string Name, string Value)[] headers)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await http.SendAsync(request, cancel);
        var text = await response.Content.ReadAsStringAsync(cancel);
        var json = text.StartsWith('{') ? JsonDocument.Parse(text).RootElement : default;
        return new ApiAnswer((int)response.StatusCode, json, response.Headers, text);
    }
}

/// <param name="Body">Undefined when the answer was not a JSON object.</param>
sealed record ApiAnswer(int Status, JsonElement Body, HttpResponseHeaders Headers, string Raw)
{
    public string Text(string property) => Body.GetProperty(property).GetString()!;

    public string[] Texts(string property) => [.. Body.GetProperty(property).EnumerateArray().Select(one => one.GetString()!)];

    public override string ToString() => $"{Status} {Raw}";
}
