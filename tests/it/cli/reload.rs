//! A running `usher serve` that is told to read its files again.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::ask::{Ask, Reply};
use crate::support::echo::Echo;
use crate::support::port::free_port;

/// A process, its files and its log.
struct Server {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn usher_toml(port: u16, more: &str, routes: &[(&str, &Echo)]) -> String {
    let route = |(host, app): &(&str, &Echo)| {
        format!("[[route]]\nhost = \"{host}\"\nupstream = \"http://{}\"\norganization = \"acme\"\nallow = \"public\"\n", app.address)
    };
    let routes = routes.iter().map(route).collect::<Vec<_>>().concat();
    format!(
        "public_url = \"http://auth.localhost:{port}\"\ndata_dir = \"data\"\n[server]\nlisten = \"127.0.0.1:{port}\"\n[ops]\nlisten = \"127.0.0.1:0\"\n{more}\n{routes}"
    )
}

impl Server {
    async fn start(routes: &[(&str, &Echo)]) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        std::fs::write(folder.path().join("usher.toml"), usher_toml(port, "", routes)).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_usher"))
            .arg("serve")
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, folder, port };
        server.until("serving").await;
        server
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until the log says so as often as `times`.
    async fn until_said(&self, words: &str, times: usize) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.log().matches(words).count() < times {
            assert!(Instant::now() < deadline, "{words} x {times}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until(&self, words: &str) {
        self.until_said(words, 1).await;
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("usher.toml"), text).unwrap();
    }

    fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn ask(&self, host: &str) -> Reply {
        Ask::to(host, "GET", "/").send(([127, 0, 0, 1], self.port).into()).await
    }
}

#[tokio::test]
async fn a_reload_puts_new_routes_in_force_and_a_bad_file_changes_nothing() {
    let (one, other) = (Echo::start().await, Echo::start().await);
    let server = Server::start(&[("one.localhost", &one)]).await;
    assert_eq!(server.ask("one.localhost").await.status, 200);
    assert_eq!(server.ask("other.localhost").await.status, 421);

    server.write(&usher_toml(server.port, "", &[("one.localhost", &other), ("other.localhost", &other)]));
    server.hang_up();
    server.until("reloaded").await;
    assert_eq!(server.ask("other.localhost").await.status, 200);
    assert_eq!(server.ask("one.localhost").await.status, 200);
    assert_eq!(other.seen.requests.load(std::sync::atomic::Ordering::SeqCst), 2, "the new upstream answers for both");

    // One key is misspelled; the other change in the file must not count either.
    server.write(&usher_toml(server.port, "nonsense = 1", &[("third.localhost", &one)]));
    server.hang_up();
    server.until_said("not reloaded", 1).await;
    assert!(server.log().contains("nonsense"), "{}", server.log());
    assert_eq!(server.ask("third.localhost").await.status, 421);
    assert_eq!(server.ask("other.localhost").await.status, 200);
}

#[tokio::test]
async fn what_counts_from_the_start_is_named_and_nothing_is_reloaded() {
    let app = Echo::start().await;
    let server = Server::start(&[("one.localhost", &app)]).await;
    let text = usher_toml(server.port, "[log]\nformat = \"pretty\"", &[("one.localhost", &app), ("two.localhost", &app)]);
    server.write(&text.replace("[ops]\nlisten = \"127.0.0.1:0\"", "[ops]\nlisten = \"127.0.0.1:9\""));
    server.hang_up();
    server.until("not reloaded").await;
    assert!(server.log().contains("ops.listen, log.format cannot change while Usher runs"), "{}", server.log());
    assert_eq!(server.ask("two.localhost").await.status, 421);
}

#[tokio::test]
async fn requests_that_are_under_way_survive_a_reload() {
    let app = Echo::start().await;
    let server = Server::start(&[("one.localhost", &app)]).await;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.port));
    let mut events = tokio::net::TcpStream::connect(address).await.unwrap();
    let ask = Ask::to("one.localhost", "GET", "/events").bytes();
    tokio::io::AsyncWriteExt::write_all(&mut events, &ask).await.unwrap();
    let mut read = vec![0; 4096];
    let started = tokio::io::AsyncReadExt::read(&mut events, &mut read).await.unwrap();
    assert!(started > 0);
    for round in 1..=3 {
        server.hang_up();
        server.until_said("reloaded", round).await;
        assert!(tokio::io::AsyncReadExt::read(&mut events, &mut read).await.unwrap() > 0, "the stream goes on");
    }
}

/// systemd's own socket, played by the test.
#[tokio::test]
async fn systemd_hears_when_it_is_ready_when_it_reloads_and_when_it_stops() {
    let folder = TempDir::new().unwrap();
    let socket = std::os::unix::net::UnixDatagram::bind(folder.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let app = Echo::start().await;
    let (data, port) = (TempDir::new().unwrap(), free_port());
    std::fs::write(data.path().join("usher.toml"), usher_toml(port, "", &[("one.localhost", &app)])).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_usher"))
        .arg("serve")
        .current_dir(data.path())
        .env("NOTIFY_SOCKET", folder.path().join("notify"))
        .env("WATCHDOG_USEC", "200000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let hear = |what: &str| {
        let mut said = [0; 256];
        loop {
            let length = socket.recv(&mut said).expect(what);
            if String::from_utf8_lossy(&said[..length]).contains(what) {
                return;
            }
        }
    };
    hear("READY=1");
    hear("WATCHDOG=1");
    let signal = |name: &str| Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    signal("-HUP");
    hear("RELOADING=1");
    hear("READY=1");
    signal("-TERM");
    hear("STOPPING=1");
    assert!(process.wait().unwrap().success());
    assert!(Path::new(&data.path().join("data")).exists());
}
