//! Every code: it can happen, and it is explained.

use std::collections::BTreeSet;

use proptest::prelude::*;
use strum::IntoEnumIterator as _;
use usher::config::Code;

use super::{Folder, ORG, SMALLEST, codes_of};

/// One change of a sound usher.toml, and the code that it gives.
const PROCESS: [(&str, &str, &str); 43] = [
    ("U002", "data_dir   =", "data_dir"),
    ("U003", "data_dir ", "data_dri = 1\ndata_dir "),
    ("U004", "off = true", "off = \"true\""),
    ("U005", "organization = \"acme\"", ""),
    ("U006", "[tls]", "[session]\nidle_timeout = \"8\"\n[tls]"),
    ("U007", "[tls]", "[server]\nmax_body = \"10 megs\"\n[tls]"),
    ("U008", "\"/var/lib/usher\"", "\"env:NOT_SET\""),
    ("U010", "organization = \"acme\"", "organization = \"acme\"\nallow = \"everyone\""),
    ("U011", "\"/var/lib/usher\"", "\" \""),
    ("U011", "\"http://127.0.0.1:3000\"", "[]"),
    ("U012", "https://auth.acme.example", "https://acme.example/auth"),
    ("U012", "https://auth.acme.example", "ftp://acme.example"),
    ("U013", "https://auth.acme.example", "http://localhost.acme.example"),
    ("U014", "\"app.acme.example\"", "\"*.acme.example\""),
    ("U014", "\"app.acme.example\"", "\"app.acme.example:8080\""),
    ("U015", "\"app.acme.example\"", "\"AUTH.acme.example\""),
    ("U016", "http://127.0.0.1:3000", "127.0.0.1:3000"),
    ("U016", "http://127.0.0.1:3000", "http://127.0.0.1:3000/app"),
    ("U016", "http://127.0.0.1:3000", "http://u:p@127.0.0.1:3000"),
    ("U017", "http://127.0.0.1:3000", "http://[::ffff:a9fe:a9fe]"),
    ("U019", "http://127.0.0.1:3000", "https://127.0.0.1:3000"),
    ("U019", "off = true", "off = true\nacme = \"ops@acme.example\""),
    ("U020", "[tls]", "[session]\nlifetime = \"1h\"\n[tls]"),
    ("U021", "off = true", ""),
    ("U022", "off = true", "off = true\ncert = \"-----BEGIN CERTIFICATE-----\"\nkey = \"-----BEGIN PRIVATE KEY-----\""),
    ("U023", "off = true", "cert = \"/etc/cert.pem\"\nkey = \"-----BEGIN PRIVATE KEY-----\""),
    ("U024", "[tls]", "[server]\nlisten = \"localhost\"\n[tls]"),
    ("U024", "[tls]", "[server]\ntrusted_proxies = [\"10.0.0.0/33\"]\n[tls]"),
    ("U050", "[tls]", "[limits]\nsign_in = 0\n[tls]"),
    ("U050", "[tls]", "[limits]\napi = -1\n[tls]"),
    ("U025", "organization = \"acme\"", "organization = \"acme\"\npublic_paths = [\"/a/../b\"]"),
    ("U026", "organization = \"acme\"", "organization = \"acme\"\naliases = { email = \"Cookie\" }"),
    ("U026", "organization = \"acme\"", "organization = \"acme\"\naliases = { email = \"X-Usher-Role\" }"),
    ("U026", "organization = \"acme\"", "organization = \"acme\"\naliases = { email = \"X_Email\" }"),
    ("U027", "[tls]", "[log]\nlevel = \"inof\"\n[tls]"),
    ("U028", "organization = \"acme\"", "organization = \"Acme Inc.\""),
    ("U048", "[tls]", "redis = \"redis://a,b\"\n[tls]"),
    ("U048", "[tls]", "redis = \"127.0.0.1\"\n[tls]"),
    ("U048", "[tls]", "database = \"postgres://usher@db.example\"\n[tls]"),
    ("U048", "[tls]", "database = \"postgres://usher@db.example/usher?sslmode=maybe\"\n[tls]"),
    ("U048", "[tls]", "database = \"postgres://usher@db.example/usher?sslrootcret=/ca.pem\"\n[tls]"),
    ("U048", "[tls]", "redis = \"rediss://cache.example?cert=/usher.pem\"\n[tls]"),
    ("U010", "[tls]", "database = \"mysql://db.example/usher\"\n[tls]"),
];

