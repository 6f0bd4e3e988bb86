//! A browser without script: cookies as browsers keep them, redirects by hand, forms and links of the page.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use cookie::{Cookie, SameSite};
use html5gum::{Token, Tokenizer};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap};
use url::Url;
use usher::clock::{Clock as _, SystemClock};

const MAX_REDIRECTS: usize = 20;

/// A form as the page offers it, filled with the values that it comes with.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) action: Url,
    pub(crate) fields: Vec<(String, String)>,
    post: bool,
    /// Names of fields that wait for input, and of buttons.
    blanks: Vec<String>,
}

impl Form {
    /// Fills in a field, or presses a button with a value.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(found, _)| found != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(found, _)| found == name) || self.blanks.iter().any(|found| found == name)
    }
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Every address that was asked on the way, this one last.
    pub(crate) trail: Vec<Url>,
    initiator: Option<Url>,
}

impl Page {
    /// Where a redirect goes.
    pub(crate) fn location(&self) -> Option<Url> {
        self.headers.get(header::LOCATION).map(|value| self.url.join(value.to_str().unwrap()).unwrap())
    }

    /// The form with this field.
    pub(crate) fn form(&self, field: &str) -> Form {
        let forms = self.forms();
        forms.iter().find(|form| form.has(field)).cloned().unwrap_or_else(|| {
            panic!("no form with {field} at {} (status {}), only {forms:?} in\n{}", self.url, self.status, self.text);
        })
    }

    /// The form that goes to this path.
    pub(crate) fn form_to(&self, path: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.action.path() == path);
        found.unwrap_or_else(|| panic!("no form to {path} at {} (status {}) in\n{}", self.url, self.status, self.text))
    }

    /// The address of the first link to somewhere that starts like this.
    pub(crate) fn find_link(&self, start: &str) -> Option<Url> {
        let hrefs = self.tags().into_iter().filter(|(name, _)| name == "a").filter_map(|(_, attributes)| attribute(&attributes, "href"));
        hrefs.filter_map(|href| self.url.join(&href).ok()).find(|url| url.as_str().starts_with(start))
    }

    /// The addresses of the page's frames.
    pub(crate) fn frames(&self) -> Vec<Url> {
        let frames = self.tags().into_iter().filter(|(name, _)| name == "iframe");
        frames.filter_map(|(_, attributes)| attribute(&attributes, "src")).filter_map(|src| self.url.join(&src).ok()).collect()
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        for (tag, attributes) in self.tags() {
            let of = |name| attribute(&attributes, name);
            if tag == "form" {
                let action = self.url.join(&of("action").unwrap_or_default()).unwrap();
                let post = of("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                forms.push(Form { action, post, fields: Vec::new(), blanks: Vec::new() });
            } else if let ("input" | "button", Some(form), Some(name)) = (tag.as_str(), forms.last_mut(), of("name")) {
                let is_button = tag == "button" || of("type").is_some_and(|kind| ["submit", "checkbox"].contains(&kind.as_str()));
                match of("value") {
                    Some(value) if !is_button => form.fields.push((name, value)),
                    _ => form.blanks.push(name),
                }
            }
        }
        forms
    }

    /// Start tags with their attributes.
    fn tags(&self) -> Vec<(String, Attributes)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let start_tag = |token| match token {
            Ok(Token::StartTag(tag)) => {
                Some((text(&tag.name), tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect()))
            }
            _ => None,
        };
        Tokenizer::new(&self.text).filter_map(start_tag).collect()
    }
}

type Attributes = Vec<(String, String)>;

fn attribute(attributes: &Attributes, name: &str) -> Option<String> {
    attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
}

/// The form of one request, as browsers write it.
struct Body {
    kind: &'static str,
    text: String,
}

impl Body {
    fn of<N: AsRef<str>, V: AsRef<str>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { kind: "application/x-www-form-urlencoded", text }
    }

    /// As forms with files are sent (RFC 7578).
    fn in_parts(fields: &[(String, String)]) -> Self {
        let part = |(name, value): &(String, String)| {
            let file = if name == "logo" { "; filename=\"logo\"" } else { "" };
            format!("--usher\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
        };
        Self { kind: "multipart/form-data; boundary=usher", text: fields.iter().map(part).collect::<String>() + "--usher--\r\n" }
    }
}

/// One request of a tab.
struct Ask {
    url: Url,
    form: Option<Body>,
    /// The page that it comes from; `None` when the address was typed.
    initiator: Option<Url>,
}

/// A cookie and where it belongs.
#[derive(Debug, Clone)]
struct Kept {
    host: String,
    cookie: Cookie<'static>,
}

