//! Everything that the console can do, a program can do, too.

use std::collections::BTreeSet;

use super::{World, operations};

/// How a program does what a route of the console does.
enum Same {
    /// By these operations.
    By(&'static [&'static str]),
    /// Not at all, because …
    Not(&'static str),
}
use Same::{By, Not};

const FORM: &str = "belongs to a form: a program has the answer at hand";

/// A row for each route of the console.
const TABLE: &[(&str, &str, Same)] = &[
    ("GET", "/admin", Not("a token belongs to one organization")),
    ("POST", "/admin/theme", Not("programs see no colours")),
    ("GET", "/admin/{organization}", By(&["list_connections", "list_seats", "list_waiting", "list_activity"])),
    ("GET", "/admin/{organization}/access", By(&["show_settings"])),
    ("POST", "/admin/{organization}/access", By(&["review_settings"])),
    ("GET", "/admin/{organization}/access/undo", Not(FORM)),
    ("POST", "/admin/{organization}/access/undo", By(&["review_undo"])),
    ("GET", "/admin/{organization}/access/what-if", Not(FORM)),
    ("POST", "/admin/{organization}/access/what-if", By(&["what_if", "what_if_message"])),
    ("GET", "/admin/{organization}/activity", By(&["list_activity", "export_activity_csv", "export_activity_ndjson"])),
    ("GET", "/admin/{organization}/connections", By(&["list_connections"])),
    ("GET", "/admin/{organization}/connections/{connection}", By(&["show_connection"])),
    ("GET", "/admin/{organization}/connections/{connection}/relink", By(&["show_connection"])),
    ("POST", "/admin/{organization}/connections/{connection}/relink", By(&["open_relink_window", "close_relink_window"])),
    ("POST", "/admin/{organization}/connections/{connection}/relink/preflight", By(&["preflight_switch"])),
    ("POST", "/admin/{organization}/connections/{connection}/switch", By(&["review_switch", "switch_connection"])),
    ("GET", "/admin/{organization}/connections/{connection}/test", Not("a test login is a person in a browser")),
    ("GET", "/admin/{organization}/connections/{connection}/test/start", Not("a test login is a person in a browser")),
    ("GET", "/admin/{organization}/invites", By(&["list_invites"])),
    ("POST", "/admin/{organization}/invites", By(&["create_invite"])),
    ("POST", "/admin/{organization}/invites/{invite}/resend", By(&["resend_invite"])),
    ("POST", "/admin/{organization}/invites/{invite}/revoke", By(&["revoke_invite"])),
    ("GET", "/admin/{organization}/members", By(&["list_members", "export_members"])),
    ("POST", "/admin/{organization}/members/remove", By(&["remove_members"])),
    ("GET", "/admin/{organization}/members/{member}", By(&["show_member", "explain_member"])),
    ("POST", "/admin/{organization}/members/{member}/change", By(&["change_member"])),
    ("POST", "/admin/{organization}/members/{member}/kind", By(&["mark_service_account"])),
    (
        "POST",
        "/admin/{organization}/members/{member}/owner",
        Not("only the Primary Owner in person, freshly signed in, hands everything over"),
    ),
    ("POST", "/admin/{organization}/members/{member}/pin", By(&["pin_member"])),
    ("POST", "/admin/{organization}/members/{member}/remove", By(&["remove_members"])),
    ("POST", "/admin/{organization}/members/{member}/unblock", By(&["unblock_member"])),
    ("POST", "/admin/{organization}/members/{member}/unpin", By(&["unpin_member"])),
    ("POST", "/admin/{organization}/removals/{removal}/undo", By(&["undo_removal"])),
    ("GET", "/admin/{organization}/requests", By(&["list_requests"])),
    ("POST", "/admin/{organization}/requests/{request}/approve", By(&["approve_request"])),
    ("POST", "/admin/{organization}/requests/{request}/decline", By(&["decline_request"])),
    ("POST", "/admin/{organization}/requests/{request}/block", By(&["block_request"])),
    ("GET", "/admin/{organization}/review", By(&["review_settings", "review_undo"])),
    ("POST", "/admin/{organization}/review/discard", Not("a program keeps its own changes until it saves them")),
    ("GET", "/admin/{organization}/review/save", Not(FORM)),
    ("POST", "/admin/{organization}/review/save", By(&["save_settings", "undo_settings"])),
    ("GET", "/admin/{organization}/seats", By(&["list_seats", "forecast_seats", "list_members"])),
    ("POST", "/admin/{organization}/seats/{member}/give", By(&["give_seat"])),
    ("POST", "/admin/{organization}/seats/{member}/reclaim", By(&["reclaim_seat"])),
    ("GET", "/admin/{organization}/sessions", By(&["list_sessions"])),
    ("POST", "/admin/{organization}/sessions/end", By(&["end_session", "end_sessions"])),
    ("GET", "/admin/{organization}/settings", By(&["show_settings"])),
    ("POST", "/admin/{organization}/settings", By(&["review_settings"])),
    ("GET", "/admin/{organization}/settings/policy", Not(FORM)),
    ("POST", "/admin/{organization}/settings/policy", By(&["review_settings"])),
    ("GET", "/admin/{organization}/tokens", By(&["list_tokens"])),
    ("POST", "/admin/{organization}/tokens", By(&["create_token"])),
    ("POST", "/admin/{organization}/tokens/{token}/revoke", By(&["revoke_token"])),
];

#[tokio::test]
async fn whatever_the_console_does_has_an_operation_or_a_reason() {
    let told: BTreeSet<(&str, &str)> = TABLE.iter().map(|(method, path, _)| (*method, *path)).collect();
    let there: BTreeSet<(&str, &str)> = crate::console::addresses().collect();
    let missing: Vec<_> = there.difference(&told).collect();
    let gone: Vec<_> = told.difference(&there).collect();
    assert!(missing.is_empty() && gone.is_empty(), "without a row: {missing:#?}\nno route any more: {gone:#?}");
    let world = World::start().await;
    let known: BTreeSet<String> = operations(&world.document().await).into_iter().map(|operation| operation.id).collect();
    for (method, path, same) in TABLE {
        match same {
            By(operations) => {
                assert!(!operations.is_empty(), "{method} {path}");
                for id in *operations {
                    assert!(known.contains(*id), "{method} {path}: there is no {id}");
                }
            }
            Not(why) => assert!(!why.is_empty(), "{method} {path}"),
        }
    }
}
