using System.Globalization;
using System.Text.RegularExpressions;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.Reporting;

/// <summary>Somebody's mail system that reports to the server's inbound listener: swaks, with reports as real ones are written.</summary>
sealed partial class Reporter(int port)
{
    public int Port => port;

    /// <summary>The setting that makes a server listen for this reporter.</summary>
    public string Listen => string.Create(CultureInfo.InvariantCulture, $"Inbound:Listen=127.0.0.1:{port}");

    public static Reporter OnAnyPort() => new(Ports.Free());

    /// <summary>To a return path or the feedback address, with the null reverse-path.</summary>
    /// <returns>What the listener answered last: to the final dot, or what it refused.</returns>
    public async Task<string> SendAsync(string to, string mail)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, mail);
            var (_, output) = await ExternalProgram.RunAsync(
                "swaks",
                ["--server", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--ehlo", "mx.peer.test", "--from", "<>", "--to", to,
                    "--data", $"@{file}"],
                TestContext.Current.CancellationToken);
            // Up to QUIT: "<-  250 ..." or, when it is a refusal, "<** 550 ...".
            var answers = Answer().Matches(output[..(output.IndexOf(" -> QUIT", StringComparison.Ordinal) is var quit and >= 0 ? quit : output.Length)]);
            return answers.Count == 0 ? output : answers[^1].Groups[1].Value.TrimEnd();
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>As Postfix writes it.</summary>
    public static string Failed(string reply, string status = "5.1.1", string id = "1") => Notification("failed", reply, status, id);

    /// <summary>As Postfix writes it.</summary>
    public static string Delayed(string id = "1") => Notification("delayed", "451 4.7.1 try later", "4.7.1", id);

    static string Notification(string action, string reply, string status, string id) => $"""
        Date: Fri, 20 Nov 2026 18:52:28 +0000 (UTC)
        From: Mail Delivery System <MAILER-DAEMON@mx.peer.test>
        Subject: Undelivered Mail Returned to Sender
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status;
        	boundary="B61DFB201DE.1795200748/mx.peer.test"
        Message-Id: <{action}-{id}@mx.peer.test>

        --B61DFB201DE.1795200748/mx.peer.test
        Content-Type: text/plain; charset=utf-8

        This is the mail system at host mx.peer.test.

        --B61DFB201DE.1795200748/mx.peer.test
        Content-Description: Delivery report
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.peer.test
        Arrival-Date: Fri, 20 Nov 2026 18:52:28 +0000 (UTC)

        Final-Recipient: rfc822; ada@peer.test
        Action: {action}
        Status: {status}
        Diagnostic-Code: smtp; {reply}

        --B61DFB201DE.1795200748/mx.peer.test
        Content-Type: text/rfc822-headers

        Subject: Hello

        --B61DFB201DE.1795200748/mx.peer.test--

        """;

    public static string Complaint(string returnPath, string type = "abuse") => $"""
        From: feedback@provider.test
        Subject: Complaint
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="arf0"

        --arf0
        Content-Type: text/plain

        This is an email abuse report.

        --arf0
        Content-Type: message/feedback-report

        Feedback-Type: {type}
        User-Agent: Provider-FBL/1
        Version: 1

        --arf0
        Content-Type: message/rfc822

        Return-Path: <{returnPath}>
        From: Acme <hello@acme.test>
        Subject: Hello

        It works.

        --arf0--

        """;

    [GeneratedRegex("^<(?:-|\\*\\*) +(\\d{3} .*)$", RegexOptions.Multiline)]
    private static partial Regex Answer();
}