/// One change of a sound org.toml, and the code that it gives.
const ORGANIZATION: [(&str, &str, &str); 51] = [
    ("U030", "name = \"acme.example\"", "name = \"acme.example\"\n[[domain]]\nname = \"https://acme.example\"\nverified = \"operator\""),
    ("U031", "name = \"acme.example\"", "name = \"acme.example\"\nverified = \"operator\"\n[[domain]]\nname = \"ACME.example\""),
    ("U031", "plan = \"enterprise\"", "plan = \"enterprise\"\nroles = [\"Owner\", \"Admin\", \"User\", \"User\"]"),
    ("U032", "domains = [\"acme.example\"]", "domains = [\"other.example\"]"),
    ("U033", "domains = [\"acme.example\"]", "domains = []"),
    ("U033", "domains = [\"acme.example\"]", ""),
    ("U034", "\"oidc\"", "\"saml\""),
    (
        "U036",
        "[[organization]]",
        "[[connection]]\nid = \"x\"\nprotocol = \"saml\"\ndomains = [\"acme.example\"]\nentity_id = \"x\"\nsso_url = \"https://x.example\"\ncertificates = [\"okta.pem\"]\n[[organization]]",
    ),
    ("U037", "https://login", "http://login"),
    ("U038", "https://login.microsoftonline.com", "https://192.168.1.1"),
    ("U039", "client_id", "algorithms = [\"HS512\"]\nclient_id"),
    ("U039", "client_id", "algorithms = []\nclient_id"),
    ("U040", "Admin = [", "Administrator = ["),
    ("U040", "plan = \"enterprise\"", "plan = \"enterprise\"\ndefault_role = \"Guest\""),
    ("U041", "Premium = [", "Gold = ["),
    ("U042", "plan = \"enterprise\"", "plan = \"enterprise\"\nroles = [\"Primary Owner\", \"Owner\", \"Admin\", \"User\"]"),
    ("U043", "plan = \"enterprise\"\n", "plan = \"team\"\nprovisioning = \"scim\"\nx"),
    ("U044", "plan = \"enterprise\"", "plan = \"custom\""),
    ("U045", "olivia@acme.example", "olivia@evil@acme.example"),
    ("U046", "olivia@acme.example", "olivia@gmail.example"),
    ("U047", "seats = 20 ", "seats = -20 "),
    ("U047", "seats = 20 ", "seats = 4294967296 "),
    ("U005", "client_secret = \"s3cret-of-entra\"", "client_auth = \"private_key_jwt\""),
    ("U005", "client_secret = \"s3cret-of-entra\"", "client_auth = \"tls\"\nclient_key = \"-----BEGIN PRIVATE KEY-----\""),
    ("U023", "client_secret = \"s3cret-of-entra\"", "client_auth = \"private_key_jwt\"\nclient_key = \"/etc/client.pem\""),
    ("U052", "client_id", "client_auth = \"private_key_jwt\"\nclient_key = \"-----BEGIN PRIVATE KEY-----\"\nclient_id"),
    ("U052", "client_id", "client_key = \"-----BEGIN PRIVATE KEY-----\"\nclient_id"),
    ("U053", "com/8f1c/", "com/common/"),
    ("U053", "com/8f1c/", "com/{tenantid}/"),
    ("U053", "client_id", "tenants = [\"acme.onmicrosoft.com\"]\nclient_id"),
    ("U053", "client_id", "tenants = [\"9188040D-6C67-4FF5-B112-36A304B66DAD\"]\nclient_id"),
    ("U005", "[[organization]]", "[connection.group_lookup]\nkind = \"google_directory\"\n[[organization]]"),
    ("U010", "[[organization]]", "[connection.group_lookup]\nkind = \"okta\"\n[[organization]]"),
    (
        "U054",
        "[[organization]]",
        "[connection.group_lookup]\nkind = \"google_directory\"\nimpersonate = \"a@acme.example\"\nservice_account = \"{}\"\n[[organization]]",
    ),
    ("U030", "client_id", "hosted_domains = [\"https://acme.example\"]\nclient_id"),
    ("U006", "client_id", "refresh = \"30s\"\nclient_id"),
    ("U006", "client_id", "max_age = \"0s\"\nclient_id"),
    ("U010", "client_id", "response_mode = \"fragment\"\nclient_id"),
    ("U010", "client_id", "client_algorithm = \"HS256\"\nclient_id"),
    ("U051", "[organization.role_mappings]", "[organization.policy]\nremoval_threshold = { percent = 101 }\n[organization.role_mappings]"),
    ("U004", "seats = 20 ", "seats = \"20\" "),
    ("U010", "[organization.role_mappings]", "[organization.policy]\nno_role_match = \"delete\"\n[organization.role_mappings]"),
    ("W001", "[\"everyone\"]", "[\"app-owners\"]"),
    ("W002", ", { name = \"Standard\", seats = 250 }", ""),
    ("W003", "[[connection]]", "[[domain]]\nname = \"b.example\"\n[[connection]]"),
    ("W004", "\"jit\"", "\"scim\""),
    ("W005", "\"jit\"", "\"manual\""),
    (
        "W007",
        "[[organization]]",
        "[[connection]]\nid = \"x\"\nprotocol = \"oidc\"\nissuer = \"https://x.example\"\nclient_id = \"x\"\ndomains = [\"acme.example\"]\n[[organization]]",
    ),
    ("W008", "Owner = [\"app-owners\"]\nAdmin = [\"app-admins\", \"it-platform\"]\nUser = [\"everyone\"]", ""),
    ("W010", "plan = \"enterprise\"", "plan = \"enterprise\"\ndefault_role = \"Admin\""),
    ("W011", "[[organization]]", "[[organization]]\nid = \"b\"\nplan = \"team\"\n[[organization]]"),
];

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "nothing to change: {from}");
    text.replacen(from, to, 1)
}

