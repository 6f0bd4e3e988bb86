# LemonLDAP::NG's portal, as it is in Debian, with people of our own and one control address: POST /_ctl/groups?user=U&groups=A,B
# Configuration: LLNG_DEFAULTCONFFILE names the ini file that the test wrote.
use strict;
use warnings;
use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::UserDB::Demo;
use Plack::Request;

%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts = map {
    my ( $uid, $name ) = @$_;
    ( $uid => { uid => $uid, cn => $name, mail => "$uid\@acme.example" } )
} ( [ 'ada', 'Ada Lovelace' ], [ 'jo', 'Jo Park' ], [ 'noah', 'Noah Stone' ] );
%Lemonldap::NG::Portal::UserDB::Demo::demoGroups = ( 'app-admins' => ['ada'], 'everyone' => ['jo'] );

my $portal = Lemonldap::NG::Portal::Main->run( {} );

sub {
    my ($env) = @_;
    return $portal->($env) if $env->{PATH_INFO} ne '/_ctl/groups';
    my $request = Plack::Request->new($env);
    my ( $user, $groups ) = map { $request->param($_) // '' } qw(user groups);
    my $all = \%Lemonldap::NG::Portal::UserDB::Demo::demoGroups;
    @{ $all->{$_} } = grep { $_ ne $user } @{ $all->{$_} } for keys %$all;
    push @{ $all->{$_} }, $user for split /,/, $groups;
    return [ 200, [ 'Content-Type' => 'text/plain' ], ["ok\n"] ];
};
