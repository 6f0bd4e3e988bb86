//! What a plan sets: roles, who administers, and which modes exist (rules.md, table 2 and R1).

use crate::core::{Mode, Plan};

/// What a plan sets when the file does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanDefaults {
    /// Roles, highest first; empty: the file must list them.
    pub roles: &'static [&'static str],
    /// Those of them that administer. The first role always does.
    pub administrators: &'static [&'static str],
    /// The role of a new member without mappings, when the organization has it; else its lowest role.
    pub default_role: &'static str,
    /// The seat tiers that the plan usually has, highest first.
    pub usual_tiers: &'static [&'static str],
    /// The modes that exist.
    pub modes: &'static [Mode],
}

impl PlanDefaults {
    /// The defaults of a plan.
    #[must_use]
    pub const fn of(plan: Plan) -> Self {
        match plan {
            Plan::Team => Self {
                roles: &["Owner", "Admin", "User"],
                administrators: &["Owner", "Admin"],
                default_role: "User",
                usual_tiers: &["Premium", "Standard"],
                modes: plan.modes(),
            },
            Plan::Enterprise => Self {
                roles: &["Owner", "Admin", "User", "Custom"],
                administrators: &["Owner", "Admin"],
                default_role: "User",
                usual_tiers: &["Premium", "Standard"],
                modes: plan.modes(),
            },
            Plan::Console => Self {
                roles: &["Admin", "Developer", "Limited Developer", "Billing", "Claude Code User", "User"],
                administrators: &["Admin"],
                default_role: "User",
                usual_tiers: &[],
                modes: plan.modes(),
            },
            Plan::Custom => Self { roles: &[], administrators: &[], default_role: "User", usual_tiers: &[], modes: plan.modes() },
        }
    }
}
