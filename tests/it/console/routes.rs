//! Every route of the console, with what it answers whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{House, OWN, Things};

/// What there has to be for an act to be possible.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scene {
    /// Groups decide; the member is an ordinary one.
    GroupsDecide,
    /// Administrators decide, and people are invited.
    ByHand,
    /// The member has a pin.
    Pinned,
    /// The member is blocked.
    Blocked,
    /// The member was removed a moment ago.
    Removed,
}

/// A method at an address.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    /// As the router has it.
    pub(super) path: &'static str,
    /// A form that does something; `{…}` stands for one of [`Things`].
    form: &'static [(&'static str, &'static str)],
    pub(super) scene: Scene,
    /// What the Primary Owner is answered.
    pub(super) owner: u16,
    /// What an Admin is answered.
    pub(super) admin: u16,
    /// It asks for a fresh sign-in.
    pub(super) danger: bool,
}

const fn read(path: &'static str) -> Route {
    Route { method: "GET", path, form: &[], scene: Scene::GroupsDecide, owner: 200, admin: 200, danger: false }
}

const fn act(path: &'static str, form: &'static [(&'static str, &'static str)]) -> Route {
    Route { method: "POST", path, form, scene: Scene::GroupsDecide, owner: 303, admin: 303, danger: false }
}

impl Route {
    const fn answers(self, status: u16) -> Self {
        Self { owner: status, admin: status, ..self }
    }

    const fn an_admin(self, status: u16) -> Self {
        Self { admin: status, ..self }
    }

    const fn danger(self) -> Self {
        Self { danger: true, ..self }
    }

    const fn when(self, scene: Scene) -> Self {
        Self { scene, ..self }
    }

    /// Whether address or form name such a thing.
    pub(super) fn names(&self, thing: &str) -> bool {
        let mark = format!("{{{thing}}}");
        self.path.contains(&mark) || self.form.iter().any(|(_, value)| value.contains(&mark))
    }

    /// Whether address or form name something that one organization has alone.
    pub(super) fn names_a_row(&self) -> bool {
        ["member", "invite", "removal", "request", "token"].iter().any(|thing| self.names(thing))
    }

    /// The address at an organization.
    pub(super) fn address(&self, organization: &str, things: &Things) -> String {
        let address = filled(&self.path.replace("{organization}", organization), things);
        assert!(!address.contains('{'), "give {address} what it names");
        address
    }

