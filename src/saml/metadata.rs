//! Metadata, both ways: what the identity provider says about itself, and what we say about us. samael's types carry it; the gate reads first.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use roxmltree::Node;
use samael::key_info::{KeyInfo, X509Data};
use samael::metadata::{
    EncryptionMethod, Endpoint, EntityDescriptor, HTTP_POST_BINDING, HTTP_REDIRECT_BINDING, IndexedEndpoint, KeyDescriptor, SpSsoDescriptor,
};
use samael::traits::ToXml as _;
use serde::de::DeserializeOwned;
use url::{Host, Url};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::SamlError;
use super::encryption::{AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, RSA_OAEP, RSA_OAEP_MGF1P};
use super::keys::{SpKeys, der_of_pem};
use super::message::{Kind, decode_base64};
use super::request::To;
use super::service_provider::SpAddresses;
use super::xml::algorithms::VerifyingKey;
use super::xml::{self, SAMLP, attribute, c14n, is};
use crate::core::{Cbc, IdpSource, SamlSettings};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// What a connection knows of its identity provider.
#[derive(Debug)]
pub(super) struct IdentityProvider {
    pub(super) entity_id: String,
    pub(super) sso_redirect: Option<String>,
    pub(super) sso_post: Option<String>,
    pub(super) slo: Slo,
    /// Never empty.
    pub(super) keys: Vec<VerifyingKey>,
    /// The certificates that the keys came in.
    pub(super) certificates: Vec<IdpCertificate>,
}

/// A signing certificate of the provider, for administrators. A signature counts by its key alone (SAML metadata 2.4.1.1): that a certificate has
/// ended refuses nobody, but it says when the provider is going to take another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdpCertificate {
    /// The end of its validity.
    pub not_after: Timestamp,
    /// SHA-256 of its bytes in hexadecimal.
    pub fingerprint: String,
}

impl IdpCertificate {
    fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let not_after = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
        let hash = digest::digest(&digest::SHA256, der);
        let fingerprint = hash.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Some(Self { not_after, fingerprint })
    }
}

/// Where logout messages go, by binding. An address that is not accepted counts as none: it must not close the door.
#[derive(Debug, Default)]
pub(super) struct Slo {
    redirect: Option<SloAddress>,
    post: Option<SloAddress>,
}

#[derive(Debug)]
struct SloAddress {
    requests: String,
    /// `ResponseLocation`, where it is another.
    responses: String,
}

impl SloAddress {
    fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::Request => &self.requests,
            Kind::Response => &self.responses,
        }
    }
}

impl Slo {
    fn of(endpoints: &[Endpoint]) -> Self {
        let find = |binding: &str| {
            let endpoint = endpoints.iter().find(|endpoint| endpoint.binding == binding)?;
            let requests = check_url(&endpoint.location).ok()?;
            let responses = endpoint.response_location.as_deref().map_or(Some(requests.clone()), |url| check_url(url).ok())?;
            Some(SloAddress { requests, responses })
        };
        Self { redirect: find(HTTP_REDIRECT_BINDING), post: find(HTTP_POST_BINDING) }
    }

    pub(super) fn to(&self, kind: Kind) -> Option<To<'_>> {
        let redirect = self.redirect.as_ref().map(|found| To::Redirect(found.of(kind)));
        redirect.or_else(|| self.post.as_ref().map(|found| To::Post(found.of(kind))))
    }
}

impl IdentityProvider {
    /// Reads the settings; `fetched` is the document behind [`IdpSource::MetadataUrl`].
    ///
    /// # Errors
    /// [`SamlError::NoKeys`] when nothing could ever be verified, [`SamlError::KeyRefused`] when no key may be used,
    /// [`SamlError::MetadataMalformed`], [`SamlError::MetadataMissing`], [`SamlError::UrlRefused`], and what the gate refuses.
    pub(super) fn load(source: &IdpSource, fetched: Option<&str>, now: Timestamp) -> Result<Self, SamlError> {
        match source {
            IdpSource::Metadata(text) => Self::from_metadata(text, None),
            IdpSource::MetadataUrl(_) => Self::from_metadata(fetched.ok_or(SamlError::MetadataMissing)?, Some(now)),
            IdpSource::Manual { entity_id, sso_url, slo_url, certificates } => {
                let sso_url = check_url(sso_url)?;
                let slo = |url: String| SloAddress { requests: url.clone(), responses: url };
                let ders: Vec<_> = certificates.iter().map(|text| certificate_der(text)).collect::<Result<_, _>>()?;
                Ok(Self {
                    entity_id: entity_id.clone(),
                    sso_redirect: Some(sso_url.clone()),
                    sso_post: Some(sso_url),
                    slo: Slo { redirect: slo_url.as_deref().map(check_url).transpose()?.map(slo), post: None },
                    keys: usable_keys(&ders)?,
                    certificates: read_certificates(&ders),
                })
            }
        }
    }

