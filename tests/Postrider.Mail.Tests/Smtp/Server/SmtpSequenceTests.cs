using Postrider.Mail.Smtp.Server;

namespace Postrider.Mail.Tests.Smtp.Server;

public sealed class SmtpSequenceTests
{
    /// <summary>RFC 5321 §4.1.4 as a grid: rows are states, columns commands.</summary>
    const string Grid = """
                       Hello  Mail       Rcpt           Data   Rset     Noop           Vrfy           Help           StartTls  Quit
        Greeted        Ready  -          -              -      Greeted  Greeted        Greeted        Greeted        -         Ended
        Ready          Ready  HasSender  -              -      Ready    Ready          Ready          Ready          Greeted   Ended
        HasSender      Ready  -          HasRecipients  -      Ready    HasSender      HasSender      HasSender      -         Ended
        HasRecipients  Ready  -          HasRecipients  Ready  Ready    HasRecipients  HasRecipients  HasRecipients  -         Ended
        Ended          -      -          -              -      -        -              -              -              -         -
        """;

    [Fact]
    public void Allows_each_command_where_the_RFC_does_and_nowhere_else()
    {
        var rows = Grid.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();

        foreach (var state in Enum.GetValues<SmtpState>())
        {
            foreach (var verb in Enum.GetValues<SmtpVerb>())
            {
                var column = Array.IndexOf(rows[0], verb.ToString());
                var expected = column < 0 ? "-" : rows.Single(row => row[0] == state.ToString())[column + 1];

                var allowed = SmtpSequence.Allows(state, verb, out var next);

                Assert.Equal((state, verb, expected), (state, verb, allowed ? next.ToString() : "-"));
            }
        }
    }
}