    /// Media type and text of the form.
    pub(super) fn body(&self, things: &Things) -> (&'static str, String) {
        let fields = self.form.iter().map(|(name, value)| (*name, filled(value, things)));
        if self.path.ends_with("/settings") {
            let part = |(name, value)| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            return ("multipart/form-data; boundary=b", fields.map(part).collect::<String>() + "--b--\r\n");
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        ("application/x-www-form-urlencoded", body)
    }
}

fn filled(text: &str, things: &Things) -> String {
    things.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Where somebody with several organizations chooses one.
pub(super) const PICKER: Route = read("/admin");
/// Light or dark, for anybody.
pub(super) const THEME: Route = act("/admin/theme", &[("theme", "dark"), ("back", "/")]);

/// What is read comes first. The last act of all gives the ownership away.
pub(super) const TABLE: &[Route] = &[
    read("/admin/{organization}"),
    read("/admin/{organization}/access"),
    read("/admin/{organization}/access/undo").answers(303),
    read("/admin/{organization}/access/what-if").answers(303),
    read("/admin/{organization}/activity"),
    read("/admin/{organization}/connections"),
    read("/admin/{organization}/connections/{connection}"),
    read("/admin/{organization}/connections/{connection}/relink"),
    read("/admin/{organization}/connections/{connection}/test"),
    read("/admin/{organization}/connections/{connection}/test/start").answers(303),
    read("/admin/{organization}/invites"),
    read("/admin/{organization}/members"),
    read("/admin/{organization}/members/{member}"),
    read("/admin/{organization}/requests"),
    read("/admin/{organization}/review").answers(303),
    read("/admin/{organization}/review/save").answers(303),
    read("/admin/{organization}/seats"),
    read("/admin/{organization}/sessions"),
    read("/admin/{organization}/settings"),
    read("/admin/{organization}/settings/policy").answers(303),
    read("/admin/{organization}/tokens"),
    act("/admin/{organization}/access", &[("mode", "jit"), ("group_mappings", "on"), ("role-2", "everyone")]),
    act("/admin/{organization}/access/undo", &[("revision", "{revision}")]),
    act("/admin/{organization}/access/what-if", &[("connection", "demo-saml"), ("groups", "everyone")]).answers(200),
    act("/admin/{organization}/connections/{connection}/switch", &[("enabled", "false")]).danger(),
    // Labs has people behind it, too, and Olivia does not administer it.
    act("/admin/{organization}/connections/{connection}/relink", &[("act", "open"), ("hours", "1")]).answers(409).danger(),
    act("/admin/{organization}/connections/{connection}/relink/preflight", &[("from", "demo-oidc")]).answers(200),
    act("/admin/{organization}/invites", &[("email", "new-{email}")]).when(Scene::ByHand),
    act("/admin/{organization}/invites/{invite}/resend", &[]).when(Scene::ByHand),
    act("/admin/{organization}/invites/{invite}/revoke", &[]).when(Scene::ByHand),
    act("/admin/{organization}/members/remove", &[("member", "{member}"), ("confirmed", "yes")]),
    act("/admin/{organization}/members/{member}/change", &[("role", "Admin"), ("revision", "{member_revision}")]).when(Scene::ByHand),
    act("/admin/{organization}/members/{member}/kind", &[("service", "true")]),
    act(
        "/admin/{organization}/members/{member}/pin",
        &[("role", "Admin"), ("days", "7"), ("reason", "x"), ("revision", "{member_revision}")],
    ),
    act("/admin/{organization}/members/{member}/remove", &[("confirmed", "yes"), ("block", "true")]),
    act("/admin/{organization}/members/{member}/unblock", &[]).when(Scene::Blocked),
    act("/admin/{organization}/members/{member}/unpin", &[("revision", "{member_revision}")]).when(Scene::Pinned),
    act("/admin/{organization}/removals/{removal}/undo", &[]).when(Scene::Removed),
    act("/admin/{organization}/requests/{request}/approve", &[("role", "User"), ("seat", "tier:Standard")]),
    act("/admin/{organization}/requests/{request}/decline", &[("note", "No.")]),
    act("/admin/{organization}/requests/{request}/block", &[("confirmed", "yes")]),
    act("/admin/{organization}/review/discard", &[]),
    // There is no review in hand to be saved any more.
    act("/admin/{organization}/review/save", &[("review", "x")]).answers(409),
    // Nobody waits.
    act("/admin/{organization}/seats/{member}/give", &[]).answers(409),
    act("/admin/{organization}/seats/{member}/reclaim", &[]),
    act("/admin/{organization}/sessions/end", &[("which", "member"), ("member", "{member}"), ("confirmed", "yes")]),
    act("/admin/{organization}/settings", &[("name", "Acme"), ("support_contact", "help@acme.example")]),
    act(
        "/admin/{organization}/settings/policy",
        &[
            ("session_idle", ""),
            ("session_max", ""),
            ("groups_absent_grace", "7d"),
            ("stale_after", "30d"),
            ("pin_max", "30d"),
            ("undo_window", "30d"),
            ("removal_percent", "20"),
            ("removal_people", "5"),
            ("seat_warn", "90"),
        ],
    ),
    act("/admin/{organization}/tokens", &[("name", "x"), ("scopes", "members:read"), ("days", "7")]).answers(200).danger(),
    // The token is an Owner's.
    act("/admin/{organization}/tokens/{token}/revoke", &[("confirmed", "yes")]).an_admin(409),
    act("/admin/{organization}/members/{member}/owner", &[("typed", "{email}")]).an_admin(409).danger(),
];

/// The row of an address.
pub(super) fn find(method: &str, path: &str) -> &'static Route {
    TABLE.iter().find(|route| (route.method, route.path) == (method, path)).unwrap_or_else(|| panic!("{method} {path} is in no row"))
}

/// The method and address of every `.route(…)` of the console's sources.
fn declared() -> BTreeSet<(String, String)> {
    let mut declared = BTreeSet::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/http/admin")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                declared.extend(routes_of(&path));
            }
        }
    }
    declared
}

