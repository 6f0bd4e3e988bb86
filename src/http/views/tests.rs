use http_body_util::BodyExt as _;
use url::Url;

use super::*;
use crate::core::Reason;

const HOSTILE: &str = "\"><script>alert(1)</script><a href='";

async fn html(view: &impl View) -> String {
    let body = view.respond().into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn reference() -> Reference<'static> {
    Reference { incident: "inc_7", at: Timestamp::UNIX_EPOCH, code: "not_invited" }
}

fn refused(page: Page<'static>) -> Refused<'static> {
    Refused {
        page,
        reason: Reason::NotInvited,
        signed_in_as: Some(HOSTILE),
        access: Access::Declined { at: jiff::Timestamp::UNIX_EPOCH, note: Some(HOSTILE) },
        other_account_href: None,
        reference: Some(reference()),
    }
}

#[tokio::test]
async fn what_others_wrote_stays_text() {
    let page = Page::new(HOSTILE, Some(HOSTILE));
    let action = Url::parse("https://idp.example/sso?a=1&b=2").unwrap();
    let fields = [("SAMLRequest", HOSTILE), (HOSTILE, "x")];
    let choices = [ConnectionChoice { name: HOSTILE, href: HOSTILE, used_last: true }; 2];
    let email = Email {
        page,
        application: Some(HOSTILE),
        return_to: Some(HOSTILE),
        enter: Some(HOSTILE),
        email: HOSTILE,
        problem: Some(EmailProblem::UnknownDomain(HOSTILE)),
    };
    for html in [
        html(&refused(page)).await,
        html(&email).await,
        html(&Choose { page, application: None, connections: &choices, email_href: Some(HOSTILE), other_account_href: None }).await,
        html(&Taking { page, provider: HOSTILE, href: HOSTILE, host: Some(HOSTILE) }).await,
        html(&PostForm::new(page, HOSTILE, &action, &fields).unwrap()).await.replace("<script nonce=", ""),
        html(&Problem { page, kind: ProblemKind::ProviderUnreachable { provider: HOSTILE }, action: None, reference: None }).await,
    ] {
        assert!(!html.contains("<script") && !html.contains("<a href='"), "{html}");
        assert!(html.contains("&#60;script&#62;"), "{html}");
    }
}

#[tokio::test]
async fn the_saml_form_carries_its_fields_and_allows_only_its_own_script() {
    let action = Url::parse("https://idp.example/sso?a=1&b=2").unwrap();
    let view = PostForm::new(Page::new("Acme", None), "Okta", &action, &[("SAMLRequest", "PHg+"), ("RelayState", "r")]).unwrap();
    let html = html(&view).await;
    assert!(html.contains("action=\"https://idp.example/sso?a=1&#38;b=2\""), "{html}");
    assert!(html.contains("name=\"SAMLRequest\" value=\"PHg+\"") && html.contains("name=\"RelayState\" value=\"r\""), "{html}");
    let policy = view.respond().headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let nonce = html.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.contains(&format!("'nonce-{nonce}'")), "{policy}");
}

#[test]
fn a_support_contact_is_a_link_only_when_it_is_one() {
    let link = |contact| Page::new("Acme", Some(contact)).support_link(Some(&reference()));
    assert_eq!(link("it@acme.example").unwrap(), "mailto:it@acme.example?subject=Sign%2Din%20problem%2C%20reference%20inc%5F7");
    assert_eq!(link("https://help.acme.example/").unwrap(), "https://help.acme.example/");
    for words in
        ["call 1234", "javascript:alert(1)", "it@acme.example?bcc=eve@evil.example", "http://help.acme.example/", "Ann <ann@acme.example>"]
    {
        assert_eq!(link(words), None, "{words}");
    }
}

#[tokio::test]
async fn a_refusal_says_who_when_and_why() {
    let view = Refused { signed_in_as: Some("jo@acme.example"), ..refused(Page::new("Acme", None)) };
    assert_eq!(view.respond().status(), StatusCode::FORBIDDEN);
    let html = html(&view).await;
    for part in
        [Reason::NotInvited.for_person(), "jo@acme.example", "inc_7", "1 Jan 1970, 00:00:00 UTC", "1970-01-01T00:00:00Z", "not_invited"]
    {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[test]
fn a_program_is_told_when_to_ask_again() {
    let view = Unavailable { page: Page::new("Acme", None).on_app_host(), retry_href: None, retry_after_seconds: 5, reference: None };
    let response = view.respond();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[http::header::RETRY_AFTER], "5");
}

#[tokio::test]
async fn the_loop_pages_tell_a_cookie_from_a_clock() {
    let problem = |kind| Problem { page: Page::new("Acme", None), kind, action: None, reference: None };
    let cookie = html(&problem(ProblemKind::CookiesBlocked)).await;
    let clock = html(&problem(ProblemKind::ClockWrong { provider: "Okta", ahead_seconds: -3 * 3600 })).await;
    assert!(cookie.contains("blocks our cookie") && !cookie.contains("clock"), "{cookie}");
    assert!(clock.contains("The clock of Okta is 3 hours behind ours") && !clock.contains("Allow cookies"), "{clock}");
}

#[test]
fn an_organization_is_known_by_its_first_letter() {
    assert_eq!(Page::new("ächz & söhne", None).initial(), "Ä");
    assert_eq!(Page::new("“acme”", None).initial(), "A");
    assert_eq!(Page::new("—", None).initial(), "·");
}
