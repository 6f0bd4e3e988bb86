//! An identity provider that says whatever a test wants, freshly signed. Messages start well-formed and true; a test edits one thing, then signs.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use usher::core::{Cbc, Connection, IdpSource, Protocol, RequestBinding, SamlSettings};
use usher::saml::encryption::{Encryption, encrypt_assertion};
use usher::saml::sign::{SigningKey, sign_element_with_prefixes};
use usher::saml::xml::algorithms::SignatureAlgorithm;
use usher::saml::{Checked, SamlError, ServiceProvider, SpAddresses, SpKeys, message};

pub(crate) const IDP: &str = "https://idp.example/saml/metadata";
pub(crate) const SP: &str = "https://auth.acme.example/saml/okta/metadata";
pub(crate) const ACS: &str = "https://auth.acme.example/saml/okta/acs";
pub(crate) const SLO: &str = "https://auth.acme.example/saml/okta/slo";
pub(crate) const IDP_SLO: &str = "https://idp.example/saml/slo";
pub(crate) const SSO: &str = "https://idp.example/saml/sso";
pub(crate) const REQUEST: &str = "_request0123456789";

pub(crate) const IDP_CERT: &str = include_str!("../../fixtures/saml/idp.crt.pem");
pub(crate) const EC_CERT: &str = include_str!("../../fixtures/saml/ec.crt.pem");
pub(crate) const OTHER_CERT: &str = include_str!("../../fixtures/saml/other.crt.pem");
pub(crate) const SHORT_CERT: &str = include_str!("../../fixtures/saml/short.crt.pem");
pub(crate) const SP_KEY: &str = include_str!("../../../certs-example/development-sp.key.pem");
pub(crate) const SP_CERT: &str = include_str!("../../../certs-example/development-sp.crt.pem");

static SP_KEYS: LazyLock<Arc<SpKeys>> = LazyLock::new(|| Arc::new(SpKeys::from_pem(SP_KEY, SP_CERT).unwrap()));

/// The moment at which every test happens.
pub(crate) fn now() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap().1.contents
}

/// A key that signs messages, with its certificate.
pub(crate) struct Signer {
    pub(crate) key: SigningKey,
    pub(crate) certificate: &'static str,
    pub(crate) algorithm: SignatureAlgorithm,
}

impl Signer {
    fn new(key: &str, certificate: &'static str) -> Self {
        let key = SigningKey::from_pkcs8(&der(key)).unwrap();
        let algorithm = key.default_algorithm();
        Self { key, certificate, algorithm }
    }

    /// The connection's identity provider.
    pub(crate) fn idp() -> Self {
        Self::new(include_str!("../../fixtures/saml/idp.key.pem"), IDP_CERT)
    }

    /// The same, with an elliptic curve key.
    pub(crate) fn ec() -> Self {
        Self::new(include_str!("../../fixtures/saml/ec.key.pem"), EC_CERT)
    }

    /// Somebody else.
    pub(crate) fn other() -> Self {
        Self::new(include_str!("../../fixtures/saml/other.key.pem"), OTHER_CERT)
    }

    pub(crate) fn with(self, algorithm: SignatureAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    pub(crate) fn sign(&self, xml: &str, id: &str, prefixes: &[&str]) -> String {
        sign_element_with_prefixes(xml, id, &self.key, &der(self.certificate), self.algorithm, prefixes).unwrap()
    }
}

/// A message on its way from true to wrong.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) String);

impl Draft {
    /// A true answer to [`REQUEST`] for Ada, issued at [`now`], unsigned.
    pub(crate) fn new() -> Self {
        Self::in_scene(&Scene::default())
    }

    /// The same somewhere else.
    pub(crate) fn in_scene(scene: &Scene) -> Self {
        let (acs, answers) = (scene.address("acs"), scene.in_response_to());
        Self(format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response1" Version="2.0" IssueInstant="2026-11-24T10:00:00Z" Destination="{acs}"{answers}><saml:Issuer>{IDP}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{}</samlp:Response>"#,
            scene.assertion("_assertion1", "ada-0001"),
        ))
    }

    /// Replaces a text that must be there.
    pub(crate) fn edit(mut self, from: &str, to: &str) -> Self {
        assert!(self.0.contains(from), "{from:?} is not in the message");
        self.0 = self.0.replace(from, to);
        self
    }

    /// The same at another time.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        let at = |offset: i64| -> String {
            (now + SignedDuration::from_secs(offset)).round(jiff::Unit::Second).as_ref().map(Timestamp::to_string).unwrap()
        };
        self.edit("2026-11-24T10:00:00Z", &at(0))
            .edit("2026-11-24T09:59:58Z", &at(-2))
            .edit("2026-11-24T09:55:00Z", &at(-300))
            .edit("2026-11-24T10:05:00Z", &at(300))
            .edit("2026-11-24T10:06:00Z", &at(360))
            .edit("2026-11-24T18:00:00Z", &at(28_800))
    }

    /// Cuts out an element from its start tag's text to its end tag's.
    pub(crate) fn without(mut self, start: &str, end: &str) -> Self {
        let at = self.0.find(start).unwrap();
        let to = at + self.0[at..].find(end).unwrap() + end.len();
        self.0.replace_range(at..to, "");
        self
    }

    pub(crate) fn sign_assertion(self, signer: &Signer) -> Self {
        Self(signer.sign(&self.0, "_assertion1", &[]))
    }

    pub(crate) fn sign_response(self, signer: &Signer) -> Self {
        Self(signer.sign(&self.0, "_response1", &[]))
    }

    pub(crate) fn encrypt(self, encryption: Encryption) -> Self {
        Self(encrypt_assertion(&self.0, "_assertion1", &der(SP_CERT), encryption).unwrap())
    }

    /// What our service provider says to it.
    pub(crate) fn deliver(&self) -> Result<Checked, SamlError> {
        Sp::default().finish(&self.0)
    }

    /// The code of the refusal.
    pub(crate) fn refusal(&self) -> &'static str {
        self.deliver().expect_err("the message was accepted").code()
    }
}