#[test]
fn each_mistake_has_its_code() {
    for (code, from, to) in PROCESS {
        let found = codes_of("usher.toml", &changed(SMALLEST, from, to));
        assert!(found.contains(&code), "{code} expected for {to:?}, found {found:?}");
    }
    for (code, from, to) in ORGANIZATION {
        let found = codes_of("org.toml", &changed(ORG, from, to));
        assert!(found.contains(&code), "{code} expected for {to:?}, found {found:?}");
    }
}

#[test]
fn the_two_files_are_held_against_each_other() {
    let usher = format!("{SMALLEST}allow = \"role:Admni\"\n[org]\nfile = \"org.toml\"\n");
    for (code, usher) in [
        ("U040", usher.clone()),
        ("U041", usher.replace("role:Admni", "tier:Gold")),
        ("U029", usher.replace("organization = \"acme\"", "organization = \"amce\"")),
        ("U001", usher.replace("\"org.toml\"", "\"gone.toml\"")),
    ] {
        let folder = Folder::new().with("usher.toml", &usher).with("org.toml", ORG);
        let faults = folder.load_with_org().unwrap_err();
        assert_eq!(faults.list().iter().map(|fault| fault.code.as_str()).collect::<Vec<_>>(), [code]);
    }
}

#[test]
fn what_is_wrong_in_one_file_does_not_hide_the_other() {
    let usher = format!("{SMALLEST}[org]\nfile = \"org.toml\"\n").replace("/var/lib/usher", "");
    let folder = Folder::new().with("usher.toml", &usher).with("org.toml", &ORG.replace("\"jit\"", "\"jti\""));
    let codes: Vec<_> = folder.load_with_org().unwrap_err().list().iter().map(|fault| fault.code.as_str()).collect();
    assert_eq!(codes, ["U010", "U011"]);
}

