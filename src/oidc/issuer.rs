//! Who the provider is: one issuer, or the many tenants of one provider (Entra ID), of which the connection names those that it trusts.

use std::collections::BTreeSet;

use url::Url;

use super::OidcError;
use super::id_token::text;
use super::json::Object;
use super::jws::Signed;
use crate::core::OidcSettings;

/// Where the tenant goes in an issuer of many tenants. The provider's own document has it as well, as if it were a name.
const HOLE: &str = "{tenantid}";
/// What stands there in the address of the document.
const ANY_ORGANIZATION: &str = "organizations";

/// The issuer of a connection.
#[derive(Debug)]
pub(super) struct Issuer {
    name: String,
    tenants: BTreeSet<String>,
}

impl Issuer {
    pub(super) fn of(settings: &OidcSettings) -> Result<Self, OidcError> {
        let issuer = Self { name: settings.issuer.clone(), tenants: settings.tenants.clone() };
        if issuer.has_tenants() && issuer.tenants.is_empty() {
            return Err(OidcError::SettingsInvalid("an issuer of many tenants needs `tenants`: whom of them to believe"));
        }
        Ok(issuer)
    }

    /// The name as the connection and the discovery document write it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether many tenants share it.
    pub(super) fn has_tenants(&self) -> bool {
        self.name.contains(HOLE)
    }

    /// The address of the discovery document; a slash at the end of the issuer is taken off (OpenID Connect Discovery 4).
    pub(super) fn discovery_url(&self) -> Result<Url, OidcError> {
        let name = self.name.replace(HOLE, ANY_ORGANIZATION);
        let url = Url::parse(&name).map_err(|_| OidcError::SettingsInvalid("the issuer is not a URL"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(OidcError::SettingsInvalid("an issuer has no query and no fragment"));
        }
        let text = format!("{}/.well-known/openid-configuration", name.strip_suffix('/').unwrap_or(&name));
        Url::parse(&text).map_err(|_| OidcError::SettingsInvalid("the issuer is not a URL"))
    }

    /// Whether this may be the issuer of an answer that has no tenant beside it (RFC 9207, logout).
    pub(super) fn is(&self, named: &str) -> bool {
        if self.has_tenants() { self.tenants.iter().any(|tenant| self.name.replace(HOLE, tenant) == named) } else { self.name == named }
    }

    /// Whether a token comes from it, and from a tenant that the connection names. A key that names its issuer signs for no other.
    pub(super) fn check(&self, signed: &Signed) -> Result<(), OidcError> {
        let tenant = self.check_tenant(&signed.claims)?;
        let expected = tenant.map_or_else(|| self.name.clone(), |tenant| self.name.replace(HOLE, tenant));
        if text(&signed.claims, "iss") != Some(expected.as_str()) {
            return Err(OidcError::IssuerMismatch);
        }
        // Entra ID's keys say whose they are, and those of one tenant stand beside those of all.
        let owner = signed.key_issuer.as_deref().filter(|_| self.has_tenants());
        if owner.is_some_and(|owner| owner.replace(HOLE, tenant.unwrap_or_default()) != expected) {
            return Err(OidcError::IssuerMismatch);
        }
        Ok(())
    }

    /// The tenant of a token, if the connection looks at it.
    fn check_tenant<'a>(&self, claims: &'a Object) -> Result<Option<&'a str>, OidcError> {
        if self.tenants.is_empty() {
            return Ok(None);
        }
        let tenant = text(claims, "tid").filter(|tenant| self.tenants.contains(*tenant));
        tenant.map(Some).ok_or(OidcError::TenantNotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
    use serde_json::{Value, json};

    use super::*;

    const MANY: &str = "https://login.example/{tenantid}/v2.0";
    const ACME: &str = "11111111-1111-1111-1111-111111111111";

    fn issuer(name: &str, tenants: &[&str]) -> Result<Issuer, OidcError> {
        let tenants = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
        Issuer::of(&OidcSettings { tenants, ..OidcSettings::new(name, "usher") })
    }

    fn check(issuer: &Issuer, claims: Value, key_issuer: Option<&str>) -> &'static str {
        let Value::Object(claims) = claims else { panic!("an object") };
        let (algorithm, key) = (CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJsonWebKey::new_rsa(vec![1], vec![1], None));
        let signed = Signed { claims, algorithm, key, key_issuer: key_issuer.map(str::to_owned) };
        issuer.check(&signed).map_or_else(|error| error.code(), |()| "ok")
    }