/// Where a message goes, and what it answers.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    /// The gateway's address.
    pub(crate) base: String,
    pub(crate) request: Option<String>,
    /// An address that nobody may ever ask, and a file that nobody may ever open, for messages that point to them.
    pub(crate) bait_url: String,
    pub(crate) bait_file: String,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            base: "https://auth.acme.example".to_owned(),
            request: Some(REQUEST.to_owned()),
            bait_url: "http://127.0.0.1:1/bait".to_owned(),
            bait_file: "/nonexistent/bait".to_owned(),
        }
    }
}

impl Scene {
    /// An address of the connection.
    pub(crate) fn address(&self, leaf: &str) -> String {
        format!("{}/saml/okta/{leaf}", self.base)
    }

    pub(crate) fn in_response_to(&self) -> String {
        self.request.as_ref().map(|request| format!(" InResponseTo=\"{request}\"")).unwrap_or_default()
    }

    /// An assertion about a person, as an identity provider writes it.
    pub(crate) fn assertion(&self, id: &str, name_id: &str) -> String {
        let (acs, sp, answers) = (self.address("acs"), self.address("metadata"), self.in_response_to());
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{id}" Version="2.0" IssueInstant="2026-11-24T10:00:00Z"><saml:Issuer>{IDP}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{name_id}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData{answers} NotOnOrAfter="2026-11-24T10:05:00Z" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="2026-11-24T09:55:00Z" NotOnOrAfter="2026-11-24T10:06:00Z"><saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="2026-11-24T09:59:58Z" SessionIndex="_session1" SessionNotOnOrAfter="2026-11-24T18:00:00Z"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue xsi:type="xs:string">ada@acme.example</saml:AttributeValue></saml:Attribute><saml:Attribute Name="displayName"><saml:AttributeValue xsi:type="xs:string">Ada Lovelace</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue xsi:type="xs:string">app-admins</saml:AttributeValue><saml:AttributeValue xsi:type="xs:string">design</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#
        )
    }
}

/// The same, usual one.
pub(crate) fn assertion(id: &str, name_id: &str) -> String {
    Scene::default().assertion(id, name_id)
}

/// Our side: one connection that trusts `certificates`.
pub(crate) struct Sp {
    pub(crate) certificates: Vec<&'static str>,
    pub(crate) settings: SamlSettings,
    pub(crate) allow_idp_initiated: bool,
    pub(crate) request_id: Option<&'static str>,
    pub(crate) now: Timestamp,
}

impl Default for Sp {
    fn default() -> Self {
        let settings = SamlSettings {
            idp: IdpSource::MetadataUrl(String::new()),
            sign_requests: true,
            request_binding: RequestBinding::Redirect,
            subject_attribute: None,
            email_attribute: "email".to_owned(),
            name_attribute: "displayName".to_owned(),
            groups_attribute: "groups".to_owned(),
            cbc: Cbc::Never,
            take_unasked: false,
        };
        Self { certificates: vec![IDP_CERT, EC_CERT], settings, allow_idp_initiated: false, request_id: Some(REQUEST), now: now() }
    }
}

impl Sp {
    pub(crate) fn build(&self) -> Result<ServiceProvider, SamlError> {
        self.build_with(IdpSource::Manual {
            entity_id: IDP.to_owned(),
            sso_url: SSO.to_owned(),
            slo_url: Some(IDP_SLO.to_owned()),
            certificates: self.certificates.iter().map(|&pem| pem.to_owned()).collect(),
        })
    }

    pub(crate) fn build_with(&self, idp: IdpSource) -> Result<ServiceProvider, SamlError> {
        self.build_fetched(idp, None)
    }

    pub(crate) fn build_fetched(&self, idp: IdpSource, fetched: Option<&str>) -> Result<ServiceProvider, SamlError> {
        let settings = SamlSettings { idp: idp.clone(), ..self.settings.clone() };
        let connection = self.connection("okta", idp);
        let addresses = SpAddresses { entity_id: SP.to_owned(), acs_url: ACS.to_owned(), slo_url: SLO.to_owned() };
        ServiceProvider::new(&connection, &settings, addresses, Arc::clone(&SP_KEYS), fetched, self.now)
    }

    pub(crate) fn connection(&self, id: &str, idp: IdpSource) -> Connection {
        Connection {
            id: usher::core::ConnectionId::parse(id).unwrap(),
            name: "Okta".to_owned(),
            enabled: true,
            domains: std::collections::BTreeSet::new(),
            internal: false,
            allow_idp_initiated: self.allow_idp_initiated,
            protocol: Protocol::Saml(SamlSettings { idp, ..self.settings.clone() }),
        }
    }

    pub(crate) fn finish(&self, xml: &str) -> Result<Checked, SamlError> {
        self.build().unwrap().finish(&message::encode_post(xml), self.request_id, self.now)
    }
}
