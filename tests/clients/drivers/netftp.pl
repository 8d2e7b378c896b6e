# Perl's Net::FTP, driven by steps: see drivers.py.
use strict;
use warnings;
use Net::FTP;

my ($host, $port, $user, $password, $tls, $mode, $ca) = @ARGV;
my %tls = $tls eq 'plain' ? () : (
	SSL => $tls eq 'implicit', SSL_ca_file => $ca,
	SSL_verify_mode => 1, SSL_verifycn_name => $host,
	SSL_verifycn_scheme => 'default');
my $ftp = Net::FTP->new($host, Port => $port, Timeout => 30,
	Passive => $mode !~ /^(port|eprt6)$/, %tls)
	or die "connect: $@";
if ($tls eq 'explicit') {
	$ftp->starttls or die 'AUTH TLS: ', $ftp->message;
}
$ftp->login($user, $password) or die 'login: ', $ftp->message;
$ftp->binary or die 'binary: ', $ftp->message;
if ($tls ne 'plain') {
	$ftp->prot('P') or die 'PROT: ', $ftp->message;
}
$| = 1;

sub say_ {
	print join("\t", @_), "\n";
}

sub value {
	die 'no answer: ', $ftp->message unless defined $_[0];
	say_('value', $_[0]);
	return 1;
}

# An empty listing is an empty list; a failed one is too, with its reply.
sub each_of {
	my ($kind, @lines) = @_;
	die 'listing: ', $ftp->message unless $ftp->ok;
	say_($kind, $_) for @lines;
	return 1;
}

sub send_from {
	my ($local, $remote, $at) = @_;
	open(my $f, '<:raw', $local) or die "$local: $!";
	seek($f, $at, 0) or die $!;
	$ftp->restart($at) if $at;
	return $ftp->put($f, $remote);
}

my %verbs = (
	put => sub { $ftp->put(@_) },
	get => sub { $ftp->get(@_) },
	reput => sub { send_from(@_, $ftp->size($_[1])) },
	reget => sub { $ftp->get(@_, -s $_[1]) },
	append => sub { $ftp->append(@_) },
	list => sub { each_of('line', $ftp->dir(@_)) },
	nlst => sub { each_of('name', $ftp->ls(@_)) },
	size => sub { value($ftp->size(@_)) },
	time => sub { value($ftp->mdtm(@_)) },
	mkdir => sub { value($ftp->mkdir(@_)) },
	cwd => sub { $ftp->cwd(@_) && value($ftp->pwd) },
	move => sub { $ftp->rename(@_) },
	delete => sub { $ftp->delete(@_) },
	rmdir => sub { $ftp->rmdir(@_) },
	unique => sub { value($ftp->put_unique(@_)) },
);

while (my $line = <STDIN>) {
	chomp $line;
	my ($verb, @words) = split /\t/, $line, -1;
	my $run = $verbs{$verb} or die "no such step: $verb";
	$run->(grep { $_ ne '' } @words)
		or die "$line: ", $ftp->code, ' ', $ftp->message;
}
$ftp->quit or die 'quit: ', $ftp->message;
