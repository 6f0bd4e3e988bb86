//! Member after member: ask the decision, write down what it says, and let the next one come after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::effects::name_of;
use super::lockout::{Lockout, mending, remaining};
use super::save::Saved;
use super::warnings::{NAMED, Warning, about_mappings};
use super::{Administrator, ConnectionMemory, Effects, LastSeen, Next, PersonEffect, PreviewMember, Scene, Standing, Unknown};
use crate::core::provision::{Change, ConnectionState, Decision, Facts, Known, Outcome, SeatCount, decide};
use crate::core::{
    Connection, ConnectionId, EmailAddress, GroupClaim, Identity, Mode, Organization, OrganizationId, PersonId, Reason, Role, SeatTier,
    Settings,
};

/// What is asked: these settings instead of those, in this organization.
#[derive(Debug, Clone)]
pub struct Question {
    /// The settings in force.
    pub before: Arc<Settings>,
    /// The settings that are to be saved.
    pub after: Arc<Settings>,
    /// In which organization; it is in both.
    pub organization: OrganizationId,
    /// Who saves, when that is a member.
    pub saver: Option<PersonId>,
    /// When everyone signs in next: now.
    pub now: Timestamp,
}

/// A preview that goes on.
#[derive(Debug)]
pub struct Preview {
    question: Question,
    was: Arc<Organization>,
    saved: Saved,
    /// Before the save, and before anyone signed in.
    seats_before: Vec<SeatCount>,
    connections: BTreeMap<ConnectionId, ConnectionMemory>,
    /// Who counts as an administrator at the next login of somebody else (row 55).
    counted: BTreeSet<PersonId>,
    administered: bool,
    administers: bool,
    saver: Option<Saver>,
    /// Who has the highest role and would have no connection left to sign in through.
    stranded: Vec<String>,
    watch: Watch,
    effects: Effects,
}

/// The saver, who would administer no more.
#[derive(Debug)]
struct Saver {
    role_after: Option<Role>,
    groups: Vec<String>,
}

/// What the warnings count.
#[derive(Debug, Default)]
struct Watch {
    /// Groups of Custom and groups of User, where both are mapped.
    bypass: Option<(BTreeSet<String>, BTreeSet<String>)>,
    bypassed: (u64, Vec<String>),
    several: (u64, BTreeSet<ConnectionId>),
    /// Who has a seat of a tier of which fewer would be owned than are in use.
    over: BTreeMap<SeatTier, Vec<(Timestamp, String)>>,
    /// Members with a seat of a tier that would not be there any more.
    homeless: BTreeMap<SeatTier, u64>,
}

/// What one login would be, with guards and without.
pub(super) struct Outlook {
    pub(super) decision: Decision,
    /// The role that the settings themselves give, whoever else administers.
    by_settings: Option<Role>,
    /// Would be refused today as well, for the same reason.
    out_already: bool,
}

impl Preview {
    /// Begins. `None` when the organization is not in both settings.
    #[must_use]
    pub fn new(question: Question, scene: Scene) -> Option<Self> {
        let was = Arc::new(question.before.find_organization(&question.organization)?.clone());
        let becomes = Arc::new(question.after.find_organization(&question.organization)?.clone());
        let counted = scene.administrators.iter().filter(|(_, role)| becomes.is_administrator(role)).map(|(person, _)| *person).collect();
        let owner = becomes.primary_owner.as_ref().filter(|owner| was.primary_owner.as_ref() != Some(owner));
        let administers = owner.is_some_and(|owner| takes(&question.after, owner).next().is_some());
        let saved = Saved::of(&scene, &was, Arc::clone(&becomes));
        let over = saved.seats.iter().filter(|count| count.used > count.owned).map(|count| (count.tier.clone(), Vec::new())).collect();
        let effects = Effects {
            organization: question.organization.clone(),
            unchanged: 0,
            role_changes: 0,
            seat_changes: 0,
            lose_access: 0,
            unknown: 0,
            people: Vec::new(),
            seats: Vec::new(),
            administrators: Vec::new(),
            warnings: about_mappings(&becomes, &scene.seen_groups, question.now),
            lockouts: Vec::new(),
            refusals: saved.refusals.clone(),
        };
        Some(Self {
            watch: Watch { bypass: bypass(&becomes), over, ..Watch::default() },
            seats_before: scene.seats,
            connections: scene.connections,
            administered: false,
            saver: None,
            stranded: Vec::new(),
            question,
            was,
            saved,
            counted,
            administers,
            effects,
        })
    }

