using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>
/// Reads a message into its tree of parts (RFC 2046 §5.1). Any octets give a message; lines are looked at once, without recursion.
/// </summary>
public sealed class MimeReader
{
    readonly ReadOnlyMemory<byte> _message;
    readonly MimeLimits _limits;
    readonly Stack<Multipart> _open = new();    // innermost on top
    State _state = State.Header;
    MimeEntity? _leaf;
    MimeEntity? _root;
    int _start;     // of the header section or the leaf being read
    int _parts;
    bool _isComplete = true;

    MimeReader(ReadOnlyMemory<byte> message, MimeLimits limits) => (_message, _limits) = (message, limits);

    enum State
    {
        Header,
        Body,

        /// <summary>Before the first part, or after the last one.</summary>
        Outside,
    }

    public static ParsedMessage Read(ReadOnlyMemory<byte> message, MimeLimits? limits = null) =>
        new MimeReader(message, limits ?? MimeLimits.Default).ReadMessage();

    ParsedMessage ReadMessage()
    {
        var octets = _message.Span;
        for (var at = 0; at < octets.Length;)
        {
            var lineFeed = octets[at..].IndexOf((byte)'\n');
            var next = lineFeed < 0 ? octets.Length : at + lineFeed + 1;
            var line = octets[at..next].TrimEnd("\r\n"u8);
            if (line.StartsWith("--"u8) && FindOpen(line[2..], out var isClose) is { } multipart)
            {
                if (!TakeDelimiter(multipart, isClose, at, next))
                    break;
            }
            else if (_state == State.Header && (line.IsEmpty || next - _start > _limits.MaxHeaderOctets))
            {
                _isComplete &= line.IsEmpty;
                EndHeader(at, next);
            }
            at = next;
        }

        if (_state == State.Header)
            EndHeader(octets.Length, octets.Length);
        EndLeaf(octets.Length);
        while (_open.Count > 0)
            EndMultipart(octets.Length);
        return new ParsedMessage(_root!, _isComplete);
    }

    /// <summary>The innermost multipart whose delimiter this is: an outer one ends those inside it that were not closed.</summary>
    Multipart? FindOpen(ReadOnlySpan<byte> afterDashes, out bool isClose)
    {
        isClose = false;
        foreach (var multipart in _open)
        {
            if (!afterDashes.StartsWith(multipart.Boundary))
                continue;
            var rest = afterDashes[multipart.Boundary.Length..];
            isClose = rest.StartsWith("--"u8);
            if (isClose || rest.Trim(" \t"u8).IsEmpty)
                return multipart;
        }
        return null;
    }

    /// <returns>False when there are too many parts to go on.</returns>
    bool TakeDelimiter(Multipart multipart, bool isClose, int lineStart, int next)
    {
        var end = EndBeforeDelimiter(lineStart);
        if (_state == State.Header)
            EndHeader(end, end);
        EndLeaf(end);
        while (_open.Peek() != multipart)
            EndMultipart(end);

        if (isClose)
        {
            EndMultipart(next);
            _state = State.Outside;
            return true;
        }
        if (++_parts > _limits.MaxParts)
        {
            (_isComplete, _state) = (false, State.Outside);
            return false;
        }
        (_state, _start) = (State.Header, next);
        return true;
    }

    /// <summary>
    /// The line end before a delimiter is part of it (RFC 2046 §5.1.1), unless it also ends the line before the part's content.
    /// </summary>
    int EndBeforeDelimiter(int lineStart)
    {
        var before = _message.Span[..lineStart];
        var end = before.EndsWith("\r\n"u8) ? lineStart - 2 : before is [.., (byte)'\n'] ? lineStart - 1 : lineStart;
        return Math.Max(end, _start);
    }

    void EndHeader(int end, int bodyStart)
    {
        var fields = HeaderSectionReader.Read(_message.Span[_start..Math.Max(end, _start)], _limits, out var isComplete);
        _isComplete &= isComplete;
        var entity = new MimeEntity(fields);
        _root ??= entity;
        if (_open.TryPeek(out var parent))
            parent.Entity.Add(entity);

        _start = bodyStart;
        if (entity.MediaType.IsMultipart && entity.MediaType.Parameters["boundary"] is { Length: > 0 and <= 200 } boundary)
        {
            if (_open.Count < _limits.MaxDepth)
            {
                _open.Push(new Multipart(entity, Encoding.UTF8.GetBytes(boundary), bodyStart));
                _state = State.Outside;
                return;
            }
            _isComplete = false;
        }
        (_leaf, _state) = (entity, State.Body);
    }

    void EndLeaf(int end)
    {
        if (_leaf is not null)
            _leaf.RawBody = _message[_start..Math.Max(end, _start)];
        _leaf = null;
    }

    void EndMultipart(int end)
    {
        var multipart = _open.Pop();
        multipart.Entity.RawBody = _message[multipart.Start..Math.Max(end, multipart.Start)];
    }

    sealed record Multipart(MimeEntity Entity, byte[] Boundary, int Start);
}
