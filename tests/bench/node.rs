//! A node for the benchmarks: what it is started with, and somebody who is signed in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use usher::config::{Allow, Config, Database, Limits, Log, LogFormat, Route, Server, SessionLimits, Tls};
use usher::core::{DoorSession, Identity, OrganizationId};
use usher::session::{Client, CookieStore, NewSession, SessionRecord, Sessions, WayIn};
use usher::store::MemberRow;

use crate::acme::Error;

/// The host of the one app.
pub(crate) const HOST: &str = "app.localhost";

/// The way that a browser goes to the auth host, without the browser: the session, and its cookie's value.
pub(crate) async fn sign_in(sessions: &Arc<Sessions>, row: MemberRow, identity: Identity) -> Result<(SessionRecord, String), Error> {
    let new = NewSession {
        person: row.person.id,
        way: WayIn::Connection { connection: identity.connection, subject: identity.subject, door_session: DoorSession::default() },
        organizations: BTreeMap::from([(row.member.organization, row.member.id)]),
        client: Client::new(Some("192.0.2.7".to_owned()), Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")),
    };
    let browser = tower_sessions::Session::new(None, Arc::new(CookieStore::new(Arc::clone(sessions))), None);
    let record = sessions.start_on_auth_host(&browser, new).await?;
    let token = browser.id().ok_or("the browser has no cookie")?.to_string();
    Ok((record, token))
}

pub(crate) fn config(upstream: &str, data_dir: PathBuf) -> Result<Config, Error> {
    let route = Route {
        host: HOST.to_owned(),
        upstreams: vec![upstream.parse()?],
        organization: OrganizationId::parse("acme")?,
        allow: Allow::Members,
        public_paths: vec![],
        aliases: BTreeMap::new(),
        idle_timeout: Duration::from_mins(1),
    };
    let listen = "127.0.0.1:0".parse()?;
    Ok(Config {
        public_url: "http://auth.localhost".parse()?,
        data_dir,
        database: Database::Sqlite,
        redis: None,
        server: Server {
            listen,
            trusted_proxies: vec![],
            max_body_bytes: 1 << 20,
            shutdown_delay: Duration::ZERO,
            shutdown_grace: Duration::ZERO,
        },
        tls: Tls::Off,
        ops_listen: listen,
        session: SessionLimits {
            idle_timeout: Duration::from_hours(8),
            lifetime: Duration::from_hours(12),
            outage_grace: Duration::from_mins(5),
        },
        limits: Limits::default(),
        routes: vec![route],
        log: Log { format: LogFormat::Json, level: "warn".to_owned() },
        org_file: None,
    })
}
