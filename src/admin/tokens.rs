//! API tokens: made for a year at most, shown once, and worth no more than the member whom they belong to.
//!
//! A token counts only while its owner is an active member with an administrator's role, and may never do what that role may not (rules.md row 66).
//! So every token belongs to a member, also one that the operator makes.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Actor, Admin, AdminError, Fault, Permission, Who};
use crate::core::{MemberStatus, Organization, OrganizationId, PersonId, Secret, TokenId};
use crate::random;
use crate::store::{NewToken, RequestOrigin, StoreError, TokenAct, TokenHash, TokenQuery, TokenRow};

/// What every token starts with, so that scanners for secrets know one when they see it.
pub const TOKEN_PREFIX: &str = "ush_";
/// The longest life of a token.
pub const TOKEN_LIFE_MAX: SignedDuration = SignedDuration::from_hours(365 * 24);
/// The longest name, in characters.
pub const TOKEN_NAME_MAX: usize = 80;
/// Tokens that count, for each member: more are a sign of a program that never revokes.
const TOKENS_EACH: usize = 50;
/// How old the last use on record may become.
const USE_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// Whether a token counts, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, strum::Display, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TokenState {
    /// It counts.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// Its owner is no administrator of the organization any more.
    OwnerLeft,
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Token {
    /// What is stored of it.
    #[serde(flatten)]
    pub row: TokenRow,
    /// Whether it counts now.
    pub state: TokenState,
}

/// A new token, with the text that nobody sees again.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// `ush_…`, for the caller's eyes.
    pub secret: Secret,
}

/// What a new token should be.
#[derive(Debug, Clone)]
pub struct TokenWish {
    /// What people call it.
    pub name: String,
    /// What it may.
    pub scopes: BTreeSet<Permission>,
    /// Until when.
    pub expires_at: Timestamp,
    /// Whom it belongs to: asked of the operator only, because anybody else makes tokens for themselves.
    pub owner: Option<PersonId>,
}

/// Whom a bearer token speaks for.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// A program that may act.
    Actor(Actor),
    /// Nobody: the text is no token of ours.
    Unknown,
    /// Nobody any more. Only who has the token itself learns why.
    Ended(TokenState),
}