    /// `fresh_at`: metadata that is fetched must not be past its `validUntil`. In a file, the operator vouches for it.
    fn from_metadata(text: &str, fresh_at: Option<Timestamp>) -> Result<Self, SamlError> {
        let document = xml::parse_metadata(text)?;
        let (entity, descriptor) = find_identity_provider(&document)?;
        let ended = |node: Node<'_, '_>| match (fresh_at, attribute(node, "validUntil")) {
            (Some(now), Some(until)) => until.parse::<Timestamp>().map_or(true, |until| until < now),
            _ => false,
        };
        if entity.ancestors().chain([descriptor]).any(ended) {
            return Err(SamlError::MetadataMalformed("validUntil has passed"));
        }
        let entity_id = attribute(entity, "entityID").filter(|id| !id.is_empty());
        let ders = typed_children::<KeyDescriptor>(descriptor, "KeyDescriptor")?
            .into_iter()
            .filter(|key| key.key_use.as_deref().is_none_or(|key_use| key_use == "signing"))
            .filter_map(|key| key.key_info.x509_data)
            .flat_map(|data| data.certificates)
            .map(|text| certificate_der(&text))
            .collect::<Result<Vec<_>, _>>()?;
        let endpoints = typed_children::<Endpoint>(descriptor, "SingleSignOnService")?;
        let sso = |binding: &str| {
            let found = endpoints.iter().find(|endpoint| endpoint.binding == binding);
            found.map(|endpoint| check_url(&endpoint.location)).transpose()
        };
        let idp = Self {
            entity_id: entity_id.ok_or(SamlError::MetadataMalformed("entityID is missing"))?.to_owned(),
            sso_redirect: sso(HTTP_REDIRECT_BINDING)?,
            sso_post: sso(HTTP_POST_BINDING)?,
            slo: Slo::of(&typed_children::<Endpoint>(descriptor, "SingleLogoutService")?),
            keys: usable_keys(&ders)?,
            certificates: read_certificates(&ders),
        };
        if idp.sso_redirect.is_none() && idp.sso_post.is_none() {
            return Err(SamlError::MetadataMalformed("no single sign-on address for HTTP-Redirect or HTTP-POST"));
        }
        Ok(idp)
    }
}

/// The one entity that is a SAML 2.0 identity provider; a federation's list of many is not for one connection.
fn find_identity_provider<'a, 'i>(document: &'a roxmltree::Document<'i>) -> Result<(Node<'a, 'i>, Node<'a, 'i>), SamlError> {
    let speaks_saml = |node: &Node<'_, '_>| {
        attribute(*node, "protocolSupportEnumeration").is_some_and(|all| all.split_ascii_whitespace().any(|protocol| protocol == SAMLP))
    };
    let mut found = document
        .descendants()
        .filter(|node| is(*node, MD, "IDPSSODescriptor") && speaks_saml(node))
        .filter_map(|node| node.parent().filter(|parent| is(*parent, MD, "EntityDescriptor")).map(|parent| (parent, node)));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(SamlError::MetadataMalformed("it describes no SAML 2.0 identity provider")),
        _ => Err(SamlError::MetadataMalformed("it describes several identity providers")),
    }
}

/// Child elements as samael's types. Each goes over in its canonical form, so that an element that nobody needs cannot spoil the rest.
fn typed_children<T: DeserializeOwned>(node: Node<'_, '_>, name: &'static str) -> Result<Vec<T>, SamlError> {
    let children = node.children().filter(|child| is(*child, MD, name));
    let typed = |child| {
        let text = c14n::canonicalize(child, None, &[])?;
        samael::metadata::de::from_str(&text).map_err(|_| SamlError::MetadataMalformed(name))
    };
    children.map(typed).collect()
}

