using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Postrider.Mail.Addresses;

/// <summary>A cursor over the text of an address list. Each method takes what it names; after false the text is given up.</summary>
ref struct AddressCursor(ReadOnlySpan<char> text, int maxNameLength)
{
    /// <summary>What ends an atom: RFC 5322 §3.2.3's specials without the dot, and white space.</summary>
    static readonly SearchValues<char> AtomEnd = SearchValues.Create("()<>[]:;@\\,\" \t\r\n");

    readonly ReadOnlySpan<char> _text = text;
    readonly int _maxNameLength = maxNameLength;
    int _at;

    public readonly bool AtEnd => _at == _text.Length;

    public readonly bool IsAt(char c) => _at < _text.Length && _text[_at] == c;

    public bool TryTake(char c)
    {
        if (!IsAt(c))
            return false;
        _at++;
        return true;
    }

    /// <summary>RFC 5322 §3.2.2: white space, folds, and comments, which nest. False when a comment does not end.</summary>
    public bool TrySkipCfws()
    {
        var depth = 0;
        for (; _at < _text.Length; _at++)
        {
            switch (_text[_at])
            {
                case ' ' or '\t' or '\r' or '\n':
                    break;
                case '(':
                    depth++;
                    break;
                case ')' when depth > 0:
                    depth--;
                    break;
                case '\\' when depth > 0:
                    _at++;
                    break;
                default:
                    if (depth == 0)
                        return true;
                    break;
            }
        }
        _at = _text.Length;     // an escape at the very end may have stepped over it
        return depth == 0;
    }

    /// <summary>
    /// <c>mailbox = name-addr / addr-spec</c>, or a group's <c>display-name ":"</c>, for which <paramref name="mailbox"/> is null.
    /// </summary>
    public bool TryMailboxOrGroupName(out NamedMailbox? mailbox)
    {
        mailbox = null;
        if (!TryWords(out var phrase, out var localPart))
            return false;
        if (TryTake('<'))
            return TryAngleAddress(out var angle) && TrySkipCfws() && NamedMailbox.TryCreate(phrase, angle, _maxNameLength, out mailbox);
        if (TryTake(':'))
            return phrase.Length > 0;
        if (!TryDomainAfter(localPart, out var address))
            return false;
        mailbox = new NamedMailbox(address);
        return true;
    }

    /// <summary><c>angle-addr = "&lt;" [obs-route] addr-spec "&gt;"</c>, its first bracket taken already.</summary>
    bool TryAngleAddress([NotNullWhen(true)] out Mailbox? address)
    {
        address = null;
        return TrySkipCfws() && TrySkipRoute() && TryWords(out _, out var localPart) && TryDomainAfter(localPart, out address)
            && TryTake('>');
    }

    /// <summary>RFC 5322 §4.4: <c>obs-route = "@" domain *("," "@" domain) ":"</c>.</summary>
    bool TrySkipRoute()
    {
        if (!IsAt('@'))
            return true;
        var end = _text[_at..].IndexOfAny(':', '>');
        if (end < 0 || _text[_at + end] != ':')
            return false;
        _at += end + 1;
        return TrySkipCfws();
    }

    bool TryDomainAfter(string? localPart, [NotNullWhen(true)] out Mailbox? address)
    {
        address = null;
        return localPart is not null && TryTake('@') && TryWords(out _, out var domain) && domain is not null
            && Mailbox.TryParse($"{localPart}@{domain}", out address);
    }

    /// <summary>Atoms and quoted-strings up to the next special, read both ways they can be meant.</summary>
    /// <param name="phrase">The words parted by single spaces, unquoted: a display name.</param>
    /// <param name="joined">The words put together as they stand: a local-part or a domain. Null when space parts them elsewhere than at a
    /// dot.</param>
    bool TryWords(out string phrase, out string? joined)
    {
        var (names, address) = (new StringBuilder(), new StringBuilder());
        var (isJoined, spaced, dotted) = (true, false, true);
        while (true)
        {
            var before = _at;
            if (!TrySkipCfws())
            {
                (phrase, joined) = ("", null);
                return false;
            }
            spaced |= _at > before;
            if (AtEnd || (!IsAt('"') && AtomEnd.Contains(_text[_at])))
                break;

            var start = _at;
            if (spaced && names.Length > 0)
                names.Append(' ');
            if (!(IsAt('"') ? TryQuotedString(names) : TryAtom(names)))
            {
                (phrase, joined) = ("", null);
                return false;
            }
            var word = _text[start.._at];
            isJoined &= address.Length == 0 || !spaced || dotted || word[0] == '.';
            dotted = word[^1] == '.';
            address.Append(word);
            spaced = false;
        }
        (phrase, joined) = (names.ToString(), isJoined && address.Length > 0 ? address.ToString() : null);
        return true;
    }

    bool TryAtom(StringBuilder word)
    {
        var length = _text[_at..].IndexOfAny(AtomEnd);
        var atom = length < 0 ? _text[_at..] : _text.Slice(_at, length);
        word.Append(atom);
        _at += atom.Length;
        return atom.Length > 0;
    }

    /// <summary>RFC 5322 §3.2.4. A fold inside is unfolded.</summary>
    bool TryQuotedString(StringBuilder word)
    {
        for (_at++; _at < _text.Length; _at++)
        {
            switch (_text[_at])
            {
                case '"':
                    _at++;
                    return true;
                case '\r' or '\n':
                    continue;
                case '\\' when ++_at == _text.Length:
                    return false;
            }
            word.Append(_text[_at]);
        }
        return false;
    }
}
