//! schemathesis reads the document, and asks for everything that it promises and for much that it does not.

use std::process::Command;

use strum::IntoEnumIterator as _;
use usher::admin::Permission;

use super::World;

/// Rows of a page at most: the tokens of the first page are not the one that is used here, which would be revoked in time.
const TOKENS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_nothing() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/schemathesis");
    let installed = Command::new(format!("{folder}/install")).status().unwrap();
    assert!(installed.success(), "schemathesis could not be installed");

    let world = World::start().await;
    let token = world.token_for(30, "acme", "olivia", Permission::iter()).await.secret.reveal().to_owned();
    for number in 0..=TOKENS {
        let owner = ["ada", "leaver", "olivia"][number % 3];
        // A member has fifty at most that count.
        if number % 50 == 49 {
            world.clock.pass(super::DAY);
        }
        world.token("acme", owner, [Permission::MembersRead]).await;
    }
    let port = world.installation.site.port.to_string();
    let run = tokio::process::Command::new(format!("{folder}/run")).args([&port, &token]).output();
    let run = run.await.unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    assert!(world.get(&token, "/tokens").await.status == 200, "the token was lost on the way, so not everything was asked");
}
