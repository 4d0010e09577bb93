using System.Collections.Frozen;
using static Postrider.Mail.Smtp.Server.SmtpState;
using static Postrider.Mail.Smtp.Server.SmtpVerb;

namespace Postrider.Mail.Smtp.Server;

enum SmtpState
{
    /// <summary>Nobody has introduced themselves, or not since TLS began.</summary>
    Greeted,
    Ready,
    HasSender,
    HasRecipients,
    Ended,
}

/// <summary>Which command may come when (RFC 5321 §4.1.4), and what state it leaves when it is accepted.</summary>
static class SmtpSequence
{
    static readonly FrozenDictionary<(SmtpState, SmtpVerb), SmtpState> Table = new (SmtpState From, SmtpVerb On, SmtpState To)[]
    {
        (Greeted, Hello, Ready),
        (Ready, Hello, Ready),
        (HasSender, Hello, Ready),              // EHLO again is a RSET (RFC 5321 §4.1.4)
        (HasRecipients, Hello, Ready),

        (Ready, SmtpVerb.Mail, HasSender),
        (HasSender, Rcpt, HasRecipients),
        (HasRecipients, Rcpt, HasRecipients),
        (HasRecipients, Data, Ready),

        (Greeted, Rset, Greeted),
        (Ready, Rset, Ready),
        (HasSender, Rset, Ready),
        (HasRecipients, Rset, Ready),

        (Ready, StartTls, Greeted),             // who the peer was, and what it was told, is forgotten (RFC 3207 §4.2)

        (Greeted, Noop, Greeted), (Ready, Noop, Ready), (HasSender, Noop, HasSender), (HasRecipients, Noop, HasRecipients),
        (Greeted, Help, Greeted), (Ready, Help, Ready), (HasSender, Help, HasSender), (HasRecipients, Help, HasRecipients),
        (Greeted, Vrfy, Greeted), (Ready, Vrfy, Ready), (HasSender, Vrfy, HasSender), (HasRecipients, Vrfy, HasRecipients),
        (Greeted, Quit, Ended), (Ready, Quit, Ended), (HasSender, Quit, Ended), (HasRecipients, Quit, Ended),
    }.ToFrozenDictionary(row => (row.From, row.On), row => row.To);

    /// <returns>False for 503: the command is known, but not now.</returns>
    public static bool Allows(SmtpState state, SmtpVerb verb, out SmtpState next) => Table.TryGetValue((state, verb), out next);
}