    /// The next member signs in.
    pub fn add(&mut self, mut member: PreviewMember) {
        let before = Standing { role: member.member.role.clone(), seat: member.member.seat.clone() };
        self.watch(&member);
        self.saved.touch(&mut member);
        let outlook = self.look(&member);
        let next = match &outlook {
            Ok(outlook) => match &outlook.decision.outcome {
                Outcome::Admit(admission) => Some(Next::ComesIn {
                    standing: Standing { role: admission.role.clone(), seat: admission.seat.clone() },
                    notes: admission.notes.clone(),
                }),
                Outcome::Refuse(_) if outlook.out_already => None,
                Outcome::Refuse(reason) => Some(Next::LosesAccess { reason: *reason, removed: removes(&outlook.decision) }),
            },
            Err(why) => Some(Next::Unknown { why: *why }),
        };
        self.note_administrator(&member, &before, outlook.as_ref().ok(), next.as_ref());
        self.note_way_in(&member);
        if let Ok(outlook) = &outlook {
            self.write(&member, &outlook.decision);
        }
        self.count(member, before, next);
    }

    /// What came out, once everyone was added.
    #[must_use]
    pub fn finish(mut self) -> Effects {
        let becomes = Arc::clone(&self.saved.organization);
        if self.administered && !self.administers {
            let groups = self.saver.take().map(|saver| saver.groups).unwrap_or_default();
            self.effects.lockouts.push(Lockout::Nobody { groups, mending: mending(&becomes) });
        } else if let (Some(saver), Some(person)) = (self.saver.take(), self.question.saver) {
            let others = remaining(&self.effects.administrators, &person).map(|other| other.name.clone()).collect();
            let (role_after, groups) = (saver.role_after, saver.groups);
            self.effects.lockouts.push(Lockout::Saver { role_after, groups, mending: mending(&becomes), remaining: others });
        }
        if !self.stranded.is_empty() {
            self.effects.lockouts.push(Lockout::Owners { names: std::mem::take(&mut self.stranded) });
        }
        self.warn();
        self.effects.seats = self.saved.seats;
        self.effects
    }

    /// Asks for one member.
    pub(super) fn look(&self, member: &PreviewMember) -> Result<Outlook, Unknown> {
        let last = member.last.as_ref().ok_or(Unknown::NeverSeen)?;
        let connection = self.question.after.find_connection(&last.identity.connection).ok_or(Unknown::ConnectionGone)?;
        let concerned = concerned(last);
        if concerned.iter().all(|known| known.person.id != member.person.id) {
            return Err(Unknown::LeadsElsewhere);
        }
        let owner = self.saved.primary_owner;
        let facts = Facts {
            organization: Arc::clone(&self.saved.organization),
            connection: self.state_of(&self.question.after, connection, last),
            linked: last.linked.clone(),
            same_email: last.same_email.clone(),
            invite: last.invite.clone(),
            seats: self.saved.seats.clone(),
            other_admins: self.count_others(concerned),
            other_primary_owner: owner.is_some_and(|owner| concerned.iter().all(|known| known.person.id != owner)),
        };
        let decision = decide(&facts, &last.identity, self.question.now);
        // Where somebody else administers, the guard of the last administrator has nothing to say.
        let by_settings = if facts.other_admins > 0 {
            role_of(&decision)
        } else {
            role_of(&decide(&Facts { other_admins: u32::MAX, ..facts.clone() }, &last.identity, self.question.now))
        };
        let out_already = match decision.outcome {
            Outcome::Refuse(reason) => self.refuses_today(facts, last) == Some(reason),
            Outcome::Admit(_) => false,
        };
        Ok(Outlook { decision, by_settings, out_already })
    }