impl Admin {
    /// Whom a token speaks for, and remembers that it was used.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn find_bearer(&self, token: &str, origin: RequestOrigin) -> Result<Bearer, AdminError> {
        if !has_token_form(token) {
            return Ok(Bearer::Unknown);
        }
        // Looked up by its hash: how long that takes tells something about the hash at most, and nothing leads back from there to a token.
        let Some(row) = self.store.find_token(TokenHash::of(token)).await? else { return Ok(Bearer::Unknown) };
        let now = self.clock.now();
        let settings = self.store.find_settings().await?;
        let organization = settings.as_ref().and_then(|stored| stored.settings.find_organization(&row.organization));
        match organization.map_or(TokenState::OwnerLeft, |organization| state(&row, organization, now)) {
            TokenState::Active => {}
            ended => return Ok(Bearer::Ended(ended)),
        }
        if row.last_used_at.is_none_or(|last| now.duration_since(last) >= USE_INTERVAL) {
            self.store.note_token_use(row.id, now).await?;
        }
        let who = Who::Token {
            id: row.id.to_string(),
            // A scope that this version does not know gives nothing.
            scopes: row.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            role: row.owner.role,
            owner: row.owner.person,
        };
        Ok(Bearer::Actor(Actor { who, organization: row.organization, origin }))
    }

    /// Makes a token for whoever asks, or for the owner whom the operator names.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `tokens:write`, and for a scope that the asking token has not itself; [`AdminError::FreshSignInNeeded`];
    /// [`AdminError::Invalid`]; [`AdminError::Refused`] with `owner_left` for an owner who is no administrator, and with `too_many_tokens`.
    pub async fn create_token(&self, actor: &Actor, wish: TokenWish) -> Result<IssuedToken, AdminError> {
        actor.need(Permission::TokensWrite)?;
        actor.need_fresh()?;
        let now = self.clock.now();
        let name = wish.name.trim().to_owned();
        check(&name, &wish, now)?;
        for scope in &wish.scopes {
            actor.need(*scope)?;
        }
        let owner = owner_of(actor, wish.owner)?;
        let organization = self.organization(&actor.organization).await?;
        self.need_administrator(&organization, owner).await?;
        let tokens = self.store.list_tokens_of(&organization.id, owner).await?;
        if tokens.iter().filter(|row| row.expires_at > now).count() >= TOKENS_EACH {
            let sentence = format!("there are {TOKENS_EACH} tokens of this member already; revoke one that is not used");
            return Err(AdminError::refused("too_many_tokens", sentence));
        }
        let secret = new_secret()?;
        let new = NewToken {
            hash: TokenHash::of(secret.reveal()),
            organization: organization.id.clone(),
            owner,
            name,
            scopes: wish.scopes.iter().map(ToString::to_string).collect(),
            expires_at: wish.expires_at,
        };
        let row = self.store.create_token(new, act(actor, now)).await?;
        Ok(IssuedToken { token: shown(row, &organization, now), secret })
    }

    /// Tokens of the organization, the newest first, also those that count no longer.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `tokens:write`.
    pub async fn list_tokens(&self, actor: &Actor, after: Option<TokenId>, limit: u32) -> Result<Vec<Token>, AdminError> {
        actor.need(Permission::TokensWrite)?;
        let organization = self.organization(&actor.organization).await?;
        let rows = self.store.list_tokens(TokenQuery { organization: &organization.id, after, limit }).await?;
        Ok(self.all_shown(rows, &organization))
    }

    /// The tokens of one member that were not revoked: what the question before a removal shows.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `members:read`.
    pub async fn list_tokens_of(&self, actor: &Actor, owner: PersonId) -> Result<Vec<Token>, AdminError> {
        actor.need(Permission::MembersRead)?;
        let organization = self.organization(&actor.organization).await?;
        let rows = self.store.list_tokens_of(&organization.id, owner).await?;
        Ok(self.all_shown(rows, &organization))
    }

    /// One token of the organization.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `tokens:write`; [`AdminError::NoSuch`].
    pub async fn find_token(&self, actor: &Actor, id: TokenId) -> Result<Token, AdminError> {
        actor.need(Permission::TokensWrite)?;
        let organization = self.organization(&actor.organization).await?;
        let row = self.store.find_token_by_id(&organization.id, id).await?.ok_or(NO_SUCH)?;
        Ok(shown(row, &organization, self.clock.now()))
    }

    /// Gives a token another secret and another end. The former secret ends at once. Only for one's own tokens: whoever learns a token acts as its
    /// owner.
    ///
    /// # Errors
    /// As [`Admin::create_token`], and [`AdminError::Refused`] with `not_your_token` or `token_revoked`.
    pub async fn rotate_token(&self, actor: &Actor, id: TokenId, expires_at: Timestamp) -> Result<IssuedToken, AdminError> {
        let token = self.find_token(actor, id).await?;
        actor.need_fresh()?;
        if owner_of(actor, Some(token.row.owner.person))? != token.row.owner.person {
            return Err(AdminError::refused("not_your_token", "only its owner may rotate a token; you may revoke it"));
        }
        // Else a narrow token would turn into a wide one of the same owner.
        for scope in token.row.scopes.iter().filter_map(|scope| scope.parse().ok()) {
            actor.need(scope)?;
        }
        let now = self.clock.now();
        check_end(expires_at, now).map_or(Ok(()), |fault| Err(AdminError::Invalid(vec![fault])))?;
        let organization = self.organization(&actor.organization).await?;
        self.need_administrator(&organization, token.row.owner.person).await?;
        let secret = new_secret()?;
        let hash = TokenHash::of(secret.reveal());
        match self.store.rotate_token(&organization.id, id, hash, expires_at, act(actor, now)).await? {
            Some(row) => Ok(IssuedToken { token: shown(row, &organization, now), secret }),
            None => Err(AdminError::refused("token_revoked", "the token was revoked; make another one")),
        }
    }

    /// Ends a token, from the next request on. One that was revoked before stays as it was.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `tokens:write`; [`AdminError::NoSuch`]; [`AdminError::Refused`] with `above_your_role`.
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Result<Token, AdminError> {
        let token = self.find_token(actor, id).await?;
        let organization = self.organization(&actor.organization).await?;
        if is_administrator(&token.row, &organization) {
            actor.need_rank(&organization, &token.row.owner.role)?;
        }
        let now = self.clock.now();
        let row = self.store.revoke_token(&organization.id, id, act(actor, now)).await?.ok_or(NO_SUCH)?;
        Ok(shown(row, &organization, now))
    }

    /// Ends all tokens of one member, as their removal does unless it is told otherwise; answers how many.
    ///
    /// # Errors
    /// [`AdminError::NotAllowed`] without `members:write`.
    pub async fn revoke_tokens_of(&self, actor: &Actor, owner: PersonId) -> Result<usize, AdminError> {
        actor.need(Permission::MembersWrite)?;
        let rows = self.store.list_tokens_of(&actor.organization, owner).await?;
        for row in &rows {
            self.store.revoke_token(&actor.organization, row.id, act(actor, self.clock.now())).await?;
        }
        Ok(rows.len())
    }

    async fn organization(&self, id: &OrganizationId) -> Result<Organization, AdminError> {
        let stored = self.store.find_settings().await?;
        stored.and_then(|stored| stored.settings.find_organization(id).cloned()).ok_or(AdminError::NoSuch("organization"))
    }

    /// A token that would not count is not made.
    async fn need_administrator(&self, organization: &Organization, owner: PersonId) -> Result<(), AdminError> {
        let row = self.store.find_member(&organization.id, owner).await?;
        if row.is_some_and(|row| row.member.status == MemberStatus::Active && organization.is_administrator(&row.member.role)) {
            return Ok(());
        }
        Err(AdminError::refused("owner_left", "only an active member who administers the organization can have tokens"))
    }

    fn all_shown(&self, rows: Vec<TokenRow>, organization: &Organization) -> Vec<Token> {
        let now = self.clock.now();
        rows.into_iter().map(|row| shown(row, organization, now)).collect()
    }
}

