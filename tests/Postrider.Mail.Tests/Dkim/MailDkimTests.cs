using System.Text;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dkim;
using Postrider.Mail.Mime;
using Postrider.Mail.Tests.Mime;

namespace Postrider.Mail.Tests.Dkim;

/// <summary>Mail::DKIM verifies what we sign, its DNS answered by our record.</summary>
public sealed class MailDkimTests(MailDkimTests.Verifier verifier) : IClassFixture<MailDkimTests.Verifier>
{
    public static TheoryData<string> Names => [.. SampleMessages.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Verifies_the_signature(string name) => Assert.Equal("pass", verifier.Results[name]);

    [Theory]
    [MemberData(nameof(Names))]
    public void Verifies_it_after_a_relay_has_folded_and_spaced_it_anew(string name) =>
        Assert.Equal("pass", verifier.Results[name + ".relayed"]);

    [Theory]
    [InlineData("plain.body", "fail (body has been altered)")]
    [InlineData("plain.subject", "fail (message has been altered)")]
    [InlineData("plain.second_from", "fail (message has been altered)")]
    [InlineData("plain.second_subject", "fail (message has been altered)")]
    [InlineData("plain.added_reply_to", "fail (message has been altered)")]
    [InlineData("plain.added_cc", "fail (message has been altered)")]
    [InlineData("plain.expired", "invalid (signature is expired)")]
    public void Refuses_what_was_changed_or_added_or_is_too_old(string name, string expected) =>
        Assert.Equal(expected, verifier.Results[name]);

    public sealed class Verifier : IAsyncLifetime
    {
        const string Script = """
            use strict; use warnings;
            use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
            my $folder = $ARGV[0];
            sub slurp { open(my $f, '<:raw', $_[0]) or die $!; local $/; return <$f>; }
            package Records {
                sub new { return bless {}, shift }
                sub errorstring { return 'NOERROR' }
                sub send {
                    my ($self, $name, $type) = @_;
                    my $answer = Net::DNS::Packet->new($name, $type);
                    $answer->header->rcode('NOERROR');
                    $answer->push(answer => Net::DNS::RR->new(main::slurp("$folder/zone"))) if $name eq 'post1._domainkey.example.org' && $type eq 'TXT';
                    return $answer;
                }
            }
            $Mail::DKIM::DNS::RESOLVER = Records->new;
            for my $file (glob("$folder/*.eml")) {
                my $verifier = Mail::DKIM::Verifier->new;
                $verifier->PRINT(slurp($file));
                $verifier->CLOSE;
                my ($name) = $file =~ m{([^/]+)\.eml$};
                print "$name\t", $verifier->result_detail, "\n";
            }
            """;

        public IReadOnlyDictionary<string, string> Results { get; private set; } = new Dictionary<string, string>();

        public async ValueTask InitializeAsync()
        {
            var folder = Directory.CreateTempSubdirectory("postrider-dkim-");
            try
            {
                Assert.True(Domain.TryParse("example.org", out var domain));
                using var key = DkimKey.Generate();
                var signer = new DkimSigner(domain, "post1", key);
                await File.WriteAllTextAsync(
                    Path.Combine(folder.FullName, "zone"),
                    $"{DkimDnsRecord.Name("post1", domain)}. 300 IN TXT {DkimDnsRecord.ZoneFileText(DkimDnsRecord.Text(key))}");

                foreach (var (name, content) in SampleMessages.All)
                {
                    var signed = await SignAsync(signer, content, expiresAt: null);
                    await WriteAsync(folder, name, signed);
                    await WriteAsync(folder, name + ".relayed", Relayed(signed));
                }
                await WriteTamperedAsync(folder, signer);
                var output = await IndependentProgram.RunAsync("perl", Script, folder.FullName);
                Results = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))
                    .ToDictionary(pair => pair[0], pair => pair[1]);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        static async Task WriteTamperedAsync(DirectoryInfo folder, DkimSigner signer)
        {
            var plain = Encoding.Latin1.GetString(await SignAsync(signer, SampleMessages.All["plain"], expiresAt: null));
            var changes = new Dictionary<string, string>
            {
                ["body"] = plain.Replace("this is it", "this is not it", StringComparison.Ordinal),
                ["subject"] = plain.Replace("Subject: Hello", "Subject: Hallo", StringComparison.Ordinal),
                ["second_from"] = "From: eve@example.org\r\n" + plain,
                ["second_subject"] = plain.Replace("Subject: Hello", "Subject: Hello\r\nSubject: Win", StringComparison.Ordinal),
                ["added_reply_to"] = "Reply-To: eve@example.org\r\n" + plain,
                ["added_cc"] = "Cc: eve@example.org\r\n" + plain,
            };
            foreach (var (change, message) in changes)
                await WriteAsync(folder, $"plain.{change}", Encoding.Latin1.GetBytes(message));
            await WriteAsync(
                folder, "plain.expired", await SignAsync(signer, SampleMessages.All["plain"], SampleMessages.Date.AddYears(-2)));
        }

        static async Task<byte[]> SignAsync(DkimSigner signer, MessageContent content, DateTimeOffset? expiresAt)
        {
            var message = MimeComposer.Compose(content);
            var hash = await BodyHash.RelaxedAsync(message, CancellationToken.None);
            // Long past, because the verifier asks its own clock.
            return await SampleMessages.OctetsAsync(
                message, signer.Sign(message.HeaderSection.Span, hash, new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), expiresAt));
        }

        /// <summary>
        /// What relays may do to a message whose signature is relaxed: trace fields on top, other folds and spaces, other case of names.
        /// </summary>
        static byte[] Relayed(byte[] message)
        {
            var text = Encoding.Latin1.GetString(message);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            var header = text[..end].Replace("\r\n ", "\r\n\t  ", StringComparison.Ordinal)
                .Replace("\r\nFrom: ", "\r\nFROM :\t", StringComparison.Ordinal)
                .Replace("\r\nDate: ", "\r\ndate:", StringComparison.Ordinal);
            var body = text[(end + 4)..].Replace("\r\n", "  \r\n", StringComparison.Ordinal);
            return Encoding.Latin1.GetBytes($"Received: by relay.test; somewhen\r\nX-Spam: no\r\n{header}\r\n\r\n{body}\r\n\r\n");
        }

        static Task WriteAsync(DirectoryInfo folder, string name, byte[] message) =>
            File.WriteAllBytesAsync(Path.Combine(folder.FullName, name + ".eml"), message);
    }
}
