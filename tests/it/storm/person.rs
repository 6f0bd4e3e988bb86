//! Someone who signs in: the browser with its one cookie, and the provider who signs whatever is asked.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use reqwest::{Method, header};
use url::{Url, form_urlencoded};
use usher::clock::{Clock as _, SystemClock};
use usher::saml::message;
use usher::session::cookie::SESSION;

use super::server::Site;
use crate::support::saml_idp::{ACS, Draft, REQUEST, SP, Signer};

/// How a login ended for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Saw {
    /// The way into the app.
    App,
    /// A page that says no.
    Refusal { status: u16, page: String },
    /// No answer: the server was gone.
    Nothing,
}

/// The server did not answer.
#[derive(Debug)]
pub(super) struct Gone;

/// One person in one browser.
pub(super) struct Person {
    name: String,
    origin: String,
    address: String,
    app: String,
    client: reqwest::Client,
    cookie: String,
}

impl Person {
    pub(super) fn new(site: &Site, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            origin: format!("http://auth.localhost:{}", site.port),
            address: format!("http://127.0.0.1:{}", site.port),
            app: format!("http://app.localhost:{}", site.port),
            client: site.client.clone(),
            cookie: String::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The whole way.
    pub(super) async fn sign_in(mut self) -> Saw {
        match self.arrive_signed().await {
            Ok(step) => self.finish(&step).await,
            Err(Gone) => Saw::Nothing,
        }
    }

    /// To the provider and back with its signed answer, as far as the last step, which decides.
    pub(super) async fn arrive_signed(&mut self) -> Result<String, Gone> {
        let form = self.fetch_answer().await?;
        self.post(&form).await
    }

    /// To the provider; its signed answer, as a form to post.
    pub(super) async fn fetch_answer(&mut self) -> Result<String, Gone> {
        let return_to: String = form_urlencoded::byte_serialize(format!("{}/reports", self.app).as_bytes()).collect();
        let start = self.send(self.request(Method::GET, &format!("/login/okta?return_to={return_to}"))).await?;
        let set = start.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap();
        self.cookie = set.split(';').next().unwrap_or_default().into();
        let provider = Url::parse(location(&start)).unwrap();
        let parameter = |name: &str| provider.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
        let answer = self.sign(&request_id(&parameter("SAMLRequest")));
        let form = [("SAMLResponse", answer), ("RelayState", parameter("RelayState"))];
        Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
    }

    /// Posts the provider's answer; gives the step that goes on.
    pub(super) async fn post(&self, form: &str) -> Result<String, Gone> {
        // From another site: a Lax cookie stays at home.
        let post = self.request(Method::POST, "/saml/okta/acs").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let parked = self.send(post.body(form.to_owned())).await?;
        Ok(location(&parked).to_owned())
    }

    /// The last step.
    pub(super) async fn finish(&self, step: &str) -> Saw {
        self.finish_with_session(step).await.0
    }

    /// The same, with the cookie of the session that it started.
    pub(super) async fn finish_with_session(&self, step: &str) -> (Saw, Option<String>) {
        let Ok(answer) = self.send(self.request(Method::GET, step).header(header::COOKIE, &self.cookie)).await else {
            return (Saw::Nothing, None);
        };
        let status = answer.status().as_u16();
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        let mut sessions = cookies.filter(|line| line.starts_with(SESSION)).map(|line| line.split(';').next().unwrap().to_owned());
        let session = sessions.next();
        if status == 303 {
            assert!(location(&answer).starts_with(&self.app), "{answer:?}");
            return (Saw::App, session);
        }
        (answer.text().await.map_or(Saw::Nothing, |page| Saw::Refusal { status, page }), session)
    }

    /// Who the auth host says this session is; nothing when it asks to sign in.
    pub(super) async fn find_account(&self, session: &str) -> Option<String> {
        let answer = self.send(self.request(Method::GET, "/").header(header::COOKIE, session)).await.unwrap();
        let is_in = answer.status().as_u16() == 200;
        is_in.then_some(answer.text().await.unwrap())
    }

    /// Signs out on the account page.
    pub(super) async fn sign_out(&self, session: &str) {
        let form = self.request(Method::POST, "/logout").header(header::COOKIE, session).header(header::ORIGIN, &self.origin);
        assert!(self.send(form).await.unwrap().status().as_u16() < 400);
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let host = self.origin.trim_start_matches("http://");
        self.client.request(method, format!("{}{path}", self.address)).header(header::HOST, host).header(header::ACCEPT, "text/html")
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Gone> {
        request.send().await.map_err(|_| Gone)
    }

    /// The provider's answer to this request, about this person, now.
    fn sign(&self, request: &str) -> String {
        let (response, assertion) = (format!("_r{request}"), format!("_a{request}"));
        let draft = Draft::new()
            .edit("_response1", &response)
            .edit("_assertion1", &assertion)
            .at(SystemClock.now())
            .edit(ACS, &format!("{}/saml/okta/acs", self.origin))
            .edit(SP, &format!("{}/saml/okta/metadata", self.origin))
            .edit(REQUEST, request)
            .edit("ada-0001", &format!("subject-of-{}", self.name))
            .edit("ada@acme.example", &format!("{}@acme.example", self.name))
            .edit("Ada Lovelace", &self.name)
            .edit("app-admins", "everyone");
        message::encode_post(&Signer::idp().sign(&draft.0, &assertion, &[]))
    }
}

fn location(answer: &reqwest::Response) -> &str {
    assert_eq!(answer.status().as_u16(), 303, "{answer:?}");
    answer.headers()[header::LOCATION].to_str().unwrap()
}

/// The id of the `AuthnRequest` in a redirect (SAML Bindings 3.4.4.1).
fn request_id(parameter: &str) -> String {
    let mut xml = String::new();
    DeflateDecoder::new(STANDARD.decode(parameter).unwrap().as_slice()).read_to_string(&mut xml).unwrap();
    let (_, rest) = xml.split_once(" ID=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}
