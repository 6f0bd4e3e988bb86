# LemonLDAP::NG's portal, as it is in Debian, for one test. USHER_TEST_DIR has people.json; LLNG_DEFAULTCONFFILE names the rest.
# The demonstration users are replaced by ours at every request: a change of someone's groups counts from their next login on.
use strict;
use warnings;
use JSON;
use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::UserDB::Demo;

my $portal = Lemonldap::NG::Portal::Main->run( {} );

sub read_people {
    open my $file, '<', "$ENV{USHER_TEST_DIR}/people.json" or die "people.json: $!";
    my $people = decode_json( join '', <$file> );
    %Lemonldap::NG::Portal::UserDB::Demo::demoAccounts =
      map { $_ => { uid => $_, cn => $people->{$_}{name}, mail => "$_\@acme.example" } } keys %$people;
    my %groups;
    for my $uid ( keys %$people ) {
        push @{ $groups{$_} }, $uid for @{ $people->{$uid}{groups} };
    }
    %Lemonldap::NG::Portal::UserDB::Demo::demoGroups = %groups;
}

sub {
    read_people();
    return $portal->(@_);
};
