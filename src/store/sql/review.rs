//! What a review asks: never a statement for each person, but a few for each page of them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::codec::{Columns as _, micros, to_json};
use super::facts::{load_known, push_list};
use super::statement::Statement;
use super::{Backend, Connection, PARENT, Row, SettingsWrite, history, never_lost, rows, seats};
use crate::core::preview::{ConnectionMemory, LastSeen, OwnerHold, PreviewMember, Scene, SeenGroup};
use crate::core::provision::Known;
use crate::core::{
    ClaimHealth, ConnectionId, EmailAddress, Identity, Invite, Link, Organization, OrganizationId, Person, PersonId, Role, SeatTier,
};
use crate::store::{ReplacedSettings, ReviewStore, ReviewedSave, StoreError, StoredSettings};

/// Groups that are held against the mappings: the newest of these.
const SEEN_GROUPS: i64 = 20_000;

#[async_trait]
impl ReviewStore for Backend {
    async fn load_scene(&self, before: &Organization, after: &Organization, now: Timestamp) -> Result<Scene, StoreError> {
        self.within(async {
            let mut reader = self.read().await?;
            self.settings.load(&mut reader, true).await?.load_organization(&before.id)?;
            load_scene(&mut reader, before, after, now).await
        })
        .await
    }

    async fn list_preview_members(
        &self,
        organization: &OrganizationId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<PreviewMember>, StoreError> {
        self.within(async { list_preview_members(&mut *self.read().await?, organization, after, limit).await }).await
    }

    async fn save_reviewed_settings(&self, save: ReviewedSave<'_>) -> Result<StoredSettings, StoreError> {
        let write = SettingsWrite {
            settings: save.settings.clone(),
            expected: save.expected,
            actor: save.actor.to_owned(),
            origin: save.origin.clone(),
            note: save.note,
            now: save.now,
        };
        self.write(|conn| Box::pin(async { Ok(super::save_settings(conn, write).await?) })).await.map_err(never_lost)
    }

    async fn find_replaced_settings(&self, revision: i64) -> Result<Option<ReplacedSettings>, StoreError> {
        self.within(async { history::find(&mut *self.reader().await?, revision).await }).await
    }

    async fn list_replaced_settings(&self, limit: u32) -> Result<Vec<ReplacedSettings>, StoreError> {
        self.within(async { history::list(&mut *self.reader().await?, limit).await }).await
    }
}

async fn load_scene(conn: &mut Connection, before: &Organization, after: &Organization, now: Timestamp) -> Result<Scene, StoreError> {
    let id = before.id.as_str();
    let members = Statement::new("SELECT count(*) AS members FROM member WHERE organization = $1 AND status = 'active'")
        .bind(id)
        .fetch_one(&mut *conn)
        .await?;
    let owner = Statement::new(
        "SELECT member.person, person.email FROM member JOIN person ON person.id = member.person
         WHERE member.organization = $1 AND member.primary_owner = 1 AND member.status = 'active'",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    let hold = Statement::new(
        "SELECT email, held FROM invite WHERE organization = $1 AND primary_owner = 1 AND closed_at IS NULL ORDER BY created_at DESC LIMIT 1",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    let hold =
        hold.map(|row| Ok::<_, StoreError>(OwnerHold { email: row.parsed("email")?, tier: row.maybe_text("held")?.map(SeatTier::new) }));
    Ok(Scene {
        members: u64::from(members.count("members")?),
        seats: seats::count_seats(conn, &before.id, now).await?,
        connections: load_memories(conn).await?,
        administrators: load_administrators(conn, before, after).await?,
        primary_owner: owner.map(|row| Ok::<_, StoreError>((row.parsed("person")?, row.maybe_parsed("email")?))).transpose()?,
        owner_hold: hold.transpose()?,
        owner_is_expected: match &after.primary_owner {
            Some(address) => is_expected(conn, before, address, now).await?,
            None => false,
        },
        seen_groups: load_seen_groups(conn).await?,
    })
}

async fn load_memories(conn: &mut Connection) -> Result<BTreeMap<ConnectionId, ConnectionMemory>, StoreError> {
    let found = Statement::new(
        "SELECT connection.id, relink_open_until, last_present_at FROM connection
         LEFT JOIN claim_health ON claim_health.connection = connection.id WHERE connection.parent = $1",
    )
    .bind(PARENT)
    .fetch_all(conn)
    .await?;
    found
        .iter()
        .map(|row| {
            let health = ClaimHealth { last_present_at: row.maybe_time("last_present_at")? };
            Ok((row.parsed("id")?, ConnectionMemory { relink_open_until: row.maybe_time("relink_open_until")?, health }))
        })
        .collect()
}

async fn load_administrators(
    conn: &mut Connection,
    before: &Organization,
    after: &Organization,
) -> Result<BTreeMap<PersonId, Role>, StoreError> {
    let mut query = Statement::new(
        "SELECT member.person, member.role FROM member JOIN person ON person.id = member.person
         WHERE member.status = 'active' AND member.last_login_at IS NOT NULL AND person.service_account = 0 AND member.organization = ",
    );
    query.push_bind(before.id.as_str().to_owned());
    let roles = before.administrators.union(&after.administrators).map(|role| role.as_str().to_owned());
    push_list(&mut query, " AND member.role IN (", roles);
    let found = query.fetch_all(conn).await?;
    found.iter().map(|row| Ok((row.parsed("person")?, Role::new(row.text("role")?)))).collect()
}

/// Whether an address is an active member's or has an open invite.
async fn is_expected(
    conn: &mut Connection,
    organization: &Organization,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found = Statement::new(
        "SELECT member.id FROM member JOIN person ON person.id = member.person
         WHERE member.organization = $1 AND member.status = 'active' AND person.email_folded = $2
         UNION ALL SELECT id FROM invite WHERE organization = $1 AND email_folded = $2 AND closed_at IS NULL AND expires_at > $3 LIMIT 1",
    )
    .bind(organization.id.as_str())
    .bind(address.folded())
    .bind(micros(now))
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

async fn load_seen_groups(conn: &mut Connection) -> Result<Vec<SeenGroup>, StoreError> {
    let found =
        Statement::new("SELECT connection, value, last_seen_at FROM seen_group ORDER BY last_seen_at DESC, connection, value LIMIT $1")
            .bind(SEEN_GROUPS)
            .fetch_all(conn)
            .await?;
    found
        .iter()
        .map(|row| {
            Ok(SeenGroup { connection: row.parsed("connection")?, value: row.text("value")?, last_seen_at: row.time("last_seen_at")? })
        })
        .collect()
}

async fn list_preview_members(
    conn: &mut Connection,
    organization: &OrganizationId,
    after: Option<PersonId>,
    limit: u32,
) -> Result<Vec<PreviewMember>, StoreError> {
    // A page of members first: how many people there are beside them must not matter, whatever the planner thinks.
    let found = Statement::new(
        "SELECT member.*, person.id AS person_id, person.email, person.name, person.service_account
         FROM (SELECT * FROM member WHERE organization = $1 AND status = 'active' AND person > $2 ORDER BY person LIMIT $3) AS member
         JOIN person ON person.id = member.person ORDER BY member.person",
    )
    .bind(organization.as_str())
    .bind(after.map(|person| person.to_string()).unwrap_or_default())
    .bind(i64::from(limit.clamp(1, 2000)))
    .fetch_all(&mut *conn)
    .await?;
    let people = found.iter().map(|row| row.text("person_id")).collect::<Result<Vec<_>, _>>()?;
    let page = Page { organization, people: to_json(&people)? };
    let mut identities = page.load_identities(conn).await?;
    let mut links = page.load_links(conn).await?;
    let mut namesakes = page.load_namesakes(conn).await?;
    let mut invites = page.load_invites(conn).await?;
    let mut members = Vec::with_capacity(found.len());
    for row in &found {
        let (person, member) = (rows::person(row)?, rows::member(row)?);
        let links = links.remove(&person.id).unwrap_or_default();
        let connections = links.iter().map(|link| link.connection.clone()).collect();
        let last = match identities.remove(&person.id) {
            Some((noted_at, identity)) => {
                let known = Known { person: person.clone(), links, member: Some(member.clone()) };
                let namesakes = namesakes.remove(&person.id).unwrap_or_default();
                let (linked, same_email) = find_concerned(conn, organization, &identity, known, namesakes).await?;
                let at = member.last_groups_at.map_or(noted_at, |at| at.max(noted_at));
                Some(LastSeen { at, identity, linked, same_email, invite: invites.remove(&person.id) })
            }
            None => None,
        };
        members.push(PreviewMember { person, member, connections, last });
    }
    Ok(members)
}

/// Whom the identity leads to now. Nearly always to the member, by a link, and then this asks nothing.
async fn find_concerned(
    conn: &mut Connection,
    organization: &OrganizationId,
    identity: &Identity,
    known: Known,
    namesakes: Vec<Person>,
) -> Result<(Option<Known>, Vec<Known>), StoreError> {
    let mut same_email = Vec::new();
    for person in namesakes {
        same_email.push(load_known(conn, person, organization).await?);
    }
    if known.links.iter().any(|link| link.connection == identity.connection && link.subject == identity.subject) {
        return Ok((Some(known), same_email));
    }
    let linked = Statement::new(
        "SELECT person.id AS person_id, person.email, person.name, person.service_account
         FROM link JOIN person ON person.id = link.person WHERE link.connection = $1 AND link.subject = $2",
    )
    .bind(identity.connection.as_str())
    .bind(&identity.subject)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(row) = linked {
        return Ok((Some(load_known(conn, rows::person(&row)?, organization).await?), same_email));
    }
    if known.person.email.is_some() && known.person.email == identity.email {
        same_email.push(known);
        same_email.sort_by_key(|known| known.person.id);
    }
    Ok((None, same_email))
}

/// The persons of one page, as a JSON array of their ids. Not from the first to the last: what members came with is in the order of the database's
/// language, members are not, and in Danish "aa" comes after "z".
struct Page<'a> {
    organization: &'a OrganizationId,
    people: String,
}

/// Whether a column names a person of the page.
macro_rules! of_the_page {
    ($column:literal) => {
        concat!($column, " IN (SELECT given.value FROM ", each_text!("$2"), ")")
    };
}

impl Page<'_> {
    /// What members last came with, and when that was noted. A join with the members would read all of it: their ids are in another order, and an index of
    /// one order is of no use to the other.
    async fn load_identities(&self, conn: &mut Connection) -> Result<BTreeMap<PersonId, (Timestamp, Identity)>, StoreError> {
        let found = concat!(
            "SELECT person AS whom, at, identity FROM last_identity WHERE organization = $1 AND ",
            of_the_page!("last_identity.person")
        );
        let identities = self.group(conn, found, |row| Ok((row.time("at")?, row.json("identity")?))).await?;
        Ok(identities.into_iter().filter_map(|(person, mut noted)| Some((person, noted.pop()?))).collect())
    }

    async fn load_links(&self, conn: &mut Connection) -> Result<BTreeMap<PersonId, Vec<Link>>, StoreError> {
        let found = concat!(
            "SELECT link.person AS whom, link.id, link.connection, link.subject FROM member JOIN link ON link.person = member.person
             WHERE member.organization = $1 AND ",
            of_the_page!("member.person"),
            " ORDER BY link.person, link.id"
        );
        self.group(conn, found, rows::link).await
    }

    /// Other people with the address that a member last came with.
    async fn load_namesakes(&self, conn: &mut Connection) -> Result<BTreeMap<PersonId, Vec<Person>>, StoreError> {
        let found = concat!(
            "SELECT last_identity.person AS whom, person.id AS person_id, person.email, person.name, person.service_account
             FROM last_identity JOIN person ON person.email_folded = last_identity.email_folded AND person.id <> last_identity.person
             WHERE last_identity.organization = $1 AND ",
            of_the_page!("last_identity.person"),
            " AND person.parent = 'parent' ORDER BY last_identity.person, person.id"
        );
        self.group(conn, found, rows::person).await
    }

    async fn load_invites(&self, conn: &mut Connection) -> Result<BTreeMap<PersonId, Invite>, StoreError> {
        let found = concat!(
            "SELECT last_identity.person AS whom, invite.* FROM last_identity
             JOIN invite ON invite.organization = last_identity.organization AND invite.email_folded = last_identity.email_folded
             WHERE last_identity.organization = $1 AND ",
            of_the_page!("last_identity.person"),
            " AND invite.closed_at IS NULL ORDER BY last_identity.person, invite.created_at, invite.id"
        );
        let invites = self.group(conn, found, rows::invite).await?;
        Ok(invites.into_iter().filter_map(|(person, mut invites)| Some((person, invites.pop()?))).collect())
    }

    async fn group<T>(
        &self,
        conn: &mut Connection,
        query: &'static str,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<BTreeMap<PersonId, Vec<T>>, StoreError> {
        let found = Statement::new(query).bind(self.organization.as_str()).bind(self.people.as_str()).fetch_all(conn).await?;
        let mut grouped: BTreeMap<PersonId, Vec<T>> = BTreeMap::new();
        for row in &found {
            grouped.entry(row.parsed("whom")?).or_default().push(read(row)?);
        }
        Ok(grouped)
    }
}