    /// Asks for somebody who is nobody yet; `None` when the connection is gone.
    pub(super) fn look_at_stranger(&self, identity: &Identity) -> Option<Decision> {
        let connection = self.question.after.find_connection(&identity.connection)?;
        let at = self.question.now;
        let last = LastSeen { at, identity: identity.clone(), linked: None, same_email: Vec::new(), invite: None };
        let facts = Facts {
            organization: Arc::clone(&self.saved.organization),
            connection: self.state_of(&self.question.after, connection, &last),
            linked: None,
            same_email: Vec::new(),
            invite: None,
            seats: self.saved.seats.clone(),
            other_admins: self.count_others(&[]),
            other_primary_owner: self.saved.primary_owner.is_some(),
        };
        Some(decide(&facts, identity, at))
    }

    /// The organization as it would be.
    pub(super) fn becomes(&self) -> &Organization {
        &self.saved.organization
    }

    fn refuses_today(&self, facts: Facts, last: &LastSeen) -> Option<Reason> {
        let connection = self.question.before.find_connection(&last.identity.connection)?;
        let connection = self.state_of(&self.question.before, connection, last);
        let facts = Facts { organization: Arc::clone(&self.was), seats: self.seats_before.clone(), connection, ..facts };
        match decide(&facts, &last.identity, self.question.now).outcome {
            Outcome::Refuse(reason) => Some(reason),
            Outcome::Admit(_) => None,
        }
    }

    fn state_of(&self, settings: &Settings, connection: &Connection, last: &LastSeen) -> ConnectionState {
        let memory = self.connections.get(&connection.id).copied().unwrap_or_default();
        ConnectionState {
            id: connection.id.clone(),
            enabled: connection.enabled,
            domain_verified: last.identity.email.as_ref().is_some_and(|email| settings.allows_domain(connection, email.domain())),
            guest_domain: last.identity.email.as_ref().is_some_and(|email| !settings.has_domain(email.domain())),
            allow_idp_initiated: connection.allow_idp_initiated,
            relink_open_until: memory.relink_open_until,
            health: memory.health,
        }
    }

    fn count_others(&self, concerned: &[Known]) -> u32 {
        let own = concerned.iter().filter(|known| self.counted.contains(&known.person.id)).count();
        u32::try_from(self.counted.len() - own).unwrap_or(u32::MAX)
    }

    /// What the next one will find.
    fn write(&mut self, member: &PreviewMember, decision: &Decision) {
        let person = member.person.id;
        for change in &decision.changes {
            match change {
                Change::MoveSeat { from, to, .. } => {
                    self.saved.release(from.as_ref());
                    self.saved.take(to.as_ref());
                }
                Change::ConsumeInvite { held, .. } => self.saved.release(held.as_ref()),
                Change::RemoveMember { .. } => self.saved.release(member.member.seat.as_ref()),
                Change::MarkPrimaryOwner { .. } => self.saved.primary_owner = Some(person),
                // A member is there already; the rest is nobody else's concern.
                _ => {}
            }
        }
        match &decision.outcome {
            Outcome::Admit(admission) if !member.person.service_account && self.saved.organization.is_administrator(&admission.role) => {
                self.counted.insert(person);
            }
            Outcome::Refuse(_) if !removes(decision) => {}
            Outcome::Admit(_) | Outcome::Refuse(_) => drop(self.counted.remove(&person)),
        }
        if removes(decision) && self.saved.primary_owner == Some(person) {
            self.saved.primary_owner = None;
        }
        if let Some(last) = member.last.as_ref().filter(|last| matches!(last.identity.groups, GroupClaim::Present(_))) {
            let memory = self.connections.entry(last.identity.connection.clone()).or_default();
            memory.health.last_present_at = memory.health.last_present_at.max(Some(self.question.now));
        }
    }

