//! What the browser brings back from the provider.

use url::form_urlencoded;

use super::OidcError;
use super::error::{cleaned, cleaned_code};
use super::issuer::Issuer;

const MAX_BYTES: usize = 16 * 1024;

/// An authorization response, read and not yet believed (RFC 6749 4.1.2).
#[derive(Debug, Clone)]
pub struct Callback {
    state: String,
    pub(super) issuer: Option<String>,
    pub(super) answer: Answer,
}

#[derive(Clone)]
pub(super) enum Answer {
    Code(String),
    Error { error: String, description: String },
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Code(_) => "Code([secret])",
            Self::Error { .. } => "Error",
        })
    }
}

impl Callback {
    /// Reads the query of the redirect, or the body of a form post: the form is the same. At most 16 KiB.
    ///
    /// # Errors
    /// [`OidcError::CallbackMalformed`]: no `state`, not exactly one of `code` and `error`, or one of the parameters twice.
    pub fn parse(query: &str) -> Result<Self, OidcError> {
        let malformed = OidcError::CallbackMalformed;
        if query.len() > MAX_BYTES {
            return Err(malformed("it is too long"));
        }
        let [mut state, mut code, mut issuer, mut error, mut description] = [const { None }; 5];
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "state" => &mut state,
                "code" => &mut code,
                "iss" => &mut issuer,
                "error" => &mut error,
                "error_description" => &mut description,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(malformed("a parameter comes twice"));
            }
        }
        let state = state.filter(|state| !state.is_empty()).ok_or(malformed("it has no state"))?;
        let answer = match (code, error) {
            (Some(code), None) if is_token(&code) => Answer::Code(code),
            (Some(_), None) => return Err(malformed("the code is empty or not printable")),
            (None, Some(error)) => Answer::Error { error, description: description.unwrap_or_default() },
            (Some(_), Some(_)) => return Err(malformed("it has a code and an error")),
            (None, None) => return Err(malformed("it has neither a code nor an error")),
        };
        Ok(Self { state, issuer, answer })
    }

    /// The key of the pending login.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The code, if the callback is from this issuer and not an error.
    pub(super) fn code(&self, issuer: &Issuer, promised: bool) -> Result<&str, OidcError> {
        match &self.issuer {
            Some(named) if !issuer.is(named) => return Err(OidcError::CallbackIssuerMismatch),
            None if promised => return Err(OidcError::CallbackIssuerMissing),
            _ => {}
        }
        match &self.answer {
            Answer::Code(code) => Ok(code),
            Answer::Error { error, description } if error == "access_denied" => Err(OidcError::AccessDenied(cleaned(description))),
            Answer::Error { error, description } => {
                Err(OidcError::ProviderRefused { error: cleaned_code(error), description: cleaned(description) })
            }
        }
    }
}

/// RFC 6749 A.11: codes and tokens are printable ASCII.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Issuer {
        Issuer::of(&crate::core::OidcSettings::new("https://op.example", "usher")).unwrap()
    }

    fn code(query: &str, promised: bool) -> Result<String, &'static str> {
        let callback = Callback::parse(query).map_err(|error| error.code())?;
        callback.code(&issuer(), promised).map(str::to_owned).map_err(|error| error.code())
    }

    #[test]
    fn a_code_comes_with_its_state() {
        let callback = Callback::parse("state=s%2F1&code=abc&session_state=x&scope=a&scope=b").unwrap();
        assert_eq!(callback.state(), "s/1");
        assert_eq!(callback.code(&issuer(), false).unwrap(), "abc");
    }

    #[test]
    fn anything_ambiguous_is_refused() {
        for query in [
            "",
            "state=a",
            "code=a",
            "state=&code=a",
            "state=a&code=",
            "state=a&state=a&code=b",
            "state=a&code=b&code=c",
            "state=a&code=b&error=c",
            "state=a&code=b&iss=x&iss=x",
            "state=a&code=b%00",
            "state=a&code=b%0d%0a",
            "state=a&code=%ff",
        ] {
            assert_eq!(code(query, false), Err("callback_malformed"), "{query}");
        }
        assert_eq!(code(&format!("state=a&code={}", "x".repeat(20_000)), false), Err("callback_malformed"));
    }

    #[test]
    fn a_callback_has_a_largest_size() {
        let sized = |bytes: usize| Callback::parse(&format!("{:x<bytes$}", "state=a&code=b&x=")).is_ok();
        assert_eq!([sized(MAX_BYTES), sized(MAX_BYTES + 1)], [true, false]);
    }

    #[test]
    fn the_issuer_of_the_callback_is_compared_before_anything_else() {
        assert_eq!(code("state=a&code=b&iss=https%3A%2F%2Fop.example", true), Ok("b".to_owned()));
        assert_eq!(code("state=a&code=b&iss=https%3A%2F%2Fop.example%2F", false), Err("callback_issuer_mismatch"));
        assert_eq!(code("state=a&code=b&iss=", false), Err("callback_issuer_mismatch"));
        assert_eq!(code("state=a&error=access_denied&iss=x", false), Err("callback_issuer_mismatch"));
        assert_eq!(code("state=a&code=b", true), Err("callback_issuer_missing"));
    }

    #[test]
    fn errors_of_the_provider_have_their_own_codes_and_are_cleaned() {
        assert_eq!(code("state=a&error=access_denied", false), Err("access_denied"));
        let callback = Callback::parse("state=a&error=login_required%0a&error_description=%3Cscript%3E%0d%0aada%40acme.example").unwrap();
        assert_eq!(callback.code(&issuer(), false).unwrap_err().to_string(), "the provider answered login_required: <script> [address]");
    }

    #[test]
    fn the_code_is_not_in_the_debug_form() {
        let callback = Callback::parse("state=a&code=geheim").unwrap();
        assert!(!format!("{callback:?}").contains("geheim"));
    }
}
