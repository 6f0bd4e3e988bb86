//! "Why is Jo a User?", and what something else would give: the member's page, the what-if box, and the same answers at every door.

use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use usher::admin::{Hypothesis, Permission, TokenWish};
use usher::clock::{Clock as _, SystemClock};
use usher::core::{ConnectionId, GroupClaim, Identity, MappedGroup};

use super::{OIDC, SAML};
use crate::login::House;
use crate::support::ask::Ask;
use crate::support::browser::{Browser, Page};
use crate::support::installation::{Installation, Site};
use crate::support::saml_idp::{Draft, IDP, IDP_CERT, assertion};

#[tokio::test]
async fn a_members_page_says_why_and_what_todays_rules_would_say() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    house.browser_of("ada").await;
    let ada = house.usher.find_member("ada").await.unwrap();
    let leaf = format!("members/{}", ada.id);
    let page = house.page(&mut olivia, &leaf).await;
    let same = "With today’s rules and seats, the next sign-in gives the same";
    for shown in
        ["because <bdi>app-admins</bdi>", "because <bdi>design</bdi>", same, "Be in app-owners.", "rank 2 of 3: Admin by app-admins"]
    {
        assert!(page.text.contains(shown), "{shown} in {}", page.text);
    }
    house
        .settings(|settings| {
            settings.organizations[0].role_mappings[2].groups.push(MappedGroup { value: "app-admins".to_owned(), label: None });
            settings.organizations[0].role_mappings[1].groups.clear();
        })
        .await;
    let page = house.page(&mut olivia, &leaf).await;
    assert!(
        page.text.contains("With today’s rules and seats</strong>, a sign-in with these groups gives: <bdi>User · Premium"),
        "{}",
        page.text
    );
}

/// A token that nobody signed.
fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(claims), URL_SAFE_NO_PAD.encode("no signature"))
}

async fn ask(house: &House, browser: &mut Browser, connection: &str, message: &str) -> Page {
    house.post(browser, "access/what-if", &[("connection", connection), ("email", ""), ("groups", ""), ("message", message)]).await
}

#[tokio::test]
async fn a_pasted_message_is_read_answered_and_said_not_to_be_verified() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let before = house.usher.store.list_audit(0, 1000).await.unwrap().len();
    let pasted = token(&json!({"sub": "x1", "email": "jo@acme.example", "name": "<i>Jo</i>", "groups": ["app-admins", "</dl><script>"]}));
    let answer = ask(&house, &mut olivia, OIDC, &pasted).await;
    for shown in ["read, and not verified", "Admin", "because app-admins", "&#60;i&#62;Jo&#60;/i&#62;", "&#60;/dl&#62;&#60;script&#62;"] {
        assert!(answer.text.contains(shown), "{shown} in {}", answer.text);
    }
    let response = Draft::new().edit("ada@acme.example", "kim@acme.example");
    for message in [STANDARD.encode(&response.0), response.0.clone(), assertion("_a1", "kim-1").replace("ada@acme", "kim@acme")] {
        let answer = ask(&house, &mut olivia, SAML, &message).await;
        assert!(answer.text.contains("read, and not verified") && answer.text.contains("Admin · Premium"), "{}", answer.text);
    }
    assert_eq!(house.usher.store.list_audit(0, 1000).await.unwrap().len(), before, "nothing was written");
    assert!(house.usher.find_member("jo").await.is_none());
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_nothing_happens() {
    let house = House::open().await;
    let mut olivia = house.browser_of("olivia").await;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part("{\"alg\":\"none\"}");
    let doctype = "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>";
    let encrypted = "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Version=\"2.0\"><samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status><saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/></samlp:Response>";
    for (connection, message) in [
        (OIDC, "nonsense".to_owned()),
        (OIDC, "a.b.c".to_owned()),
        (OIDC, format!("{header}.{}.", part("{\"email\":\"a@acme.example\"}"))),
        (OIDC, format!("{header}.{}.", part("{\"sub\":\"a\",\"sub\":\"b\"}"))),
        (OIDC, format!("{header}.{}.x", part(&format!("{{\"sub\":\"{}\"}}", "x".repeat(300))))),
        (OIDC, format!("{header}.{}.x", "A".repeat(70_000))),
        (OIDC, Draft::new().0),
        (SAML, "nonsense".to_owned()),
        (SAML, doctype.to_owned()),
        (SAML, STANDARD.encode(doctype)),
        (SAML, format!("<x>{}</x>", "y".repeat(300_000))),
        (SAML, format!("{}{}", "<x>".repeat(5000), "</x>".repeat(5000))),
        (SAML, encrypted.to_owned()),
        (SAML, token(&json!({"sub": "x"}))),
    ] {
        let answer = ask(&house, &mut olivia, connection, &message).await;
        assert_eq!(answer.status, 200, "{connection} {message:.60}: {}", answer.text);
        assert!(answer.text.contains("The pasted text cannot be read"), "{connection} {message:.60}: {}", answer.text);
        assert!(!answer.text.contains("class=\"answer\""), "{connection} {message:.60}");
    }
}