    /// Who administers now, who would, and whether that is sure.
    fn note_administrator(&mut self, member: &PreviewMember, before: &Standing, outlook: Option<&Outlook>, next: Option<&Next>) {
        let becomes = Arc::clone(&self.saved.organization);
        let human = !member.person.service_account;
        let did = self.was.is_administrator(&before.role);
        let could_stay = || becomes.is_administrator(&before.role) && self.could_come_in(member);
        let does = match outlook {
            Some(outlook) => outlook.by_settings.as_ref().is_some_and(|role| becomes.is_administrator(role)),
            None => did && could_stay(),
        };
        self.administered |= human && did;
        self.administers |= human && does;
        if self.question.saver == Some(member.person.id) && did && !(does && (outlook.is_some() || !becomes.maps_at_login())) {
            self.saver = Some(Saver { role_after: outlook.and_then(|outlook| outlook.by_settings.clone()), groups: groups_of(member) });
        }
        let role = match next {
            Some(Next::ComesIn { standing, .. }) => Some(&standing.role),
            Some(Next::Unknown { .. }) if does => Some(&before.role),
            _ => None,
        };
        if let Some(role) = role.filter(|role| becomes.is_administrator(role)) {
            let certain = human && did && does && outlook.is_some() && member.member.last_login_at.is_some();
            let administrator = Administrator { person: member.person.id, name: name_of(&member.person), role: role.clone(), certain };
            self.effects.administrators.push(administrator);
        }
    }

    /// Whether some connection takes the member.
    fn could_come_in(&self, member: &PreviewMember) -> bool {
        self.ways_in(&self.question.after, member).next().is_some()
    }

    /// Connections that take the member: those that they have a link on, or any while they have none or its relink window is open.
    fn ways_in<'a>(&'a self, settings: &'a Settings, member: &'a PreviewMember) -> impl Iterator<Item = &'a Connection> {
        let relinks = |id: &ConnectionId| {
            self.connections.get(id).and_then(|memory| memory.relink_open_until).is_some_and(|until| self.question.now < until)
        };
        let leads_here = move |id: &ConnectionId| member.connections.is_empty() || member.connections.contains(id) || relinks(id);
        let email = member.person.email.as_ref();
        email.into_iter().flat_map(|email| takes(settings, email)).filter(move |connection| leads_here(&connection.id))
    }

    /// Whoever has the highest role is needed to mend things: their last connection is neither turned off nor taken away.
    fn note_way_in(&mut self, member: &PreviewMember) {
        let highest = self.was.roles.first() == Some(&member.member.role) || member.member.primary_owner;
        if member.person.service_account || !highest || self.could_come_in(member) {
            return;
        }
        let stays = |id: &ConnectionId| self.question.after.find_connection(id).is_some_and(|connection| connection.enabled);
        if self.ways_in(&self.question.before, member).any(|connection| !stays(&connection.id)) {
            self.stranded.push(name_of(&member.person));
        }
    }

    fn count(&mut self, member: PreviewMember, before: Standing, next: Option<Next>) {
        let effects = &mut self.effects;
        let next = next.filter(|next| next.standing() != Some(&before));
        let Some(next) = next else {
            effects.unchanged += 1;
            return;
        };
        match &next {
            Next::ComesIn { standing, .. } if standing.role != before.role => effects.role_changes += 1,
            Next::ComesIn { .. } => effects.seat_changes += 1,
            Next::LosesAccess { .. } => effects.lose_access += 1,
            Next::Unknown { .. } => effects.unknown += 1,
        }
        effects.people.push(PersonEffect {
            groups: groups_of(&member),
            seen_at: member.last.map(|last| last.at),
            person: member.person.id,
            member: member.member.id,
            name: member.person.name,
            email: member.person.email,
            before,
            next,
        });
    }

    fn watch(&mut self, member: &PreviewMember) {
        let becomes = &self.saved.organization;
        let watch = &mut self.watch;
        if let Some(tier) = &member.member.seat {
            if let Some(holders) = watch.over.get_mut(tier) {
                holders.push((member.member.joined_at, name_of(&member.person)));
            }
            if becomes.tier_rank(tier).is_none() {
                *watch.homeless.entry(tier.clone()).or_default() += 1;
            }
        }
        let groups = member.last.as_ref().map(|last| &last.identity.groups);
        if let (Some((custom, user)), Some(GroupClaim::Present(groups))) = (&watch.bypass, groups)
            && groups.iter().any(|group| custom.contains(group))
            && groups.iter().any(|group| user.contains(group))
        {
            watch.bypassed.0 += 1;
            if watch.bypassed.1.len() < NAMED {
                watch.bypassed.1.push(name_of(&member.person));
            }
        }
        if becomes.maps_at_login() && member.connections.len() > 1 {
            let on = |id: &&ConnectionId| self.question.after.find_connection(id).is_some_and(|connection| connection.enabled);
            let several: BTreeSet<&ConnectionId> = member.connections.iter().filter(on).collect();
            if several.len() > 1 {
                watch.several.0 += 1;
                watch.several.1.extend(several.into_iter().cloned());
            }
        }
    }

    fn warn(&mut self) {
        let watch = std::mem::take(&mut self.watch);
        let effects = &mut self.effects;
        if watch.bypassed.0 > 0 {
            effects.warnings.push(Warning::CustomBypassed { people: watch.bypassed.0, names: watch.bypassed.1 });
        }
        if watch.several.0 > 0 {
            effects
                .warnings
                .push(Warning::SeveralConnections { people: watch.several.0, connections: watch.several.1.into_iter().collect() });
        }
        for (tier, mut holders) in watch.over {
            let owned = self.saved.organization.seat_tiers.iter().find(|seats| seats.tier == tier).map_or(0, |seats| seats.owned);
            let used = self.seats_before.iter().find(|count| count.tier == tier).map_or(0, |count| count.used);
            holders.sort_unstable_by(|a, b| b.cmp(a));
            let over = usize::try_from(used.saturating_sub(owned)).unwrap_or(usize::MAX).min(NAMED);
            let over = holders.into_iter().take(over).map(|(_, name)| name).collect();
            effects.warnings.push(Warning::SeatsBelowUse { tier, owned, used, over });
        }
        for (tier, members) in watch.homeless {
            let id = &effects.organization;
            effects.refusals.push(format!(
                "{members} member(s) of organization {id} have a {tier} seat, so this tier cannot be taken away; move them first"
            ));
        }
    }
}

