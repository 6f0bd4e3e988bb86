//! Where a login may lead to: some 1,600 return targets, made by a grammar of the ways in which browsers, URL parsers and filters disagree.

use std::io::Write as _;
use std::process::{Command, Stdio};

use url::Url;

use crate::support::browser::Browser;
use crate::support::saml_house::SamlHouse;

/// How a foreign address can begin.
const STARTS: [&str; 44] = [
    "//",
    "///",
    "////",
    "\\\\",
    "/\\",
    "\\/",
    "/\\/",
    "\\//",
    "/\t/",
    "/\n/",
    "\t//",
    "\n//",
    " //",
    "\0//",
    "\u{3000}//",
    "\u{feff}//",
    "/%09/",
    "/%0a/",
    "%2f%2f",
    "/%2f",
    "//%5c",
    "/%5c",
    "/.//",
    "/..//",
    "/x/..//",
    "/;//",
    ".//",
    "http://",
    "https://",
    "http:",
    "https:",
    "http:/",
    "https:///",
    "hTTp://",
    "http:\\\\",
    "https:\\",
    "ht\ttp://",
    "http:\n//",
    " https://",
    "javascript://",
    "data://",
    "blob:http://",
    "ftp://",
    "view-source:http://",
];

/// Foreign hosts, some dressed as one of ours.
fn hosts(ours: &str) -> Vec<String> {
    [
        "evil.example",
        "evil.example:80",
        "EVIL.example.",
        "evil%2eexample",
        "evil\u{3002}example",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "OURS.evil.example",
        "evilOURS",
        "OURS@evil.example",
        "OURS:x@evil.example",
        "OURS%40evil.example",
        "OURS%00.evil.example",
        "OURS\\@evil.example",
        "evil.example#@OURS",
        "evil.example?@OURS",
        "evil.example\\@OURS",
    ]
    .map(|host| host.replace("OURS", ours))
    .to_vec()
}

/// What can stand behind one of our own addresses.
const ENDS: [&str; 24] = [
    "@evil.example",
    ".evil.example",
    ":x@evil.example",
    ":444",
    ":0",
    "%2eevil.example",
    "%00.evil.example",
    "\\@evil.example",
    "\\evil.example",
    "//evil.example",
    "/%2f/evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/\\evil.example",
    "/%5cevil.example",
    "/\t/evil.example",
    "/\r\nLocation: https://evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/;@evil.example",
    "/http://evil.example",
    "/?\\evil.example",
    "/%E3%80%82evil.example",
];

fn payloads(app: &Url, auth: &Url) -> Vec<String> {
    let mut payloads = Vec::new();
    for ours in [app, auth] {
        let authority = ours.authority();
        for host in hosts(authority) {
            payloads.extend(STARTS.iter().map(|start| format!("{start}{host}")));
        }
        for scheme in ["http://", "HTTP://", "https://", "//", "http:", "ws://"] {
            payloads.extend(ENDS.iter().map(|end| format!("{scheme}{authority}{end}")));
        }
    }
    payloads.extend(["", "/", "x", "?", "#", ".", "..", "about:blank", "javascript:alert(1)", "data:text/html,x"].map(str::to_owned));
    payloads.sort_unstable();
    payloads.dedup();
    payloads
}

/// `mod_auth_mellon` CVE-2019-3877 and CVE-2019-13038, and every open redirect since.
#[tokio::test]
async fn no_return_target_leads_elsewhere() {
    let house = SamlHouse::open("").await;
    let site = &house.usher.site;
    let (app, auth): (Url, Url) = (site.app("/").parse().unwrap(), site.auth("/").parse().unwrap());
    let is_ours = |url: &Url| [&app, &auth].iter().any(|ours| ours.origin() == url.origin()) && url.username().is_empty();
    let mut browser = Browser::new();
    house.sign_in(&mut browser, |draft| draft).await;
    assert!(house.is_signed_in(&mut browser).await);
    let payloads = payloads(&app, &auth);
    assert!(payloads.len() >= 1400, "{}", payloads.len());
    let mut sent = Vec::new();
    for payload in &payloads {
        let asked = Url::parse_with_params(auth.join("/login").unwrap().as_str(), [("return_to", payload)]).unwrap();
        let mut page = browser.visit(asked.as_str()).await;
        for _ in 0..4 {
            let Some(line) = page.headers.get("location").map(|line| line.to_str().unwrap().to_owned()) else { break };
            sent.push((page.url.to_string(), line));
            let next = page.location().unwrap();
            assert!(is_ours(&next), "{payload:?} leads to {next}");
            // The app may go where it likes; it is ours until there.
            if next.host_str() == Some("app.localhost") && !next.path().starts_with("/.usher/") {
                break;
            }
            page = browser.visit(next.as_str()).await;
        }
        assert!(page.status < 500, "{payload:?}: {} {}", page.status, page.text);
    }
    // What Rust reads is half of it: another reader of the same lines must end on the same hosts.
    let origins = read_by_node(&sent);
    assert_eq!(origins.len(), sent.len());
    for ((from, line), origin) in sent.iter().zip(&origins) {
        assert!([&app, &auth].iter().any(|ours| ours.origin().ascii_serialization() == *origin), "{from} -> {line:?} is {origin} for node");
    }
}

/// Where `location` leads from each page, in the URL parser of another engine.
fn read_by_node(sent: &[(String, String)]) -> Vec<String> {
    let script = "const read = require('fs').readFileSync(0, 'utf8'); \
                  console.log(JSON.stringify(JSON.parse(read).map(([from, line]) => new URL(line, from).origin)))";
    let mut node = Command::new("node")
        .args(["-e", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node does not start ({error}): apt-get install nodejs"));
    node.stdin.take().unwrap().write_all(&serde_json::to_vec(sent).unwrap()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
