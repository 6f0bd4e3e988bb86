//! Hostile texts, from a provider by real logins and from administrators by forms: on every page, in every file, on the terminal and in the log.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::json;
use usher::core::OrganizationId;

use super::markup::{MARK, TEXT, injected};
use super::routes::TABLE;
use super::{Things, post};
use crate::support::browser::{Browser, Page};
use crate::support::installation::Installation;
use crate::support::oidc_house::OidcHouse;
use crate::support::saml_house::SamlHouse;

/// A formula for a spreadsheet, and an address that [`usher::core::EmailAddress`] takes.
const ADDRESS: &str = "=cmd|'/zq9'!a0@acme.example";
/// What a terminal obeys in one byte less than `ESC [`, and what turns text around; XML can hold both.
const CONTROLS: &str = "zq9\u{9b}31m\u{202e}\u{85}";
/// What JSON can hold besides, and XML cannot.
const MORE_CONTROLS: &str = "zq9\u{1b}]8;;javascript:zq9()\u{7}\u{0}\r\n\u{9b}31m\u{202e}";
/// Not even an administrator gets this into a link.
const CONTACT: &str = "javascript:zq9()//";

/// The worst that a group may be called: with a control character the claim would be malformed, and nobody in.
const GROUP: &str = "zq9\u{202e}\u{2066}";

/// A gateway with a provider that says what its people want.
trait Door {
    /// What it can say in a name that is no text for people.
    const CONTROLS: &str;

    async fn open() -> Self;
    fn usher(&self) -> &Installation;
    async fn sign_in(&self, browser: &mut Browser, person: Person<'_>) -> Page;
}

/// What a provider says of somebody.
struct Person<'a> {
    subject: &'a str,
    email: &'a str,
    name: &'a str,
    groups: &'a [&'a str],
}

impl Door for SamlHouse {
    const CONTROLS: &str = CONTROLS;

    async fn open() -> Self {
        Self::open("").await
    }

    fn usher(&self) -> &Installation {
        &self.usher
    }

    async fn sign_in(&self, browser: &mut Browser, Person { subject, email, name, groups }: Person<'_>) -> Page {
        let xml = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let value = |text: &str| format!("<saml:AttributeValue xsi:type=\"xs:string\">{}</saml:AttributeValue>", xml(text));
        let edit = |draft: crate::support::saml_idp::Draft| {
            draft
                .edit(">ada-0001<", &format!(">{}<", xml(subject)))
                .edit(">ada@acme.example<", &format!(">{}<", xml(email)))
                .edit(">Ada Lovelace<", &format!(">{}<", xml(name)))
                .edit(&value("app-admins"), &groups.iter().map(|group| value(group)).collect::<String>())
                .edit(&value("design"), "")
        };
        Self::sign_in(self, browser, edit).await
    }
}

impl Door for OidcHouse {
    const CONTROLS: &str = MORE_CONTROLS;

    async fn open() -> Self {
        Self::open("").await
    }

    fn usher(&self) -> &Installation {
        &self.usher
    }

    async fn sign_in(&self, browser: &mut Browser, Person { subject, email, name, groups }: Person<'_>) -> Page {
        self.op.set(|op| op.claims = json!({ "sub": subject, "email": email, "name": name, "groups": groups }));
        self.login(browser).await
    }
}

/// A gateway into which hostile people signed in, with Olivia at the console.
struct Besieged<D = SamlHouse> {
    house: D,
    olivia: Browser,
    console: Page,
    things: Things,
    /// Pages that people who are no administrators saw on the way.
    seen: Vec<Page>,
}

impl<D: Door> Besieged<D> {
    async fn open() -> Self {
        let house = D::open().await;
        let mut olivia = Browser::new();
        let owner = Person { subject: "olivia", email: "olivia@acme.example", name: "Olivia", groups: &["app-owners"] };
        house.sign_in(&mut olivia, owner).await;
        let mut hostile = Browser::calling_itself(&format!("Mozilla/5.0 {TEXT}"));
        let (name, formula, subject) = (format!("={TEXT}{}", D::CONTROLS), format!("=1+{MARK}"), format!("{MARK}'\"><script>"));
        let groups = ["everyone", TEXT, GROUP, &formula];
        let inside = house.sign_in(&mut hostile, Person { subject: &subject, email: ADDRESS, name: &name, groups: &groups }).await;
        assert_eq!(inside.status, 200, "{}", inside.text);
        let mut stranger = Browser::calling_itself(TEXT);
        let nobody = Person { subject: "nobody", email: &format!("no{ADDRESS}"), name: &name, groups: &[TEXT] };
        let refused = house.sign_in(&mut stranger, nobody).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        let asked = stranger.submit(&refused, refused.form("form").with("reason", TEXT)).await;
        let console = olivia.open(&house.usher().site.auth("/admin/acme")).await;
        assert_eq!(console.status, 200, "{}", console.text);
        let email = usher::core::EmailAddress::parse(ADDRESS).unwrap();
        let acme = OrganizationId::parse("acme").unwrap();
        let row = house.usher().store.find_members_by_email(&acme, &email).await.unwrap().remove(0);
        let things = Things::from([("member", row.member.id.to_string()), ("connection", "okta".to_owned())]);
        Self { house, olivia, console, things, seen: vec![inside, refused, asked] }
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.house.usher().site.auth(&format!("/admin/acme{path}"));
        let page = post(&mut self.olivia, &self.console, &url, fields).await;
        self.olivia.follow(page).await
    }

