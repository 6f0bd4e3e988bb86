//! What another site can make the browser of an administrator do: send forms, follow links, put pages in a frame.

use super::routes::{Route, TABLE, THEME};
use super::{House, Things, cookie, post};
use crate::support::ask::{Ask, Reply};

/// What browsers say of a form that was not on a page of the auth host itself. An app of the same company is another site, too.
const FOREIGN: [&[(&str, &str)]; 6] = [
    &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")],
    &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://app.localhost")],
    &[("Sec-Fetch-Site", "cross-site")],
    &[("Sec-Fetch-Site", "same-site")],
    &[("Origin", "https://evil.example")],
    &[("Origin", "null")],
];

/// What every answer of the console says to browsers, whoever asked and whatever came of it.
pub(super) fn assert_no_other_site_may_hold(reply: &Reply, route: &Route) {
    let at = || format!("{} {} ({})", route.method, route.path, reply.status);
    let policy = reply.header("content-security-policy").unwrap_or_else(|| panic!("no policy at {}", at()));
    assert!(policy.contains("frame-ancestors 'none'"), "{}: {policy}", at());
    assert!(!policy.contains("unsafe") && policy.starts_with("default-src 'none'"), "{}: {policy}", at());
    assert!(!policy.contains("script-src") || policy.contains("require-trusted-types-for 'script'"), "{}: {policy}", at());
    let says = |name: &str| reply.header(name).unwrap_or_default();
    assert_eq!(says("x-content-type-options"), "nosniff", "{}", at());
    assert_eq!(says("cross-origin-opener-policy"), "same-origin", "{}", at());
    assert!(says("cache-control").contains("no-store"), "{}: {}", at(), says("cache-control"));
    assert_eq!(reply.header("access-control-allow-origin"), None, "{}", at());
    let referrer = says("referrer-policy");
    assert!(["same-origin", "no-referrer"].contains(&referrer), "{}: {referrer}", at());
}

#[tokio::test]
async fn no_form_of_another_site_does_anything() {
    let house = House::open().await;
    let session = house.session("olivia").await;
    for route in TABLE.iter().filter(|route| route.method == "POST").chain([&THEME]) {
        let things = house.things(route).await;
        let before = (house.everything("acme").await, house.acts().await);
        for from in FOREIGN {
            let reply = house.send(route, "acme", &things, Some(&session), from).await;
            assert_eq!(reply.status, 403, "{} from {from:?}: {reply:?}", route.path);
            assert!(reply.body.contains("cross_site") && reply.header("set-cookie").is_none(), "{reply:?}");
        }
        assert_eq!((house.everything("acme").await, house.acts().await), before, "{}", route.path);
    }
}

/// Links in mails and chats come from other sites, so a page that only by being looked at did something would do it for anybody.
#[tokio::test]
async fn a_link_on_another_site_changes_nothing() {
    let house = House::open().await;
    let session = house.session("olivia").await;
    for route in TABLE.iter().filter(|route| route.method == "GET") {
        let things = house.things(route).await;
        let before = (house.everything("acme").await, house.acts().await);
        let reply = house.send(route, "acme", &things, Some(&session), FOREIGN[0]).await;
        assert_eq!(reply.status, route.owner, "{}: {reply:?}", route.path);
        assert_eq!((house.everything("acme").await, house.acts().await), before, "{}", route.path);
    }
}

#[tokio::test]
async fn no_other_form_of_the_auth_host_is_sent_from_another_site() {
    let house = House::open().await;
    let (mut browser, console) = house.sign_in("olivia", "/admin/acme").await;
    let recovery = format!("/recovery/{}", "w".repeat(43));
    for path in ["/login", "/login/ask", "/logout", &recovery] {
        for from in FOREIGN {
            let mut ask = Ask::to(&format!("auth.localhost:{}", house.usher.site.port), "POST", path).navigate().cookie(&cookie(&browser));
            for (name, value) in from {
                ask = ask.header(name, value);
            }
            let ask = ask.header("Content-Type", "application/x-www-form-urlencoded").body("email=ada%40acme.example");
            let reply = house.usher.public(ask).await;
            assert_eq!(reply.status, 403, "{path} from {from:?}: {reply:?}");
            assert!(reply.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{reply:?}");
        }
    }
    assert_eq!(browser.open(console.url.as_str()).await.status, 200, "still signed in");
}

/// A browser's own view of the same: cookies are Lax, and the form says where it comes from.
#[tokio::test]
async fn a_page_of_the_app_cannot_remove_a_member() {
    let house = House::open().await;
    let victim = house.join("victim", "Victim", &["everyone"]).await;
    let (mut browser, mut console) = house.sign_in("olivia", "/admin/acme").await;
    let url = house.usher.site.auth(&format!("/admin/acme/members/{}/remove", victim.member.id));
    console.url = house.usher.site.app("/").parse().unwrap();
    assert_eq!(post(&mut browser, &console, &url, &[("confirmed", "yes")]).await.status, 403);
    assert_eq!(house.usher.find_member("victim").await, Some(victim.member));
}

/// Every address of a redirect, a cookie and a file's name is made from what was sent: none of it may begin a new header.
#[tokio::test]
async fn nothing_that_is_sent_begins_a_header() {
    let house = House::open().await;
    let session = house.session("olivia").await;
    let host = format!("auth.localhost:{}", house.usher.site.port);
    let line = "%0d%0aSet-Cookie:%20zq9=1%0d%0a%0d%0a%3Czq9%3E";
    let gets = [
        format!("/admin/acme{line}"),
        format!("/admin/acme/members?format=csv&q={line}&sort={line}"),
        format!("/admin/acme/activity?format=csv&who={line}"),
        format!("/admin/acme/sessions?ended={line}&streams={line}&after={line}"),
        format!("/admin/acme/connections/{line}/test/start"),
        format!("/login?return_to={line}&email={line}"),
        format!("/login/{line}?return_to=/{line}"),
        format!("/brand/{line}"),
        format!("/recovery/{line}"),
    ];
    let posts = [
        ("/admin/theme", format!("theme=dark{line}&back=/{line}")),
        ("/admin/theme", format!("theme={line}&back=//evil.example/{line}")),
        ("/login", format!("email=a{line}@acme.example&return_to={line}")),
        ("/admin/acme/access/undo", format!("revision={line}")),
        ("/admin/acme/sessions/end", format!("which=one&session={line}")),
    ];
    let asks = gets.iter().map(|path| Ask::to(&host, "GET", path));
    let asks = asks.chain(posts.iter().map(|(path, body)| {
        Ask::to(&host, "POST", path)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Sec-Fetch-Site", "same-origin")
            .body(body)
    }));
    for ask in asks {
        let asked = ask.lines[0].clone();
        let reply =
            house.usher.public(ask.navigate().cookie(&session).header("Referer", "http://auth.localhost/admin/acme\u{85}zq9")).await;
        assert!(reply.status >= 200 && !reply.headers.iter().any(|(name, _)| name.contains("zq9")), "{asked}: {reply:?}");
        let cookies = reply.headers.iter().filter(|(name, _)| name == "set-cookie");
        assert!(cookies.clone().all(|(_, value)| !value.contains("zq9")), "{asked}: {reply:?}");
        if let Some(location) = reply.header("location") {
            assert!(!location.starts_with("//") && !location.contains("evil.example"), "{asked}: {location}");
        }
    }
    assert_eq!(house.send(&THEME, "", &Things::new(), None, &[("Sec-Fetch-Site", "same-origin")]).await.header("location"), Some("/"));
}
