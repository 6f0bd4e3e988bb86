//! What is still to set up.

use super::Facts;
use crate::http::admin::console::Console;

/// One step. The list goes away when all are done.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) title: &'static str,
    /// What to do, or how it stands.
    pub(super) says: String,
    pub(super) href: Option<String>,
    pub(super) done: bool,
}

/// All steps, in the order in which one does them.
pub(super) fn steps(console: &Console, facts: &Facts) -> Vec<Step> {
    let settings = &console.settings.settings;
    let verified: Vec<String> =
        settings.domains.iter().filter(|domain| domain.verified.is_some()).map(|domain| domain.name.to_string()).collect();
    let used = facts.connections.iter().find(|connection| connection.state.last_success_at.is_some());
    let mut steps = vec![
        Step {
            title: "A domain of your own",
            says: match verified.first() {
                Some(domain) => format!("{domain} is verified."),
                None => "Only people with an address on a verified domain can sign in. Add one in org.toml.".to_owned(),
            },
            href: None,
            done: !verified.is_empty(),
        },
        Step {
            title: "A connection that somebody signed in through",
            says: match used {
                Some(connection) => format!("{} works.", connection.name),
                None => "Connect your identity provider and sign in through it once.".to_owned(),
            },
            href: Some(console.path("connections")),
            done: used.is_some(),
        },
    ];
    if console.organization.maps_at_login() {
        steps.push(Step {
            title: "Mappings that fit your groups",
            says: if facts.administrator_group_seen {
                "A group that makes administrators has come in a login.".to_owned()
            } else {
                "No group that makes administrators has come in any login yet: check how your provider spells them.".to_owned()
            },
            href: None,
            done: facts.administrator_group_seen,
        });
    }
    steps.push(Step {
        title: "A second administrator",
        says: match facts.administrators {
            0 | 1 => "When you are away, nobody can help. Let somebody else with an administrator’s role sign in once.".to_owned(),
            several => format!("{several} people administer this organization."),
        },
        href: None,
        done: facts.administrators > 1,
    });
    steps.push(Step {
        title: "A way in without the provider, tried once",
        says: if facts.recovery_tried {
            "A recovery link was used, so you know that it works.".to_owned()
        } else {
            format!("When the provider is broken, a recovery link lets you in. Make one on the host and use it: usher admin link --organization {}", console.organization.id)
        },
        href: None,
        done: facts.recovery_tried,
    });
    steps
}
