//! The console at a large organization: how long each page takes, and the review of a change that concerns everybody.
//!
//! `cargo bench --bench console -- [--members 100000] [--in DIRECTORY] [--out FILE] [postgres://…]`
//!
//! With `--in`, a store that is there already is used again. Times are those of a client on the same machine, from the request to the last byte of the
//! answer, so that they hold the whole way; a page should take less than 100 ms, a review less than 5 s on two cores.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_util::sync::CancellationToken;
use usher::admin::{Actor, Who};
use usher::app::App;
use usher::clock::{Clock as _, SystemClock};
use usher::core::{MemberStatus, OrganizationId};
use usher::gateway::{Gateway, Parts, load_or_make_sp_keys};
use usher::outbound::Outbound;
use usher::proxy::IdentityKeys;
use usher::store::ephemeral::memory::MemoryStore;
use usher::store::postgres::PostgresStore;
use usher::store::sqlite::SqliteStore;
use usher::store::{MemberRow, RequestOrigin, RosterFilter, RosterOrder, RosterPlace, RosterQuery, Store};

mod acme;
mod asking;
mod node;
mod town;

use acme::Error;
use asking::{Browser, Measured};

/// People who are signed in while the pages are asked for.
const SIGNED_IN: usize = 20_000;
const ROUNDS: usize = 20;
const PAGE_GOAL: Duration = Duration::from_millis(100);
const REVIEW_GOAL: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let Some(wishes) = Wishes::read()? else { return Ok(()) };
    let scratch = tempfile::tempdir()?;
    let directory = wishes.directory.clone().unwrap_or_else(|| scratch.path().to_owned());
    let store = open(&wishes, &directory).await?;
    let now = SystemClock.now();
    if store.find_settings().await?.is_none() {
        let started = Instant::now();
        store.save_settings(&town::organization()?, None, "bench", now).await?;
        town::settle(&store, wishes.members, now).await?;
        say(&format!("{} members came in {:.0} s", wishes.members, started.elapsed().as_secs_f64()));
    }
    let (app, address, stop) = start(&store, &directory).await?;
    let owner = find(store.as_ref(), 0).await?;
    let (_, token) = node::sign_in(&app.sessions, owner.clone(), town::resident(0)?).await?;
    sign_in_many(&app, wishes.members).await?;

    let mut browser = Browser::open(address, &token).await?;
    let mut pages = Vec::new();
    for (name, path) in pages_of(store.as_ref(), wishes.members).await? {
        pages.extend(measure(&mut browser, name, &path).await?);
    }
    pages.push(explain(&app, &owner, &find(store.as_ref(), wishes.members / 2).await?).await?);
    let reviews = review(&mut browser, store.as_ref()).await?;
    report(&wishes, &pages, &reviews)?;
    stop.cancel();
    Ok(())
}

/// What the command line asks for; `None` when there is nothing to measure (`cargo test --benches`).
struct Wishes {
    members: usize,
    directory: Option<PathBuf>,
    out: PathBuf,
    postgres: Option<String>,
}

impl Wishes {
    fn read() -> Result<Option<Self>, Error> {
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-console.json");
        let mut wishes = Self { members: 100_000, directory: None, out, postgres: None };
        let mut arguments = std::env::args().skip(1);
        let mut is_bench = false;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--members" => wishes.members = value()?.parse()?,
                "--in" => wishes.directory = Some(value()?.into()),
                "--out" => wishes.out = value()?.into(),
                url if url.contains("://") => wishes.postgres = Some(url.to_owned()),
                other => return Err(format!("what is {other}?").into()),
            }
        }
        Ok(is_bench.then_some(wishes))
    }
}

async fn open(wishes: &Wishes, directory: &Path) -> Result<Arc<dyn Store>, Error> {
    Ok(match &wishes.postgres {
        Some(url) => Arc::new(PostgresStore::open(url).await?),
        None => Arc::new(SqliteStore::open(&directory.join("usher.db")).await?),
    })
}

async fn start(store: &Arc<dyn Store>, directory: &Path) -> Result<(Arc<App>, std::net::SocketAddr, CancellationToken), Error> {
    let clock = Arc::new(SystemClock);
    let gateway = Gateway::new(Parts {
        config: node::config("http://127.0.0.1:9", directory.to_owned())?,
        store: Arc::clone(store),
        ephemeral: Arc::new(MemoryStore::new(clock.clone())),
        outbound: Arc::new(Outbound::new()?),
        sp_keys: Arc::new(load_or_make_sp_keys(directory, "auth.localhost", clock.now())?),
        identity_keys: Arc::new(IdentityKeys::make()?),
        clock,
    });
    let (app, stop) = (Arc::clone(&gateway.app), CancellationToken::new());
    app.refresh(true).await?;
    let started = gateway.start(&stop).await?;
    Ok((app, started.serving.address(), stop))
}