    async fn get(&mut self, path: &str) -> Page {
        let page = self.olivia.visit(&self.house.usher().site.auth(path)).await;
        if page.location().is_some_and(|to| to.host_str() == page.url.host_str()) { self.olivia.follow(page).await } else { page }
    }

    fn member(&self, act: &str) -> String {
        format!("/members/{}{act}", self.things["member"])
    }

    /// What an administrator types: a pin, a token, a mapping, how pages look. The pages that answered.
    async fn type_hostile_texts(&mut self) -> Vec<Page> {
        let revision = self.house.usher().store.list_members(all()).await.unwrap();
        let revision = revision.iter().find(|row| row.member.id.to_string() == self.things["member"]).unwrap().member.revision.to_string();
        let pin = [("role", "User"), ("days", "7"), ("reason", TEXT), ("revision", revision.as_str())];
        let mut pages = vec![self.post(&self.member("/pin"), &pin).await];
        assert!(pages[0].status == 200 && pages[0].text.contains("Pinned until"), "{}", pages[0].text);
        let token = [("name", &TEXT[..80]), ("scopes", "members:read"), ("days", "7")];
        pages.push(self.post("/tokens", &token).await);
        assert!(pages[1].text.contains("ush_"), "{}", pages[1].text);
        let mapped = [("mode", "jit"), ("group_mappings", "on"), ("role-0", "app-owners"), ("add-role-1", TEXT), ("role-2", "everyone")];
        pages.push(self.post("/access", &mapped).await);
        pages.push(self.save(pages[2].clone()).await);
        let page = self.get("/admin/acme/settings").await;
        let form = page.form("support_contact").with("name", &format!("Acme {TEXT}")).with("support_contact", CONTACT);
        let review = self.olivia.submit_parts(&page, form).await;
        pages.push(review.clone());
        pages.push(self.save(review).await);
        pages
    }

    async fn save(&mut self, review: Page) -> Page {
        let form = review.forms().into_iter().find(|form| form.action.path().ends_with("/review/save"));
        let form = form.unwrap_or_else(|| panic!("{} {}", review.url, review.text));
        let saved = self.olivia.submit(&review, form).await;
        assert!(saved.status == 200 && saved.url.query() == Some("saved=true"), "{} {}", saved.url, saved.text);
        saved
    }

    /// Every page that there is to read, plain and with hostile questions.
    async fn read_everything(&mut self) -> Vec<Page> {
        let encoded: String = url::form_urlencoded::byte_serialize(TEXT.as_bytes()).collect();
        let mut paths: Vec<String> =
            TABLE.iter().filter(|route| route.method == "GET").map(|route| route.address("acme", &self.things)).collect();
        for path in ["members?q=", "members?role=", "members?seat=", "members?sort=", "members?after=", "members?status=all&q="] {
            paths.push(format!("/admin/acme/{path}{encoded}"));
        }
        for field in ["who", "event", "target", "reason", "from", "to", "text", "reference", "before", "connection"] {
            paths.push(format!("/admin/acme/activity?{field}={encoded}"));
        }
        paths.push(format!("/admin/acme/sessions?member={}&ended={encoded}", self.things["member"]));
        for path in
            ["/admin/", "/admin/acme/members/", "/admin/acme/connections/", "/login/", "/login?return_to=", "/nothing/", "/login?email="]
        {
            paths.push(format!("{path}{encoded}"));
        }
        let mut pages = Vec::new();
        for path in paths {
            pages.push(self.get(&path).await);
        }
        pages.push(Browser::new().open(&self.house.usher().site.auth("/login")).await);
        pages.push(Browser::new().open(&self.house.usher().site.app("/")).await);
        pages
    }