#[test]
fn sample_documents_are_for_loopback_only() {
    let org = ORG
        .replace("\"oidc\"", "\"saml\"")
        .replace("issuer = \"https://login.microsoftonline.com/8f1c/v2.0\"", "idp_metadata = \"file:idp.xml\"");
    let org = org.replace("client_id = \"usher\"\n", "").replace("client_secret = \"s3cret-of-entra\"\n", "");
    let usher = format!("{SMALLEST}[org]\nfile = \"org.toml\"\n");
    let folder = Folder::new().with("idp.xml", include_str!("../../../certs-example/sample-idp-metadata.xml")).with("org.toml", &org);
    let folder = folder.with("usher.toml", &usher);
    assert_eq!(folder.load_with_org().unwrap_err().list()[0].code.as_str(), "U018");
    let folder = folder.with("usher.toml", &usher.replace("https://auth.acme.example", "http://auth.localhost:8080"));
    assert!(folder.load_with_org().is_ok());
}

#[test]
fn a_development_key_is_known_under_another_name() {
    let usher = SMALLEST.replace("off = true", "cert = \"file:my.pem\"\nkey = \"file:mine.pem\"");
    let folder = Folder::new()
        .with("my.pem", include_str!("../../../certs-example/development-sp.crt.pem"))
        .with("mine.pem", include_str!("../../../certs-example/development-sp.key.pem"))
        .with("usher.toml", &usher);
    let codes: Vec<_> = folder.load().unwrap_err().list().iter().map(|fault| fault.code.as_str()).collect();
    assert_eq!(codes, ["U018", "U018"]);
}

#[test]
fn each_code_is_tested_here() {
    let elsewhere = ["U001", "U009", "U018", "U029", "U035", "W006", "W009"];
    let tested: BTreeSet<&str> = PROCESS.iter().chain(&ORGANIZATION).map(|(code, _, _)| *code).chain(elsewhere).collect();
    let all: BTreeSet<&str> = Code::iter().map(Code::as_str).collect();
    assert_eq!(tested, all);
}

#[test]
fn a_closed_organization_warns_of_what_it_lacks() {
    assert_eq!(codes_of("org.toml", "[[organization]]\nid = \"acme\"\nplan = \"console\""), ["W006", "W009"]);
}

#[test]
fn each_code_is_explained_with_a_wrong_and_a_right_example() {
    for code in Code::iter() {
        let explanation = code.explanation();
        assert!(explanation.starts_with(code.as_str()), "{code}");
        assert!(explanation.contains("\nWrong:\n```") && explanation.contains("\nRight:\n```"), "{code}");
    }
}

/// Texts that are nearly configuration: pieces of sound files, cut and shuffled.
fn pieces() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = SMALLEST.lines().chain(ORG.lines()).collect();
    let odd = prop::sample::select(vec![
        "= ",
        "[[",
        "\"\"\"",
        "'",
        "{",
        "]",
        "\u{0}",
        "ä = \"ö\"",
        "client_secret = \"",
        "-0x",
        "1979-05-27",
        "\\u12",
    ]);
    let line = prop_oneof![6 => prop::sample::select(lines).prop_map(str::to_owned), 2 => odd.prop_map(str::to_owned), 1 => ".{0,20}"];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![pieces(), any::<String>()], value in any::<String>()) {
        let folder = Folder::new().with("usher.toml", &text).with("org.toml", &text).env("USHER__ROUTE__0__HOST", &value).env("USHER__TLS", &value);
        if let Err(faults) = folder.load_with_org() {
            prop_assert!(!faults.render(true).is_empty());
            prop_assert!(faults.list().iter().all(|fault| fault.to_json().is_object()));
        }
        if let Err(faults) = folder.load_org() {
            prop_assert!(!faults.render(false).is_empty());
        }
    }
}