    #[test]
    fn a_token_of_a_named_tenant_is_taken_and_of_no_other() {
        let many = issuer(MANY, &[ACME]).unwrap();
        let of = |tenant: &str, tid: Value| json!({ "iss": format!("https://login.example/{tenant}/v2.0"), "tid": tid });
        assert_eq!(check(&many, of(ACME, json!(ACME)), None), "ok");
        assert_eq!(check(&many, of("other", json!("other")), None), "tenant_not_allowed");
        assert_eq!(check(&many, of("other", json!(ACME)), None), "issuer_mismatch", "the tenant and the issuer disagree");
        for tid in [json!(null), json!([ACME]), json!(""), json!("{tenantid}"), json!(format!("{ACME} "))] {
            assert_eq!(check(&many, of(ACME, tid.clone()), None), "tenant_not_allowed", "{tid}");
        }
        assert_eq!(check(&many, json!({ "iss": MANY, "tid": ACME }), None), "issuer_mismatch", "the document's own spelling");
    }

    #[test]
    fn a_key_of_one_tenant_signs_for_no_other() {
        let many = issuer(MANY, &[ACME]).unwrap();
        let claims = || json!({ "iss": format!("https://login.example/{ACME}/v2.0"), "tid": ACME });
        assert_eq!(check(&many, claims(), Some(MANY)), "ok");
        assert_eq!(check(&many, claims(), Some(&format!("https://login.example/{ACME}/v2.0"))), "ok");
        assert_eq!(check(&many, claims(), Some("https://login.example/other/v2.0")), "issuer_mismatch");
    }

    #[test]
    fn one_issuer_may_have_its_tenant_looked_at_as_well() {
        let one = issuer("https://op.example", &[ACME]).unwrap();
        assert_eq!(check(&one, json!({ "iss": "https://op.example", "tid": ACME }), None), "ok");
        assert_eq!(check(&one, json!({ "iss": "https://op.example" }), None), "tenant_not_allowed");
        let any = issuer("https://op.example", &[]).unwrap();
        assert_eq!(check(&any, json!({ "iss": "https://op.example", "tid": "x" }), None), "ok");
    }

    #[test]
    fn many_tenants_have_to_be_named() {
        assert_eq!(issuer(MANY, &[]).unwrap_err().code(), "settings_invalid");
    }

    #[test]
    fn an_answer_names_one_of_the_issuers() {
        let many = issuer(MANY, &[ACME]).unwrap();
        assert!(many.is(&format!("https://login.example/{ACME}/v2.0")));
        assert!(!many.is(MANY) && !many.is("https://login.example/other/v2.0") && !many.is(""));
    }

    #[test]
    fn the_document_lies_below_the_issuer() {
        for (name, url) in [
            ("https://op.example", "https://op.example/.well-known/openid-configuration"),
            ("https://op.example/", "https://op.example/.well-known/openid-configuration"),
            ("https://op.example/a/v2.0", "https://op.example/a/v2.0/.well-known/openid-configuration"),
        ] {
            assert_eq!(issuer(name, &[]).unwrap().discovery_url().unwrap().as_str(), url);
        }
        let many = issuer(MANY, &[ACME]).unwrap().discovery_url().unwrap();
        assert_eq!(many.as_str(), "https://login.example/organizations/v2.0/.well-known/openid-configuration");
        for bad in ["op.example", "https://op.example?x=y", "https://op.example#x"] {
            assert_eq!(issuer(bad, &[]).unwrap().discovery_url().unwrap_err().code(), "settings_invalid");
        }
    }
}
