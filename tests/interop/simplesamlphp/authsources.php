<?php
// people.json is read at every request: a change of someone's groups counts from their next login on. The password is the name.
$people = json_decode(file_get_contents(getenv('USHER_TEST_DIR') . '/people.json'), true);
$config = ['people' => ['exampleauth:UserPass']];
foreach ($people as $uid => $person) {
    $config['people']["$uid:$uid"] = [
        'uid' => [$uid],
        'email' => ["$uid@acme.example"],
        'displayName' => [$person['name']],
        'groups' => $person['groups'],
    ];
}