async fn find(store: &dyn Store, number: usize) -> Result<MemberRow, Error> {
    let email = town::resident(number)?.email.ok_or("nobody has no address here")?;
    let found = store.find_members_by_email(&OrganizationId::parse("acme")?, &email).await?;
    found.into_iter().next().ok_or_else(|| format!("number {number} is no member").into())
}

async fn sign_in_many(app: &App, members: usize) -> Result<(), Error> {
    let filter = RosterFilter { status: Some(MemberStatus::Active), ..RosterFilter::default() };
    let organization = OrganizationId::parse("acme")?;
    let (mut place, mut signed_in) = (RosterPlace::Start, 0);
    while signed_in < SIGNED_IN.min(members) {
        let order = RosterOrder::Joined;
        let query = RosterQuery { organization: &organization, filter: &filter, order, place, limit: 500, total: Some(u64::MAX) };
        let page = app.store.list_roster(query).await?;
        let Some(last) = page.rows.last() else { return Ok(()) };
        place = RosterPlace::After(last.member.id);
        for row in page.rows {
            let number = town::number_of(&row)?;
            node::sign_in(&app.sessions, row, town::resident(number)?).await?;
            signed_in += 1;
        }
    }
    Ok(())
}

/// Name and address of everything that is asked for.
async fn pages_of(store: &dyn Store, members: usize) -> Result<Vec<(&'static str, String)>, Error> {
    let somebody = find(store, members / 2).await?;
    let late = find(store, members - 2).await?;
    let (id, deep) = (somebody.member.id, late.member.id);
    let pages = [
        ("Overview", String::new()),
        ("Members", "/members".to_owned()),
        ("Members, deep in the list", format!("/members?after={deep}")),
        ("Members, backwards from there", format!("/members?before={deep}")),
        ("Members, deep, last here first", format!("/members?sort=recent&after={deep}")),
        ("Members, one found by address", format!("/members?q=person.{}@", members / 2)),
        ("Members, a name that many have", "/members?q=lovelace".to_owned()),
        ("Members, a name that nobody has", "/members?q=nobody-at-all".to_owned()),
        ("Members, administrators", "/members?role=Admin".to_owned()),
        ("Members, a seat, idle first", "/members?seat=tier%3APremium&sort=idle".to_owned()),
        ("Members, never signed in", "/members?seen=never".to_owned()),
        ("Member", format!("/members/{id}")),
        ("Seats", "/seats".to_owned()),
        ("Requests", "/requests".to_owned()),
        ("Sessions", "/sessions".to_owned()),
        ("Sessions of a member", format!("/sessions?member={id}")),
        ("Invites", "/invites".to_owned()),
        ("Activity", "/activity".to_owned()),
        ("Activity, refusals", "/activity?result=refused".to_owned()),
        ("Activity, by person and event", format!("/activity?target={id}&event=login.")),
        ("Activity, by name", format!("/activity?who=person.{}%40acme.example", members / 2)),
        ("Activity, connection and reason", "/activity?connection=okta&reason=no_role_group".to_owned()),
        ("Activity, a word that is nowhere", "/activity?text=nowhere-to-be-found".to_owned()),
        ("Identity & access", "/access".to_owned()),
        ("SSO connections", "/connections".to_owned()),
        ("SSO connection", "/connections/okta".to_owned()),
        ("Settings", "/settings".to_owned()),
        ("API tokens", "/tokens".to_owned()),
    ];
    Ok(pages.map(|(name, path)| (name, format!("/admin/acme{path}"))).into())
}

/// `None` for a page that this version does not have.
async fn measure(browser: &mut Browser, name: &str, path: &str) -> Result<Option<Measured>, Error> {
    let first = browser.ask("GET", path, "").await?;
    if first.status == 404 {
        say(&format!("{name}: there is no such page"));
        return Ok(None);
    }
    if first.status != 200 {
        return Err(format!("{name} ({path}) answers {}: {}", first.status, String::from_utf8_lossy(&first.body)).into());
    }
    let (mut times, before) = (Vec::new(), asking::cpu());
    for _ in 0..ROUNDS {
        times.push(browser.ask("GET", path, "").await?.whole);
    }
    Ok(Some(Measured::new(name, times, asking::cpu_since(before), first.body.len())))
}