    /// Questions before an act, and refusals after one.
    async fn ask_everything(&mut self) -> Vec<Page> {
        let member = self.things["member"].clone();
        let token = self.get("/admin/acme/tokens").await.forms();
        let token = token.iter().find_map(|form| form.action.path().strip_prefix("/admin/acme").filter(|path| path.ends_with("/revoke")));
        let asks: Vec<(String, Vec<(&str, &str)>)> = vec![
            (self.member("/remove"), vec![]),
            (self.member("/owner"), vec![("typed", TEXT)]),
            (self.member("/change"), vec![("role", TEXT), ("revision", "1")]),
            (self.member("/change"), vec![("role", "Admin"), ("revision", "1")]),
            (self.member("/pin"), vec![("role", TEXT), ("days", TEXT), ("reason", TEXT), ("revision", "1")]),
            ("/members/remove".to_owned(), vec![("member", member.as_str())]),
            ("/sessions/end".to_owned(), vec![("which", "member"), ("member", member.as_str())]),
            ("/sessions/end".to_owned(), vec![("which", "connection"), ("connection", "okta")]),
            (token.unwrap().to_owned(), vec![]),
            ("/tokens".to_owned(), vec![("name", TEXT), ("scopes", TEXT), ("days", TEXT)]),
            ("/invites".to_owned(), vec![("email", TEXT), ("role", TEXT), ("seat", TEXT)]),
            ("/access/what-if".to_owned(), vec![("connection", "okta"), ("email", TEXT), ("groups", TEXT)]),
            ("/access/what-if".to_owned(), vec![("connection", "okta"), ("email", ADDRESS), ("groups", TEXT)]),
            // Nobody mapped any more: everybody who is concerned is named, with their groups.
            ("/access".to_owned(), vec![("mode", "jit"), ("group_mappings", "on"), ("add-role-0", TEXT)]),
            ("/access/undo".to_owned(), vec![("revision", TEXT)]),
            ("/review/save".to_owned(), vec![("review", TEXT), ("organization_name", TEXT), ("lose_access", TEXT)]),
        ];
        let mut pages = Vec::new();
        for (path, fields) in asks {
            pages.push(self.post(&path, &fields).await);
        }
        pages
    }
}

fn all() -> usher::store::MemberQuery<'static> {
    static ACME: std::sync::LazyLock<OrganizationId> = std::sync::LazyLock::new(|| OrganizationId::parse("acme").unwrap());
    usher::store::MemberQuery { organization: &ACME, search: None, after: None, limit: 500 }
}

#[tokio::test]
async fn no_text_of_anybody_becomes_markup_on_any_page() {
    stays_text(Besieged::<SamlHouse>::open().await).await;
}

#[tokio::test]
async fn no_text_of_an_id_token_becomes_markup_on_any_page() {
    stays_text(Besieged::<OidcHouse>::open().await).await;
}

async fn stays_text<D: Door>(mut besieged: Besieged<D>) {
    let mut pages = besieged.type_hostile_texts().await;
    pages.append(&mut besieged.seen);
    // The app behind the gateway says what it likes.
    pages.retain(|page| page.url.host_str() == Some("auth.localhost"));
    pages.extend(besieged.read_everything().await);
    pages.extend(besieged.ask_everything().await);
    let mut shown = 0;
    for page in &pages {
        assert_eq!(injected(&page.text), [""; 0], "{} ({})\n{}", page.url, page.status, page.text);
        assert!(page.status < 500, "{} ({})\n{}", page.url, page.status, page.text);
        for (name, value) in &page.headers {
            // A nonce is made at random, so the mark may be in it by chance.
            let said = String::from_utf8_lossy(value.as_bytes());
            let marked = said.split_whitespace().any(|word| word.contains(MARK) && !word.starts_with("'nonce-"));
            assert!(name == "location" || !marked, "{}: {name}: {value:?}", page.url);
        }
        shown += usize::from(page.text.contains(MARK));
    }
    assert!(shown > 25, "only {shown} of {} pages show the texts: they are not what is tested", pages.len());
}

#[tokio::test]
async fn a_colour_or_a_logo_that_is_none_is_refused() {
    let mut besieged = Besieged::<SamlHouse>::open().await;
    let page = besieged.get("/admin/acme/settings").await;
    for colour in ["#fff;}*{x:zq9", "url(//zq9)", "</style><script>zq9()</script>", "javascript:zq9"] {
        let form = page.form("support_contact").with("own_colour", "yes").with("colour", colour);
        let answer = besieged.olivia.submit_parts(&page, form).await;
        assert_eq!((answer.status, injected(&answer.text)), (422, vec![]), "{colour}: {}", answer.text);
    }
    for logo in ["<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"zq9()\"/>", "<script>zq9()</script>", "GIF89a=zq9;"] {
        let form = page.form("support_contact").with("logo", logo);
        let answer = besieged.olivia.submit_parts(&page, form).await;
        assert_eq!((answer.status, injected(&answer.text)), (422, vec![]), "{logo}: {}", answer.text);
    }
    let hidden = "{\u{202e}zq9}";
    for field in ["name", "support_contact"] {
        let answer = besieged.olivia.submit_parts(&page, page.form("support_contact").with(field, hidden)).await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.text);
    }
}