const NO_SUCH: AdminError = AdminError::NoSuch("token");

fn has_token_form(text: &str) -> bool {
    let digits = text.strip_prefix(TOKEN_PREFIX).unwrap_or_default();
    digits.len() == 43 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn new_secret() -> Result<Secret, AdminError> {
    let random = random::token().map_err(StoreError::from)?;
    Ok(Secret::new(format!("{TOKEN_PREFIX}{random}")))
}

fn act(actor: &Actor, now: Timestamp) -> TokenAct {
    TokenAct { actor: actor.name(), origin: actor.origin.clone(), now }
}

fn shown(row: TokenRow, organization: &Organization, now: Timestamp) -> Token {
    Token { state: state(&row, organization, now), row }
}

fn state(row: &TokenRow, organization: &Organization, now: Timestamp) -> TokenState {
    if row.revoked_at.is_some() {
        TokenState::Revoked
    } else if row.expires_at <= now {
        TokenState::Expired
    } else if is_administrator(row, organization) {
        TokenState::Active
    } else {
        TokenState::OwnerLeft
    }
}

fn is_administrator(row: &TokenRow, organization: &Organization) -> bool {
    row.owner.status == MemberStatus::Active && organization.is_administrator(&row.owner.role)
}

/// Whose a token is that this actor makes.
fn owner_of(actor: &Actor, named: Option<PersonId>) -> Result<PersonId, AdminError> {
    match &actor.who {
        Who::Person { person, .. } => Ok(*person),
        Who::Token { owner, .. } => Ok(*owner),
        Who::Operator => named.ok_or_else(|| AdminError::invalid("owner", "say whose token it is")),
    }
}

fn check(name: &str, wish: &TokenWish, now: Timestamp) -> Result<(), AdminError> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, message: String| faults.push(Fault { field: field.to_owned(), message });
    if name.is_empty() || name.chars().count() > TOKEN_NAME_MAX || name.chars().any(char::is_control) {
        fault("name", format!("use 1 to {TOKEN_NAME_MAX} characters, and no control characters"));
    }
    if wish.scopes.is_empty() {
        fault("scopes", "choose at least one thing that it may do".to_owned());
    }
    faults.extend(check_end(wish.expires_at, now));
    if faults.is_empty() { Ok(()) } else { Err(AdminError::Invalid(faults)) }
}

fn check_end(expires_at: Timestamp, now: Timestamp) -> Option<Fault> {
    let life = expires_at.duration_since(now);
    let fits = life > SignedDuration::ZERO && life <= TOKEN_LIFE_MAX;
    (!fits).then(|| Fault { field: "expires_at".to_owned(), message: "use a time within the next 365 days".to_owned() })
}