fn routes_of(file: &Path) -> Vec<(String, String)> {
    let source = std::fs::read_to_string(file).unwrap();
    let code: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for other in [".route_service(", ".nest(", ".nest_service(", ".fallback(", "routing::any", "MethodFilter"] {
        assert!(!code.contains(other), "{other} in {}: the table cannot see what it routes", file.display());
    }
    let mut found = Vec::new();
    for rest in code.split(".route(").skip(1) {
        let rest = rest.trim_start().strip_prefix('"').unwrap_or_else(|| panic!("an address that is no text in {}", file.display()));
        let (path, handlers) = rest.split_once('"').unwrap();
        let handlers = within_parentheses(handlers);
        let before = found.len();
        for method in ["get", "post", "put", "patch", "delete", "head", "options", "trace", "connect"] {
            let called = |at: usize| !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if handlers.match_indices(&format!("{method}(")).any(|(at, _)| called(at)) {
                found.push((method.to_uppercase(), path.to_owned()));
            }
        }
        assert!(found.len() > before, "{path} has no method in {}", file.display());
    }
    found
}

/// As far as the call goes that has begun.
fn within_parentheses(code: &str) -> &str {
    let mut depth = 1;
    let end = code.find(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    &code[..end.unwrap()]
}

#[test]
fn the_table_has_every_route_of_the_console_and_no_other() {
    let rows = TABLE.iter().chain([&PICKER, &THEME]);
    let known: BTreeSet<(String, String)> = rows.clone().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    let declared = declared();
    let missing: Vec<_> = declared.difference(&known).collect();
    let gone: Vec<_> = known.difference(&declared).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the table: {missing:#?}\nnot in the router: {gone:#?}");
    assert_eq!(rows.count(), known.len(), "a row is there twice");
}

#[test]
fn routes_are_read_from_sources_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.rs");
    std::fs::write(
        &file,
        "Router::new()\n// .route(\"/no\", get(x))\n.route(\"/a/{b}\", get(page::show).post(forget(delete)))\n.route(\n\"/c\",\npost(c))",
    )
    .unwrap();
    let found = routes_of(&file);
    let expected = [("GET", "/a/{b}"), ("POST", "/a/{b}"), ("POST", "/c")];
    assert_eq!(found, expected.map(|(method, path)| (method.to_owned(), path.to_owned())));
}

/// The sources could hide a method from the table; the router cannot.
#[tokio::test]
async fn no_address_of_the_console_answers_a_method_that_the_table_does_not_have() {
    let house = House::open().await;
    let owner = house.session("olivia").await;
    let mut methods: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for route in TABLE {
        methods.entry(route.path).or_default().insert(route.method);
    }
    for (path, known) in methods {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().filter(|method| !known.contains(method)) {
            let route = Route { method, ..act(path, &[]) };
            let things = Things::from(
                ["member", "connection", "invite", "removal", "request", "token"]
                    .map(|thing| (thing, "0190a5c8b8f07cc3a1b2c3d4e5f60718".to_owned())),
            );
            let reply = house.send(&route, "acme", &things, Some(&owner), &OWN).await;
            assert_eq!(reply.status, 405, "{method} {path}");
        }
    }
}