/// The browser. A clone is another tab: it shares the cookies.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    client: reqwest::Client,
    cookies: Arc<Mutex<Vec<Kept>>>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self::build(|client| client)
    }

    /// With this as its `User-Agent`.
    pub(crate) fn calling_itself(name: &str) -> Self {
        Self::build(|client| client.user_agent(name))
    }

    #[expect(clippy::disallowed_methods, reason = "a browser is not the gateway")]
    fn build(more: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().dns_resolver(Loopback);
        Self { client: more(client).build().unwrap(), cookies: Arc::default() }
    }

    /// Types an address, and goes wherever it leads.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        let page = self.visit(url).await;
        self.follow(page).await
    }

    /// Types an address; a redirect is not followed.
    pub(crate) async fn visit(&mut self, url: &str) -> Page {
        self.ask(Ask { url: url.parse().unwrap(), form: None, initiator: None }, Vec::new()).await
    }

    /// Clicks a link of the page.
    pub(crate) async fn click(&mut self, page: &Page, url: Url) -> Page {
        let page = self.ask(Ask { url, form: None, initiator: Some(page.url.clone()) }, Vec::new()).await;
        self.follow(page).await
    }

    /// Sends a form of the page.
    pub(crate) async fn submit(&mut self, page: &Page, form: Form) -> Page {
        let page = self.send(page, form).await;
        self.follow(page).await
    }

    /// Sends a form of the page; a redirect is not followed.
    pub(crate) async fn send(&mut self, page: &Page, form: Form) -> Page {
        let Form { action: mut url, fields, post, .. } = form;
        if !post {
            url.query_pairs_mut().clear().extend_pairs(&fields);
        }
        self.ask(Ask { url, form: post.then(|| Body::of(fields)), initiator: Some(page.url.clone()) }, Vec::new()).await
    }

    /// Sends a form with files, and goes wherever it leads.
    pub(crate) async fn submit_parts(&mut self, page: &Page, form: Form) -> Page {
        let ask = Ask { url: form.action, form: Some(Body::in_parts(&form.fields)), initiator: Some(page.url.clone()) };
        let page = self.ask(ask, Vec::new()).await;
        self.follow(page).await
    }

    /// Sends a form of another site, and goes wherever it leads.
    pub(crate) async fn post_from(&mut self, from: &Url, action: &str, fields: &[(&str, &str)]) -> Page {
        self.post_until(from, action, fields, |_| false).await
    }

    /// The same, as far as a redirect to an address of which `stop` says so.
    pub(crate) async fn post_until(&mut self, from: &Url, action: &str, fields: &[(&str, &str)], stop: impl Fn(&Url) -> bool) -> Page {
        let page = self
            .ask(
                Ask { url: action.parse().unwrap(), form: Some(Body::of(fields.iter().copied())), initiator: Some(from.clone()) },
                Vec::new(),
            )
            .await;
        self.follow_until(page, stop).await
    }

    /// Follows redirects until there is a page.
    pub(crate) async fn follow(&mut self, page: Page) -> Page {
        self.follow_until(page, |_| false).await
    }

    /// Follows redirects until there is a page, or a redirect to an address of which `stop` says so.
    pub(crate) async fn follow_until(&mut self, mut page: Page, stop: impl Fn(&Url) -> bool) -> Page {
        while let Some(location) = page.location().filter(|url| !stop(url)) {
            assert!(page.trail.len() < MAX_REDIRECTS, "too many redirects: {:#?}", page.trail);
            page = self.ask(Ask { url: location, form: None, initiator: page.initiator }, page.trail).await;
        }
        page
    }

    /// Goes on as a browser with script does from a provider's last page: a redirect, or the form of a SAML response, which sends itself.
    pub(crate) async fn come_back(&mut self, page: Page) -> Page {
        if page.location().is_some() {
            return self.follow(page).await;
        }
        let form = page.form("SAMLResponse");
        self.submit(&page, form).await
    }

    /// Goes on through redirects and forms that send themselves, as far as there are any with a SAML message.
    pub(crate) async fn go_on(&mut self, mut page: Page) -> Page {
        for _ in 0..MAX_REDIRECTS {
            page = self.follow(page).await;
            let Some(form) = page.forms().into_iter().find(|form| form.has("SAMLRequest") || form.has("SAMLResponse")) else { break };
            page = self.submit(&page, form).await;
        }
        page
    }

    /// What a script of the page gets: no navigation, no redirect.
    pub(crate) async fn fetch(&mut self, url: &str) -> Page {
        let url: Url = url.parse().unwrap();
        let request = self.client.get(url.clone()).header("Sec-Fetch-Mode", "cors").header("Sec-Fetch-Site", "same-origin");
        let cookies = self.cookies_for(&url, false, true);
        self.receive(request.header(header::COOKIE, cookies), url, vec![], None).await
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, host: &str, name: &str) -> Option<String> {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().find(|kept| kept.host == host && kept.cookie.name() == name).map(|kept| kept.cookie.value().to_owned())
    }

    /// The names of a host's cookies.
    pub(crate) fn cookies(&self, host: &str) -> Vec<String> {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().filter(|kept| kept.host == host).map(|kept| kept.cookie.name().to_owned()).collect()
    }

    /// Loses a cookie.
    pub(crate) fn forget(&self, host: &str, name: &str) {
        self.cookies.lock().unwrap().retain(|kept| kept.host != host || kept.cookie.name() != name);
    }

    async fn ask(&mut self, ask: Ask, trail: Vec<Url>) -> Page {
        let Ask { url, form, initiator } = ask;
        let relation = relation(initiator.as_ref(), &trail, &url);
        let mut request = if form.is_some() { self.client.post(url.clone()) } else { self.client.get(url.clone()) }
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header(header::COOKIE, self.cookies_for(&url, relation == "cross-site", form.is_none()))
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "document")
            .header("Sec-Fetch-Site", relation);
        if let (Some(body), Some(from)) = (form, &initiator) {
            request =
                request.header(header::ORIGIN, from.origin().ascii_serialization()).header(header::CONTENT_TYPE, body.kind).body(body.text);
        }
        self.receive(request, url, trail, initiator).await
    }

    async fn receive(&mut self, request: reqwest::RequestBuilder, url: Url, mut trail: Vec<Url>, initiator: Option<Url>) -> Page {
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for line in headers.get_all(header::SET_COOKIE) {
            self.keep(&url, Cookie::parse(line.to_str().unwrap().to_owned()).unwrap());
        }
        trail.push(url.clone());
        Page { url, status, headers, text: answer.text().await.unwrap(), trail, initiator }
    }

    /// A cookie that a browser would not take is a fault of whoever set it.
    fn keep(&self, url: &Url, cookie: Cookie<'static>) {
        let host = url.host_str().unwrap().to_owned();
        if cookie.name().starts_with("__Host-") {
            let rules = (cookie.secure(), cookie.path(), cookie.domain());
            assert_eq!(rules, (Some(true), Some("/"), None), "{cookie}");
        }
        let mut cookies = self.cookies.lock().unwrap();
        cookies.retain(|kept| (&kept.host, kept.cookie.name(), kept.cookie.path()) != (&host, cookie.name(), cookie.path()));
        let is_past = |at: cookie::time::OffsetDateTime| at.unix_timestamp() <= SystemClock.now().as_second();
        let removed =
            cookie.max_age().is_some_and(|age| age <= cookie::time::Duration::ZERO) || cookie.expires_datetime().is_some_and(is_past);
        if !removed {
            cookies.push(Kept { host, cookie });
        }
    }

    /// The `Cookie` line. Without `SameSite`, a cookie is Lax: not sent with a POST that another site started.
    fn cookies_for(&self, url: &Url, cross_site: bool, safe: bool) -> String {
        let host = url.host_str().unwrap();
        let sent = |kept: &&Kept| {
            let path = kept.cookie.path().filter(|path| path.starts_with('/')).unwrap_or("/");
            let same_site = match kept.cookie.same_site() {
                Some(SameSite::None) => true,
                Some(SameSite::Strict) => !cross_site,
                Some(SameSite::Lax) | None => !cross_site || safe,
            };
            kept.host == host && url.path().starts_with(path) && same_site
        };
        let cookies = self.cookies.lock().unwrap();
        let pairs = cookies.iter().filter(sent).map(|kept| format!("{}={}", kept.cookie.name(), kept.cookie.value()));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// `Sec-Fetch-Site`: the farthest step of the way from the page where it began.
fn relation(initiator: Option<&Url>, trail: &[Url], url: &Url) -> &'static str {
    let Some(from) = initiator else { return "none" };
    let mut steps = trail.iter().chain([url]);
    if steps.clone().all(|step| step.origin() == from.origin()) {
        "same-origin"
    } else if steps.all(|step| step.host() == from.host()) {
        // No two of the tests' hosts belong to one site: `localhost` and addresses have no sites above them.
        "same-site"
    } else {
        "cross-site"
    }
}

/// Every name is this machine.
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Ok(Box::new(std::iter::once(SocketAddr::from(([127, 0, 0, 1], 0)))) as Addrs) })
    }
}
