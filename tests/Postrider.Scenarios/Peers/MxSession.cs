using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Text;

namespace Postrider.Scenarios.Peers;

/// <summary>One session of a <see cref="ScriptedMx"/>.</summary>
sealed class MxSession(ScriptedMx mx, Stream stream) : IAsyncDisposable
{
    const int FirstPartOctets = 64;

    static readonly StreamPipeReaderOptions LeftOpen = new(leaveOpen: true);

    Stream _stream = stream;
    PipeReader _input = PipeReader.Create(stream, LeftOpen);
    string? _from;
    List<string> _to = [];
    bool _tls;

    public async Task RunAsync(CancellationToken cancel)
    {
        if (!await AnswerAsync(MxStage.Greeting, ["220 mx.test ESMTP"], cancel))
            return;
        while (await ReadUntilAsync("\r\n", cancel) is { } line)
        {
            if (!await ObeyAsync(line, cancel))
                return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _input.CompleteAsync();
        await _stream.DisposeAsync();
    }

    /// <returns>False at the session's end.</returns>
    async Task<bool> ObeyAsync(string line, CancellationToken cancel)
    {
        switch (line.Split(' ', ':')[0].ToUpperInvariant())
        {
            case "EHLO":
                return await AnswerAsync(MxStage.Ehlo, Introduction(), cancel);
            case "HELO":
                return await AnswerAsync(MxStage.Ehlo, ["250 mx.test"], cancel);
            case "STARTTLS":
                return await StartTlsAsync(cancel);
            case "MAIL":
                return await BeginAsync(PathIn(line), cancel);
            case "RCPT":
                return await TakeRecipientAsync(PathIn(line), cancel);
            case "DATA":
                return await TakeContentAsync(cancel);
            case "RSET":
                (_from, _to) = (null, []);
                return await SayAsync(["250 2.0.0 reset"], cancel);
            case "QUIT":
                await SayAsync(["221 2.0.0 bye"], cancel);
                return false;
            default:
                return await SayAsync(["500 5.5.1 what?"], cancel);
        }
    }

    string[] Introduction()
    {
        string[] tls = mx.Certificate is not null && !_tls ? ["STARTTLS"] : [];
        string[] lines = ["mx.test", .. mx.Script.Capabilities, .. tls];
        return [.. lines.Select((line, i) => $"250{(i == lines.Length - 1 ? ' ' : '-')}{line}")];
    }

    async Task<bool> StartTlsAsync(CancellationToken cancel)
    {
        if (!await AnswerAsync(MxStage.StartTls, ["220 2.0.0 go ahead"], cancel))
            return false;
        if (mx.Certificate is null)
            return true;        // what the peer says next is no TLS to us
        await _input.CompleteAsync();
        var tls = new SslStream(_stream);
        _stream = tls;
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = mx.Certificate }, cancel);
        (_input, _tls) = (PipeReader.Create(tls, LeftOpen), true);
        return true;
    }

    async Task<bool> BeginAsync(string from, CancellationToken cancel)
    {
        var step = mx.Script.Next(MxStage.Mail);
        (_from, _to) = (IsPositive(step) ? from : null, []);
        return await DoAsync(step, ["250 2.1.0 sender ok"], cancel);
    }

    async Task<bool> TakeRecipientAsync(string address, CancellationToken cancel)
    {
        if (_from is null)
            return await SayAsync(["503 5.5.1 no sender"], cancel);
        var step = mx.Script.Next(MxStage.Rcpt, address.Split('@')[0]);
        if (IsPositive(step))
            _to.Add(address);
        return await DoAsync(step, ["250 2.1.5 recipient ok"], cancel);
    }

    async Task<bool> TakeContentAsync(CancellationToken cancel)
    {
        if (_to.Count == 0)
            return await SayAsync(["503 5.5.1 no recipients"], cancel);
        var data = mx.Script.Next(MxStage.Data);
        if (!await DoAsync(data, ["354 go on"], cancel))
            return false;
        if (data is not null and not MxStep.Says { Lines: [['3', ..], ..] })
            return true;
        if (mx.Script.Next(MxStage.Content) is { } step)
        {
            await ReadOctetsAsync(FirstPartOctets, cancel);
            return await DoAsync(step, [], cancel);
        }

        if (await ReadUntilAsync("\r\n.\r\n", cancel) is not { } content)
            return false;
        var end = mx.Script.Next(MxStage.EndOfData);
        mx.Note(new MxMail(_from!, _to, mx.KeepsContent ? Unstuffed(content) : "", IsPositive(end), _tls));
        _from = null;
        return await DoAsync(end, ["250 2.0.0 taken"], cancel);
    }

    Task<bool> AnswerAsync(MxStage stage, string[] otherwise, CancellationToken cancel) =>
        DoAsync(mx.Script.Next(stage), otherwise, cancel);

    /// <returns>False when the session is over.</returns>
    async Task<bool> DoAsync(MxStep? step, string[] otherwise, CancellationToken cancel)
    {
        switch (step)
        {
            case null:
                return await SayAsync(otherwise, cancel);
            case MxStep.Says says:
                return await SayAsync(says.Lines, cancel);
            case MxStep.Writes writes:
                await _stream.WriteAsync(Encoding.Latin1.GetBytes(writes.Octets), cancel);
                return true;
            case MxStep.SaysAndCloses last:
                await SayAsync([last.Line], cancel);
                return false;
            case MxStep.Waits:
                await mx.UntilReleasedAsync(cancel);
                return await SayAsync(otherwise, cancel);
            case MxStep.Stalls { Reading: false }:
                await mx.UntilReleasedAsync(cancel);
                return false;
            case MxStep.Stalls:
                while (await ReadOctetsAsync(1, cancel))
                {
                    // what the peer still says is not answered
                }
                return false;
            default:
                return false;
        }
    }

    async Task<bool> SayAsync(string[] lines, CancellationToken cancel)
    {
        await _stream.WriteAsync(Encoding.Latin1.GetBytes(string.Concat(lines.Select(line => line + "\r\n"))), cancel);
        return true;
    }

    /// <returns>Null when the peer has closed.</returns>
    async Task<string?> ReadUntilAsync(string end, CancellationToken cancel)
    {
        var delimiter = Encoding.ASCII.GetBytes(end);
        for (long searched = 0; ;)
        {
            var read = await _input.ReadAsync(cancel);
            if (Find(read.Buffer, searched, delimiter) is { } found)
            {
                var text = Encoding.Latin1.GetString(read.Buffer.Slice(0, found));
                _input.AdvanceTo(read.Buffer.GetPosition(delimiter.Length, found));
                return text;
            }
            searched = Math.Max(0, read.Buffer.Length - delimiter.Length + 1);
            _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
                return null;
        }
    }

    static SequencePosition? Find(ReadOnlySequence<byte> buffer, long from, byte[] delimiter)
    {
        var reader = new SequenceReader<byte>(buffer.Slice(from));
        return reader.TryReadTo(out ReadOnlySequence<byte> before, delimiter, advancePastDelimiter: false) ? before.End : null;
    }

    async Task<bool> ReadOctetsAsync(int count, CancellationToken cancel)
    {
        var read = await _input.ReadAtLeastAsync(count, cancel);
        _input.AdvanceTo(read.Buffer.End);
        return !read.IsCompleted;
    }

    static bool IsPositive(MxStep? step) => step is null or MxStep.Waits or MxStep.Says { Lines: [['2', ..], ..] };

    static string PathIn(string line)
    {
        var start = line.IndexOf('<', StringComparison.Ordinal) + 1;
        return line[start..line.IndexOf('>', start)];
    }

    static string Unstuffed(string content) => ("\r\n" + content + "\r\n").Replace("\r\n..", "\r\n.", StringComparison.Ordinal)[2..];
}
