<?php
// SimpleSAMLphp as an identity provider for one test. USHER_TEST_DIR has what the test wrote: keys, people, our metadata; and what this writes.
$dir = getenv('USHER_TEST_DIR');
$config = [
    'baseurlpath' => getenv('USHER_TEST_URL') . '/',
    'certdir' => "$dir/",
    'loggingdir' => "$dir/",
    'datadir' => "$dir/",
    'tempdir' => "$dir/",
    'attributenamemapdir' => '/usr/share/simplesamlphp/attributemap/',
    'secretsalt' => 'only-for-tests',
    'auth.adminpassword' => 'only-for-tests',
    'timezone' => 'UTC',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => "$dir/",
    'logging.handler' => 'stderr',
    'metadata.sources' => [
        ['type' => 'flatfile', 'directory' => __DIR__ . '/metadata'],
        ['type' => 'xml', 'file' => "$dir/sp.xml"],
    ],
];
