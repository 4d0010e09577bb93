using Postrider.Engine.Bounces;
using Postrider.Mail.Smtp;

namespace Postrider.Engine.Tests.Bounces;

/// <summary>Replies as mail systems word them (addresses replaced), and what the built-in rules make of each.</summary>
public sealed class RealRepliesTests
{
    [Theory]
    // Gmail
    [InlineData(SmtpStage.RcptTo, "550-5.1.1 The email account that you tried to reach does not exist. Please try|550-5.1.1 double-checking the recipient's email address for typos or|550 5.1.1 unnecessary spaces. - gsmtp", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "550-5.2.1 The email account that you tried to reach is disabled. For more|550 5.2.1 information, go to https://support.google.com/mail/?p=DisabledUser - gsmtp", "mailbox-disabled hard")]
    [InlineData(SmtpStage.RcptTo, "550-5.2.1 The email account that you tried to reach is inactive. - gsmtp", "mailbox-disabled hard")]
    [InlineData(SmtpStage.RcptTo, "452-4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp - gsmtp", "mailbox-full retry")]
    [InlineData(SmtpStage.RcptTo, "552-5.2.2 The recipient's inbox is out of storage space and inactive. - gsmtp", "mailbox-full soft")]
    [InlineData(SmtpStage.RcptTo, "450-4.2.1 The user you are trying to contact is receiving mail at a rate that|450 4.2.1 prevents additional messages from being delivered. - gsmtp", "throttled retry")]
    [InlineData(SmtpStage.RcptTo, "550-5.2.1 The user you are trying to contact is receiving mail at a rate that|550 5.2.1 prevents additional messages from being delivered. - gsmtp", "throttled soft")]
    [InlineData(SmtpStage.EndOfData, "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from|421 4.7.28 your IP address. - gsmtp", "throttled retry-throttled")]
    [InlineData(SmtpStage.EndOfData, "550-5.7.1 [192.0.2.25] Our system has detected that this message is likely|550-5.7.1 unsolicited mail. To reduce the amount of spam sent to Gmail, this|550 5.7.1 message has been blocked. - gsmtp", "content block")]
    [InlineData(SmtpStage.EndOfData, "550-5.7.1 [192.0.2.25] Our system has detected that this message is likely suspicious due to the very low reputation of the sending IP address.", "reputation block")]
    [InlineData(SmtpStage.EndOfData, "550-5.7.26 This mail has been blocked because the sender is unauthenticated.|550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. - gsmtp", "authentication block")]
    [InlineData(SmtpStage.EndOfData, "550-5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy.", "authentication block")]
    [InlineData(SmtpStage.EndOfData, "550-5.7.25 The IP address sending this message does not have a PTR record setup", "authentication block")]
    [InlineData(SmtpStage.EndOfData, "552-5.7.0 This message was blocked because its content presents a potential security issue. - gsmtp", "content block")]
    [InlineData(SmtpStage.EndOfData, "552-5.3.4 Your message exceeded Google's message size limits.", "message-too-large soft")]
    [InlineData(SmtpStage.MailFrom, "552-5.3.4 Your message exceeded Google's message size limits.", "message-too-large soft")]
    // Outlook.com and Exchange Online
    [InlineData(SmtpStage.RcptTo, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [AM5EUR02FT012.eop-EUR02.prod.protection.outlook.com]", "no-such-mailbox hard")]
    [InlineData(SmtpStage.MailFrom, "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).", "blocklist block")]
    [InlineData(SmtpStage.MailFrom, "451 4.7.650 The mail server [192.0.2.25] has been temporarily rate limited due to IP reputation. (S775)", "throttled retry-throttled")]
    [InlineData(SmtpStage.RcptTo, "550 5.4.1 Recipient address rejected: Access denied. [DB5EUR01FT055.eop-EUR01.prod.protection.outlook.com]", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "no-such-mailbox hard")]
    [InlineData(SmtpStage.EndOfData, "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC policy of reject.", "authentication block")]
    [InlineData(SmtpStage.EndOfData, "550 5.7.515 Access denied, sending domain example.com doesn't meet the required authentication level.", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.606 Access denied, banned sending IP [192.0.2.25]. To request removal from this list please visit https://sender.office.com/", "blocklist block")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.511 Access denied, banned sender[192.0.2.25].", "policy block")]
    [InlineData(SmtpStage.EndOfData, "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded", "mailbox-full soft")]
    [InlineData(SmtpStage.EndOfData, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", "other retry")]
    [InlineData(SmtpStage.Greeting, "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel", "throttled retry-throttled")]
    [InlineData(SmtpStage.EndOfData, "550 5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized to send to recipient because the sender isn't on the recipient's allow list", "policy block")]
    // Yahoo and AOL
    [InlineData(SmtpStage.EndOfData, "554 delivery error: dd This user doesn't have a yahoo.com account (nobody@yahoo.com) [0] - mta4000.mail.bf1.yahoo.com", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "552 1 Requested mail action aborted, mailbox not found", "no-such-mailbox hard")]
    [InlineData(SmtpStage.Greeting, "421 4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes", "throttled retry-throttled")]
    [InlineData(SmtpStage.Greeting, "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.25, because the ip is in Spamhaus's list; see http://postmaster.yahoo.com/550-bl23.html", "blocklist block")]
    [InlineData(SmtpStage.EndOfData, "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes", "policy block")]
    [InlineData(SmtpStage.EndOfData, "550 5.7.9 This mail has been blocked because the sender is unauthenticated. Yahoo requires all senders to authenticate with either SPF or DKIM.", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "554 30 Sorry, your message to ada@aol.com cannot be delivered. This mailbox is disabled (554.30).", "mailbox-disabled hard")]
    [InlineData(SmtpStage.Greeting, "554- (RTR:BL) https://postmaster.aol.com/error-codes#554rtrbl|554 Connecting IP: 192.0.2.25", "policy block")]
    [InlineData(SmtpStage.EndOfData, "521 5.2.1 : (HVU:B1) http://postmaster.info.aol.com/errors/554hvub1.html", "content block")]
    // iCloud
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 <nobody@icloud.com>: user does not exist", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "552 5.2.2 <ada@icloud.com>: user is over quota", "mailbox-full soft")]
    [InlineData(SmtpStage.EndOfData, "550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137", "policy block")]
    [InlineData(SmtpStage.EndOfData, "554 5.7.1 [HM08] Message rejected due to local policy.", "policy block")]
    // Mimecast, Proofpoint, Barracuda, Cisco, Trend Micro, Cloudmark
    [InlineData(SmtpStage.RcptTo, "554 Host network not allowed - https://community.mimecast.com/docs/DOC-1369#554", "reputation block")]
    [InlineData(SmtpStage.RcptTo, "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550", "no-such-mailbox hard")]
    [InlineData(SmtpStage.EndOfData, "554 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554", "policy block")]
    [InlineData(SmtpStage.RcptTo, "451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451", "other retry")]
    [InlineData(SmtpStage.RcptTo, "550 Rejected by header based Anti-Spoofing policy: shop@example.com", "authentication block")]
    [InlineData(SmtpStage.Greeting, "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.25", "blocklist block")]
    [InlineData(SmtpStage.Greeting, "550 5.7.0 Local Policy Violation - see https://ipcheck.proofpoint.com/?ip=192.0.2.25", "blocklist block")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 <nobody@example.net>... User unknown", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "554 Service unavailable; Client host [mail.example.com] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.25", "blocklist block")]
    [InlineData(SmtpStage.EndOfData, "550 permanent failure for one or more recipients (ada@example.net:blocked)", "other block")]
    [InlineData(SmtpStage.EndOfData, "554 rejected due to spam content", "content block")]
    [InlineData(SmtpStage.Greeting, "554-mx1.example.net|554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.", "reputation block")]
    [InlineData(SmtpStage.RcptTo, "550 #5.1.0 Address rejected.", "no-such-mailbox hard")]
    [InlineData(SmtpStage.Greeting, "550 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using Trend Micro RBL+. Please see http://www.mail-abuse.com/cgi-bin/lookup?ip_address=192.0.2.25", "blocklist block")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.1 Connections not accepted from IP addresses on Cloudmark CSI blacklist", "blocklist block")]
    // GMX, web.de, 1&1, T-Online, Freenet
    [InlineData(SmtpStage.Greeting, "554-gmx.net (mxgmx016) Nemesis ESMTP Service not available|554-No SMTP service|554-IP address is block listed.|554 For explanation visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.25&c=bl", "blocklist block")]
    [InlineData(SmtpStage.Greeting, "554-web.de (mxweb111) Nemesis ESMTP Service not available|554-No SMTP service|554-Bad DNS PTR resource record.", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550 Requested action not taken: mailbox unavailable", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "552-Requested mail action aborted: exceeded storage allocation|552-Quota exceeded. The recipient's mailbox is full.", "mailbox-full soft")]
    [InlineData(SmtpStage.EndOfData, "554-Transaction failed|554-Reject due to policy restrictions.|554 For explanation visit https://postmaster.1und1.de/", "policy block")]
    [InlineData(SmtpStage.Greeting, "554 IP=192.0.2.25 - A problem occurred. Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.", "reputation block")]
    [InlineData(SmtpStage.RcptTo, "550 user unknown / Teilnehmer existiert nicht", "no-such-mailbox hard")]
    // About the sender's address, with words that else mean the recipient
    [InlineData(SmtpStage.RcptTo, "550 5.1.7 <b@bounces.example.com>: Sender address rejected: undeliverable address: host mx.example.com said: 550 5.1.1 User unknown", "policy block")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.7 No such user: the return path does not exist", "policy block")]
    [InlineData(SmtpStage.MailFrom, "501 5.1.7 Bad sender address syntax", "policy block")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.8 Domain does not exist", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "450 4.1.8 <b@bounces.example.com>: Sender address rejected: Domain not found", "authentication retry")]
    [InlineData(SmtpStage.RcptTo, "553 Sender domain does not exist", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550 sorry, your envelope sender domain must exist", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550 Unknown sender", "policy block")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.0 <b@bounces.example.com> sender rejected OFR_417", "policy block")]
    // About our host or our leave to send, at RCPT and without a code, where words are all there is
    [InlineData(SmtpStage.RcptTo, "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550 HELO argument does not match calling host", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550 Administrative prohibition", "policy block")]
    [InlineData(SmtpStage.RcptTo, "550 We do not accept mail from your host", "policy block")]
    [InlineData(SmtpStage.RcptTo, "550 Mail from 192.0.2.25 refused", "policy block")]
    [InlineData(SmtpStage.RcptTo, "550 You are not allowed to send mail to this address", "policy block")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", "policy block")]
    [InlineData(SmtpStage.RcptTo, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "relay-denied block")]
    [InlineData(SmtpStage.RcptTo, "550 example.net is not a local host, not a gateway", "relay-denied block")]
    // The message's size, wherever it is said
    [InlineData(SmtpStage.MailFrom, "552 5.2.3 Message size exceeds fixed maximum message size", "message-too-large soft")]
    [InlineData(SmtpStage.MailFrom, "550 5.2.3 Not that long", "message-too-large soft")]
    [InlineData(SmtpStage.EndOfData, "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient", "message-too-large soft")]
    [InlineData(SmtpStage.MailFrom, "552 Message size exceeds maximum permitted", "message-too-large soft")]
    // Comcast, Cox, Spectrum, AT&T, Orange, Free, Mail.ru
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 Not our Customer", "no-such-mailbox hard")]
    [InlineData(SmtpStage.Greeting, "554 resimta-po-02v.sys.comcast.net comcast 192.0.2.25 Comcast BL004 Blocked for spam. Please see http://postmaster.comcast.net/smtp-error-codes.php#BL004", "reputation block")]
    [InlineData(SmtpStage.Greeting, "421 4.1.0 192.0.2.25 Throttled - try again later. Please see http://postmaster.comcast.net/smtp-error-codes.php#RL000010", "throttled retry-throttled")]
    [InlineData(SmtpStage.Greeting, "554 cxr.smtp.a.cloudfilter.net ESMTP server not available AUP#CXTHRT", "policy block")]
    [InlineData(SmtpStage.RcptTo, "553 5.3.0 flpd588 DNSBL:ATTRBL 521< 192.0.2.25 >_is_blocked.__For assistance forward this error to abuse_rbl@abuse-att.net", "blocklist block")]
    [InlineData(SmtpStage.RcptTo, "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104", "throttled retry-throttled")]
    [InlineData(SmtpStage.EndOfData, "550 spam detected", "content block")]
    [InlineData(SmtpStage.RcptTo, "550 Message was not accepted -- invalid mailbox. Local mailbox nobody@mail.ru is unavailable: user not found", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "550 Access from ip address 192.0.2.25 blocked. Visit http://help.mail.ru/", "reputation block")]
    // Postfix, Exim, Sendmail, qmail and what stands before them
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 <nobody@example.net>: Recipient address rejected: User unknown in virtual mailbox table", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 <spamhaus@example.net>: Recipient address rejected: User unknown in local recipient table", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org; https://www.spamhaus.org/sbl/query/SBLCSS", "blocklist block")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 Mail from 192.0.2.25 refused, see spamhaus.org: user unknown", "blocklist block")]
    [InlineData(SmtpStage.RcptTo, "550 5.1.1 rejected: sender IP reputation too low", "reputation block")]
    [InlineData(SmtpStage.RcptTo, "554 5.7.1 <ada@example.net>: Relay access denied", "relay-denied block")]
    [InlineData(SmtpStage.RcptTo, "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.25]", "authentication retry-throttled")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.25]", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "450 4.2.0 <ada@example.net>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.net.html", "greylisted retry")]
    [InlineData(SmtpStage.RcptTo, "451 4.7.1 Greylisting in action, please come back later", "greylisted retry")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.1 Greylisted, please try again in 300 seconds", "greylisted retry")]
    [InlineData(SmtpStage.EndOfData, "550 5.7.1 Spam message rejected", "content block")]
    [InlineData(SmtpStage.EndOfData, "554 5.7.1 Virus found: Eicar-Test-Signature", "content block")]
    [InlineData(SmtpStage.RcptTo, "452 4.2.2 <ada@example.net> Quota exceeded (mailbox for user is full)", "mailbox-full retry")]
    [InlineData(SmtpStage.RcptTo, "550 Unrouteable address", "no-such-domain hard")]
    [InlineData(SmtpStage.RcptTo, "550 Sender verify failed", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550-Verification failed for <b@bounces.example.com>|550 relay not permitted", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.23 The message was rejected because of Sender Policy Framework violation", "authentication block")]
    [InlineData(SmtpStage.MailFrom, "553 5.1.8 <b@bounces.example.com>... Domain of sender address b@bounces.example.com does not exist", "authentication block")]
    [InlineData(SmtpStage.RcptTo, "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", "no-such-mailbox hard")]
    [InlineData(SmtpStage.RcptTo, "550 5.7.1 <nobody@example.net>... User unknown", "no-such-mailbox block")]
    [InlineData(SmtpStage.EndOfData, "523 Message too large. The size exceeds the limit", "message-too-large soft")]
    [InlineData(SmtpStage.RcptTo, "451 4.4.2 Timeout while waiting for data", "network retry")]
    [InlineData(SmtpStage.RcptTo, "452 4.5.3 Too many recipients", "throttled retry-throttled")]
    [InlineData(SmtpStage.MailFrom, "550 5.7.1 rate limit exceeded, try again in an hour", "throttled retry-throttled")]
    public void Are_understood(SmtpStage stage, string lines, string expected)
    {
        var parts = lines.Split('|');
        var reply = new SmtpReply(
            int.Parse(parts[0].AsSpan(0, 3)),
            [.. parts.Select(line => line.Length > 3 && char.IsAsciiDigit(line[0]) ? line[4..] : line)]);

        var (category, action) = BounceRules.BuiltIn.Classify(stage, reply);

        Assert.Equal(expected, $"{category.Word()} {BounceWords.Of<BounceAction>()[(int)action]}");
    }
}