/// Parses each key; one that may not be used (too short, another kind) is left out as long as another remains.
fn usable_keys(certificates: &[Vec<u8>]) -> Result<Vec<VerifyingKey>, SamlError> {
    let mut first_error = SamlError::NoKeys;
    let mut keys = Vec::new();
    for result in certificates.iter().map(|der| VerifyingKey::from_certificate(der)) {
        match result {
            Ok(key) => keys.push(key),
            Err(error) if first_error == SamlError::NoKeys => first_error = error,
            Err(_) => {}
        }
    }
    if keys.is_empty() { Err(first_error) } else { Ok(keys) }
}

fn read_certificates(ders: &[Vec<u8>]) -> Vec<IdpCertificate> {
    ders.iter().filter_map(|der| IdpCertificate::read(der)).collect()
}

/// A certificate as PEM or as bare base64.
fn certificate_der(text: &str) -> Result<Vec<u8>, SamlError> {
    if text.contains("-----BEGIN") {
        return der_of_pem(text).ok_or(SamlError::CertificateMalformed);
    }
    decode_base64(text).map_err(|_| SamlError::CertificateMalformed)
}

/// An address that people are sent to: https, or http on loopback; no fragment, no password.
fn check_url(text: &str) -> Result<String, SamlError> {
    let url = Url::parse(text).map_err(|_| SamlError::UrlRefused)?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    if !scheme || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(SamlError::UrlRefused);
    }
    Ok(text.trim().to_owned())
}

/// Our metadata for a provider: keys for signatures and for encryption, and where responses go.
///
/// # Errors
/// [`SamlError::WriteFailed`].
pub fn sp_metadata(addresses: &SpAddresses, settings: &SamlSettings, keys: &SpKeys) -> Result<String, SamlError> {
    let key = |key_use: &str, certificate: &[u8], methods: Option<Vec<EncryptionMethod>>| KeyDescriptor {
        key_use: Some(key_use.to_owned()),
        key_info: KeyInfo { id: None, x509_data: Some(X509Data { certificates: vec![STANDARD.encode(certificate)] }) },
        encryption_methods: methods,
    };
    let cbc: &[&str] = if settings.cbc == Cbc::Never { &[] } else { &[AES256_CBC, AES128_CBC] };
    let methods = [&[AES256_GCM, AES128_GCM], cbc, &[RSA_OAEP_MGF1P, RSA_OAEP]].concat();
    let methods: Vec<_> = methods.into_iter().map(|uri| EncryptionMethod { algorithm: uri.to_owned() }).collect();
    let certificates = keys.certificates_der();
    // Every key to check our signatures with, and one to encrypt for: providers take whichever they like.
    let signing = certificates.iter().map(|certificate| key("signing", certificate, None));
    let encryption = certificates.first().map(|certificate| key("encryption", certificate, Some(methods)));
    let logout = |binding: &str| Endpoint { binding: binding.to_owned(), location: addresses.slo_url.clone(), response_location: None };
    let descriptor = EntityDescriptor {
        entity_id: Some(addresses.entity_id.clone()),
        sp_sso_descriptors: Some(vec![SpSsoDescriptor {
            protocol_support_enumeration: Some(SAMLP.to_owned()),
            authn_requests_signed: Some(settings.sign_requests),
            want_assertions_signed: Some(true),
            key_descriptors: Some(signing.chain(encryption).collect()),
            single_logout_services: Some(vec![logout(HTTP_REDIRECT_BINDING), logout(HTTP_POST_BINDING)]),
            assertion_consumer_services: vec![IndexedEndpoint {
                binding: HTTP_POST_BINDING.to_owned(),
                location: addresses.acs_url.clone(),
                response_location: None,
                index: 0,
                is_default: Some(true),
            }],
            ..SpSsoDescriptor::default()
        }]),
        ..EntityDescriptor::default()
    };
    descriptor.to_string().map_err(|_| SamlError::WriteFailed)
}