/// The first bytes of a picture with markup behind them: it is a picture for every browser, because nobody may guess.
#[tokio::test]
async fn markup_behind_the_first_bytes_of_a_picture_stays_a_picture() {
    let mut besieged = Besieged::<SamlHouse>::open().await;
    let page = besieged.get("/admin/acme/settings").await;
    let form = page.form("support_contact").with("logo", "RIFF____WEBPVP8 <script>zq9()</script>");
    let review = besieged.olivia.submit_parts(&page, form).await;
    let saved = besieged.save(review).await;
    let src = saved.text.split("/brand/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let logo = besieged.get(&format!("/brand/{src}")).await;
    let says = |name: &str| logo.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    assert_eq!((logo.status, says("content-type"), says("x-content-type-options")), (200, "image/webp", "nosniff"));
    assert!(says("content-security-policy").starts_with("default-src 'none'"), "{:?}", logo.headers);
}

#[tokio::test]
async fn no_cell_of_a_file_is_a_formula_and_no_line_is_two() {
    let mut besieged = Besieged::<SamlHouse>::open().await;
    besieged.type_hostile_texts().await;
    for path in ["/admin/acme/members?format=csv", "/admin/acme/activity?format=csv"] {
        let file = besieged.get(path).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(file.headers["content-type"].to_str().unwrap().starts_with("text/csv; charset=utf-8"), "{path}");
        assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\""), "{path}");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(file.text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert!(rows.len() > 2 && file.text.contains(MARK), "{path}: {}", file.text);
        for cell in rows.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{path}: {cell}");
            assert!(!cell.chars().any(|c| c.is_control() && c != '\n'), "{path}: {cell:?}");
        }
    }
    let file = besieged.get("/admin/acme/activity?format=ndjson").await;
    assert_eq!(file.status, 200);
    assert!(file.text.lines().count() > 3 && file.text.contains(MARK), "{}", file.text);
    for line in file.text.lines() {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[tokio::test]
async fn a_terminal_gets_nothing_that_it_would_obey() {
    obeys_nothing(Besieged::<SamlHouse>::open().await).await;
}

#[tokio::test]
async fn a_terminal_gets_nothing_of_an_id_token_that_it_would_obey() {
    obeys_nothing(Besieged::<OidcHouse>::open().await).await;
}

async fn obeys_nothing<D: Door>(mut besieged: Besieged<D>) {
    besieged.type_hostile_texts().await;
    let folder = besieged.house.usher().folder().to_owned();
    let (mut shown, member) = (0, besieged.things["member"].clone());
    for (words, for_programs) in [
        (vec!["member", "list"], true),
        (vec!["member", "show", ADDRESS], true),
        (vec!["explain", ADDRESS], true),
        (vec!["whatif", "--connection", "okta", "--groups", TEXT], true),
        (vec!["member", "remove", &member], false),
        (vec!["seat", "list"], true),
        (vec!["invite", "list"], true),
        (vec!["request", "list"], true),
        (vec!["session", "list"], true),
        (vec!["token", "list"], true),
        (vec!["activity"], true),
        (vec!["apply", "org.toml", "--dry-run"], true),
    ] {
        let json = [words.clone(), vec!["--json"]].concat();
        for words in [Some(words), for_programs.then_some(json)].into_iter().flatten() {
            let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
            let ended = command.args(&words).current_dir(&folder).env_clear().stdin(Stdio::null()).output().unwrap();
            for text in [&ended.stdout, &ended.stderr] {
                let text = String::from_utf8(text.clone()).unwrap();
                let obeyed =
                    |c: char| c.is_control() && c != '\n' && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                assert!(!text.contains(obeyed), "usher {words:?}: {text:?}");
                shown += usize::from(text.contains(MARK));
            }
        }
    }
    assert!(shown > 8, "only {shown} outputs show the texts");
}

/// What is written to a log is one object a line, whoever says what, and nobody is in it by name, address or words of theirs.
#[tokio::test]
async fn the_log_has_no_line_that_somebody_else_wrote() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_max_level(tracing::Level::DEBUG).with_writer({
        let log = log.clone();
        move || log.clone()
    });
    lines.try_init().unwrap();
    let mut besieged = Besieged::<SamlHouse>::open().await;
    besieged.type_hostile_texts().await;
    besieged.read_everything().await;
    besieged.ask_everything().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = text.lines().filter(|line| line.contains("\"target\":\"usher")).collect();
    assert!(ours.len() > 10, "{text}");
    for line in ours {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(!line.contains(MARK) && !line.contains("@acme.example") && !line.contains(char::is_control), "{line}");
    }
}

/// What was logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