/// The member page's question, which the API answers too.
async fn explain(app: &App, owner: &MemberRow, of: &MemberRow) -> Result<Measured, Error> {
    let admin = app.admin();
    let who = Who::Person {
        person: owner.person.id,
        member: owner.member.id,
        role: owner.member.role.clone(),
        primary_owner: false,
        fresh: true,
    };
    let actor = Actor { who, organization: OrganizationId::parse("acme")?, origin: RequestOrigin::default() };
    let (mut times, before) = (Vec::new(), asking::cpu());
    let mut size = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let explained = admin.explain_member(&actor, of.member.id).await?;
        times.push(started.elapsed());
        size = serde_json::to_vec(&explained)?.len();
    }
    Ok(Measured::new("Why a member has it (use case)", times, asking::cpu_since(before), size))
}

/// Twenty teams more are administrators, and a floor gets Premium: thousands change.
/// A change that concerns everybody, and the way back.
const THERE: &str = "mode=jit&group_mappings=on&role-0=app-owners&role-1=app-admins&role-1=team-7&role-1=team-20&role-2=everyone\
                      &tier-0=design&tier-0=floor-3&tier-1=everyone&no_role_match=remove&no_seat_match=highest_available&on_tier_full=next_lower";
const BACK: &str = "mode=jit&group_mappings=on&role-0=app-owners&role-1=app-admins&role-2=everyone&tier-0=design&tier-1=everyone\
                    &no_role_match=remove&no_seat_match=highest_available&on_tier_full=next_lower";

/// The review in the console, as it is streamed, and the save, which reviews once more.
async fn review(browser: &mut Browser, store: &dyn Store) -> Result<Vec<serde_json::Value>, Error> {
    let mut all = Vec::new();
    // In a store of before, the change may be saved already.
    let stored = store.find_settings().await?.ok_or("there are no settings")?;
    let change = if serde_json::to_string(&stored.settings)?.contains("floor-3") { BACK } else { THERE };
    for round in 0..4 {
        let begun = browser.ask("POST", "/admin/acme/access", change).await?;
        if begun.status != 303 {
            return Err(format!("the form was answered with {}: {}", begun.status, String::from_utf8_lossy(&begun.body)).into());
        }
        let before = asking::cpu();
        let answer = browser.ask("GET", "/admin/acme/review", "").await?;
        let cpu = asking::cpu_since(before).as_secs_f64();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if !text.contains("floor-3") {
            return Err(format!("the review is not about the change: {text}").into());
        }
        let steps = text.matches("class=\"progress\"").count();
        let id = text.split_once("name=\"review\" value=\"").and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned);
        let id = id.ok_or_else(|| format!("the review has no id: {text}"))?;
        say(&format!(
            "review: first byte after {:.2} s, {steps} steps of progress, whole after {:.2} s ({cpu:.2} s of CPU), {} KB",
            answer.first.as_secs_f64(),
            answer.whole.as_secs_f64(),
            answer.body.len() / 1024
        ));
        all.push(json!({
            "first_byte_s": answer.first.as_secs_f64(), "whole_s": answer.whole.as_secs_f64(), "cpu_s": cpu, "progress_steps": steps,
            "meets_goal": answer.whole < REVIEW_GOAL,
        }));
        if round == 3 {
            let save = browser.ask("POST", "/admin/acme/review/save", &format!("review={id}")).await?;
            say(&format!("save: answered {} after {:.2} s", save.status, save.whole.as_secs_f64()));
            all.push(json!({ "save_s": save.whole.as_secs_f64(), "status": save.status }));
        }
    }
    Ok(all)
}

fn report(wishes: &Wishes, pages: &[Measured], reviews: &[serde_json::Value]) -> Result<(), Error> {
    say(&format!("\n{:34} {:>8} {:>8} {:>8} {:>8}", "page, ms", "middle", "p95", "CPU", "KB"));
    for page in pages {
        let late = if page.middle() > PAGE_GOAL { "  over 100 ms" } else { "" };
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let kb = f64::from(u32::try_from(page.bytes)?) / 1024.0;
        say(&format!("{:34} {:8.1} {:8.1} {:8.1} {kb:8.1}{late}", page.name, ms(page.middle()), ms(page.p95()), ms(page.cpu)));
    }
    let whole = json!({
        "members": wishes.members,
        "store": if wishes.postgres.is_some() { "PostgreSQL" } else { "SQLite" },
        "signed_in": SIGNED_IN.min(wishes.members),
        "load_average": std::fs::read_to_string("/proc/loadavg")?.trim(),
        "pages": pages.iter().map(Measured::json).collect::<Vec<_>>(),
        "reviews": reviews,
    });
    std::fs::write(&wishes.out, serde_json::to_vec_pretty(&whole)?)?;
    say(&format!("raw data: {}", wishes.out.display()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark says its figures")]
fn say(text: &str) {
    println!("{text}");
}
