# Verifies a message's DKIM signature with Mail::DKIM; the only DNS record there is comes from the arguments: FILE NAME TEXT.
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Mail::DKIM::DNS;
use Net::DNS;

my ($file, $record, $text) = @ARGV;

package Records {
    sub new { return bless {}, shift }
    sub errorstring { return 'NOERROR' }
    sub send {
        my ($self, $name, $type) = @_;
        my $answer = Net::DNS::Packet->new($name, $type);
        $answer->header->rcode('NOERROR');
        my @strings = map { qq("$_") } $text =~ /(.{1,255})/g;
        $answer->push(answer => Net::DNS::RR->new("$record. 300 IN TXT @strings")) if lc $name eq lc $record && $type eq 'TXT';
        return $answer;
    }
}

$Mail::DKIM::DNS::RESOLVER = Records->new;
open(my $input, '<:raw', $file) or die $!;
my $verifier = Mail::DKIM::Verifier->new;
while (my $line = <$input>) {
    $line =~ s/\r?\n$//;
    $verifier->PRINT("$line\r\n");
}
$verifier->CLOSE;
my $signature = $verifier->signature;
print join(' ', $verifier->result_detail, $signature ? ($signature->domain, $signature->selector, $signature->algorithm) : ()), "\n";