/// Whom a login is about: the linked person, or else whoever has the address.
fn concerned(last: &LastSeen) -> &[Known] {
    last.linked.as_ref().map_or(last.same_email.as_slice(), std::slice::from_ref)
}

fn removes(decision: &Decision) -> bool {
    decision.changes.iter().any(|change| matches!(change, Change::RemoveMember { .. }))
}

fn role_of(decision: &Decision) -> Option<Role> {
    match &decision.outcome {
        Outcome::Admit(admission) => Some(admission.role.clone()),
        Outcome::Refuse(_) => None,
    }
}

fn groups_of(member: &PreviewMember) -> Vec<String> {
    match member.last.as_ref().map(|last| &last.identity.groups) {
        Some(GroupClaim::Present(groups)) => groups.iter().cloned().collect(),
        _ => Vec::new(),
    }
}

/// Connections that take an address.
fn takes<'a>(settings: &'a Settings, email: &'a EmailAddress) -> impl Iterator<Item = &'a Connection> {
    settings.connections.iter().filter(|connection| connection.enabled && settings.allows_domain(connection, email.domain()))
}

/// The groups of Custom and of User, where groups decide and both are mapped (row 23).
fn bypass(organization: &Organization) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let groups = |name: &str| -> BTreeSet<String> {
        let of_role = organization.role_mappings.iter().filter(|mapping| mapping.role.as_str() == name);
        of_role.flat_map(|mapping| &mapping.groups).map(|group| group.value.trim().to_owned()).collect()
    };
    let rank = |name: &str| organization.role_rank(&Role::new(name));
    let user_wins = rank("User").zip(rank("Custom")).is_some_and(|(user, custom)| user < custom);
    (organization.group_mappings && organization.mode == Mode::Jit && user_wins).then(|| (groups("Custom"), groups("User")))
}
