namespace Postrider.Mail.Smtp.Server;

/// <summary>What the server says of itself; codes of RFC 5321 §4.2.3, enhanced codes of RFC 3463 §3 and RFC 5248.</summary>
static class SmtpReplies
{
    public static readonly SmtpReply Ok = new(250, "2.0.0 Ok");
    public static readonly SmtpReply SenderOk = new(250, "2.1.0 Ok");
    public static readonly SmtpReply RecipientOk = new(250, "2.1.5 Ok");
    public static readonly SmtpReply StartData = new(354, "End data with <CR><LF>.<CR><LF>");
    public static readonly SmtpReply ReadyForTls = new(220, "2.0.0 Ready to start TLS");
    public static readonly SmtpReply Bye = new(221, "2.0.0 Bye");
    public static readonly SmtpReply CannotVerify = new(252, "2.5.2 Cannot verify; send some mail, I'll try");
    public static readonly SmtpReply Help = new(214, "2.0.0 RFC 5321");

    public static readonly SmtpReply TimedOut = new(421, "4.4.2 Timed out, closing");
    public static readonly SmtpReply TooManySessions = new(421, "4.7.0 Too many connections, try again");
    public static readonly SmtpReply ShuttingDown = new(421, "4.3.2 Shutting down, try again");
    public static readonly SmtpReply TooManyErrors = new(421, "4.7.0 Too many errors, closing");
    public static readonly SmtpReply TooManyCommands = new(421, "4.7.0 Too many commands without a message, closing");
    public static readonly SmtpReply TextBeforeTls = new(421, "4.7.0 Commands in clear behind STARTTLS, closing");
    public static readonly SmtpReply LocalError = new(421, "4.3.0 Local error, closing; try again");
    public static readonly SmtpReply TooManyRecipients = new(452, "4.5.3 Too many recipients");
    public static readonly SmtpReply TlsUnavailable = new(454, "4.7.0 TLS is not available");

    public static readonly SmtpReply UnknownCommand = new(500, "5.5.2 Unknown command");
    public static readonly SmtpReply LineTooLong = new(500, "5.5.6 Line too long");
    public static readonly SmtpReply BareLineEnd = new(500, "5.5.2 A line ends in CRLF only");
    public static readonly SmtpReply BadArgument = new(501, "5.5.4 Syntax error in argument");
    public static readonly SmtpReply BadSenderSyntax = new(501, "5.1.7 Bad sender address syntax");
    public static readonly SmtpReply BadRecipientSyntax = new(501, "5.1.3 Bad recipient address syntax");
    public static readonly SmtpReply NotImplemented = new(502, "5.5.1 Not implemented");
    public static readonly SmtpReply BadSequence = new(503, "5.5.1 Bad sequence of commands");
    public static readonly SmtpReply NeedsSmtpUtf8 = new(553, "5.6.7 The address needs SMTPUTF8");
    public static readonly SmtpReply UnknownParameter = new(555, "5.5.4 Unsupported parameter");
    public static readonly SmtpReply BareLineEndInMessage = new(550, "5.6.0 Bare CR or LF in message; a line ends in CRLF only");
    public static readonly SmtpReply MessageTooBig = new(552, "5.3.4 Message too big");
}