/// An installation with both protocols, whose providers nobody needs to reach.
fn connections() -> String {
    format!(
        "[[connection]]\nid = \"okta\"\nprotocol = \"saml\"\ndomains = [\"acme.example\"]\nentity_id = \"{IDP}\"\nsso_url = \"https://idp.example/sso\"\ncertificates = [\"\"\"{IDP_CERT}\"\"\"]\n\
         [[connection]]\nid = \"entra\"\nprotocol = \"oidc\"\nissuer = \"https://op.acme.example\"\nclient_id = \"usher\"\ndomains = [\"acme.example\"]\n"
    )
}

/// The answer on the command line.
fn on_the_command_line(usher: &Installation, connection: &str, option: &str, message: &str) -> Value {
    let file = usher.folder().join(format!("pasted-{connection}"));
    std::fs::write(&file, message).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    let output =
        command.args(["whatif", "--json", "--connection", connection, option]).arg(file).current_dir(usher.folder()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("NOT verified"), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The answer over the API.
async fn over_the_api(usher: &Installation, token: &str, connection: &str, message: &str) -> Value {
    let host = format!("auth.localhost:{}", usher.site.port);
    let ask = Ask::to(&host, "POST", "/api/v1/organizations/acme/what-if/message").bearer(token);
    let body = json!({ "connection": connection, "message": message }).to_string();
    let reply = usher.public(ask.header("Content-Type", "application/json").body(&body)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn console_api_and_command_line_give_the_answer_of_the_use_case() {
    let clock = Arc::new(SystemClock);
    let usher = Installation::start(Site::new(), &connections()).await;
    let admin = usher.admin(clock.clone());
    let link = admin.create_recovery_link(&super::super::operator(), None).await.unwrap();
    let mut browser = Browser::new();
    let door = browser.open(&usher.site.auth(&format!("/recovery/{}", link.token))).await;
    let console = browser.submit(&door, door.forms().remove(0)).await;
    let owner = usher.find_member("olivia").await.map(|row| row.person);
    let wish = TokenWish {
        name: "asks".to_owned(),
        scopes: [Permission::MembersRead].into(),
        expires_at: clock.now() + SignedDuration::from_hours(1),
        owner,
    };
    let api_token = admin.create_token(&super::super::operator(), wish).await.unwrap().secret.reveal().to_owned();
    let identity = |connection: &str, subject: &str| Identity {
        connection: ConnectionId::parse(connection).unwrap(),
        subject: subject.to_owned(),
        email: Some(usher::core::EmailAddress::parse("ada@acme.example").unwrap()),
        name: Some("Ada Lovelace".to_owned()),
        groups: GroupClaim::from_values(["app-admins", "design"]),
        idp_initiated: false,
    };
    let claims = json!({"sub": "a-1", "email": "ada@acme.example", "name": "Ada Lovelace", "groups": ["app-admins", "design"]});
    for (connection, option, message, subject) in
        [("entra", "--token", token(&claims), "a-1"), ("okta", "--saml", Draft::new().0, "ada-0001")]
    {
        let asked = Hypothesis::Pasted(identity(connection, subject));
        let answer = admin.what_if(&super::super::operator(), asked).await.unwrap();
        let told = on_the_command_line(&usher, connection, option, &message);
        assert_eq!(told["explanation"], json!(answer.explanation), "{connection}");
        assert_eq!(told["identity"], json!(answer.identity), "{connection}");
        let address = usher.site.auth("/admin/acme/access/what-if");
        let page = browser.post_from(&console.url, &address, &[("connection", connection), ("message", &message)]).await;
        let explanation = answer.explanation;
        let over_the_api = over_the_api(&usher, &api_token, connection, &message).await;
        for (part, lines) in [("role", &explanation.role), ("seat", &explanation.seat), ("changes", &explanation.changes)] {
            assert_eq!(over_the_api["explanation"][part], json!(lines), "{connection}");
        }
        assert_eq!(over_the_api["explanation"]["sentence"], json!(explanation.sentence()), "{connection}");
        let lines = [&explanation.role, &explanation.seat, &explanation.notes, &explanation.changes];
        for line in lines.into_iter().flatten().chain([&explanation.sentence()]) {
            assert!(page.text.contains(line.as_str()), "{connection}: {line} in {}", page.text);
        }
    }
}
