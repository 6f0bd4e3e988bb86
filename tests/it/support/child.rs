//! Programs that a test starts beside itself.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take until it answers, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server, running until it is dropped. Its output is kept for the day when it does not start.
pub(crate) struct Server {
    process: Child,
    log: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts `command` with its output in `log`, and waits until something listens on `port`. `package` is where the program comes from.
    pub(crate) async fn start(command: &mut Command, package: &str, port: u16, log: &Path) -> Self {
        let output = std::fs::File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let program = command.get_program().display().to_string();
        let process = command.spawn().unwrap_or_else(|error| panic!("{program} does not start ({error}): apt-get install {package}"));
        let mut server = Self { process, log: log.to_owned() };
        let deadline = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(server.process.try_wait().unwrap().is_none(), "{program} has stopped:\n{}", server.log());
            assert!(Instant::now() < deadline, "{program} does not answer:\n{}", server.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// Sends a signal: `STOP` makes it the server that has hung, `CONT` lets it go on, `QUIT` and `KILL` end it.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.process.id(), name);
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) {
        self.process.wait().unwrap();
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Sends a signal to a process, which may have gone.
pub(crate) fn signal(process: u32, name: &str) {
    Command::new("kill").args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status().unwrap();
}

/// Fails in one sentence when a file that a package brings is not there.
pub(crate) fn need_file(path: &str, package: &str) {
    assert!(Path::new(path).exists(), "{path} is missing: apt-get install {package}");
}
