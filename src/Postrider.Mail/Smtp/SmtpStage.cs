namespace Postrider.Mail.Smtp;

/// <summary>How far a conversation had come when something was said, or nothing was.</summary>
public enum SmtpStage
{
    Connect,
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    TlsHandshake,
    Reset,
    MailFrom,
    RcptTo,

    /// <summary>The DATA command, up to its 354.</summary>
    Data,

    /// <summary>While the message was being sent: its final dot was not, so the peer cannot have taken it.</summary>
    Content,

    /// <summary>After the final dot. Silence here may mean delivered (RFC 5321 §4.5.3.2.6, RFC 1047).</summary>
    EndOfData,
    Quit,
}
