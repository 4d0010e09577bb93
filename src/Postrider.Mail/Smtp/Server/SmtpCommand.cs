using Postrider.Mail.Addresses;

namespace Postrider.Mail.Smtp.Server;

/// <summary>A command that means something, in whatever state it comes.</summary>
abstract record SmtpCommand
{
    SmtpCommand() { }

    public abstract SmtpVerb Verb { get; }

    public sealed record Hello(string Name, bool Extended) : SmtpCommand
    {
        public override SmtpVerb Verb => SmtpVerb.Hello;
    }

    public sealed record Mail(ReversePath From, long? Octets, bool Is8Bit, bool SmtpUtf8) : SmtpCommand
    {
        public override SmtpVerb Verb => SmtpVerb.Mail;
    }

    /// <param name="To">Null for a bare postmaster.</param>
    public sealed record Rcpt(Mailbox? To) : SmtpCommand
    {
        public override SmtpVerb Verb => SmtpVerb.Rcpt;
    }

    /// <summary>DATA, RSET and the others that say all with their verb.</summary>
    public sealed record Plain(SmtpVerb What) : SmtpCommand
    {
        public override SmtpVerb Verb => What;
    }

    /// <summary>No command, or one that we do not understand.</summary>
    public sealed record Bad(SmtpReply Reply) : SmtpCommand
    {
        public override SmtpVerb Verb => SmtpVerb.None;
    }
}

enum SmtpVerb { None, Hello, Mail, Rcpt, Data, Rset, Noop, Vrfy, Help, StartTls, Quit }
