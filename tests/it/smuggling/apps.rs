//! Two real servers that write down every request that they have read to its end.

use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tempfile::TempDir;

use crate::support::child::Server;
use crate::support::port::free_port;

/// How long a line of a log may take to be there.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request, as an app read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Read {
    method: String,
    path: String,
    body: String,
}

impl Read {
    pub(super) fn new(method: &str, path: &str, body: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), body: body.to_owned() }
    }
}

/// A running app.
pub(super) struct App {
    name: &'static str,
    port: u16,
    /// Lines of the log that were looked at.
    seen: usize,
    folder: TempDir,
    _server: Server,
}

/// Reads whatever it can: a lenient parser, so that a second reading would be found if there is one.
const NODE: &str = r"
const fs = require('fs');
const [port, log] = process.argv.slice(2);
require('http').createServer({ insecureHTTPParser: true, requireHostHeader: false }, (request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const body = Buffer.concat(pieces).toString('base64');
    fs.appendFileSync(log, JSON.stringify({ method: request.method, path: request.url, body }) + '\n');
    response.end(request.url);
  });
}).listen(Number(port), '127.0.0.1');
";

/// Writes down what the first server reads; the second only makes it read the body.
fn nginx_conf(folder: &std::path::Path, port: u16, behind: u16) -> String {
    format!(
        r#"
daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;
events {{}}
http {{
  log_format seen escape=json '{{"status":$status,"method":"$request_method","path":"$request_uri","body":"$request_body"}}';
  client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c; uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;
  server {{
    listen 127.0.0.1:{port};
    access_log {0}/seen seen;
    location / {{ proxy_pass http://127.0.0.1:{behind}; }}
  }}
  server {{
    listen 127.0.0.1:{behind};
    access_log off;
    location / {{ return 200 $request_uri; }}
  }}
}}
"#,
        folder.display()
    )
}

/// A line of nginx's log.
#[derive(Deserialize)]
struct Line {
    status: u16,
    #[serde(flatten)]
    read: Read,
}

impl App {
    pub(super) async fn node() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let script = folder.path().join("app.js");
        std::fs::write(&script, NODE).unwrap();
        let mut command = Command::new("node");
        command.arg(script).arg(port.to_string()).arg(folder.path().join("seen"));
        let server = Server::start(&mut command, "nodejs", port, &folder.path().join("log")).await;
        Self { name: "node", port, seen: 0, folder, _server: server }
    }

    pub(super) async fn nginx() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let conf = folder.path().join("nginx.conf");
        std::fs::write(&conf, nginx_conf(folder.path(), port, free_port())).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(conf).arg("-e").arg(folder.path().join("error.log"));
        let server = Server::start(&mut command, "nginx", port, &folder.path().join("log")).await;
        Self { name: "nginx", port, seen: 0, folder, _server: server }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn url(&self) -> url::Url {
        format!("http://127.0.0.1:{}", self.port).parse().unwrap()
    }

    /// What was read since the last time, up to a request for this path, which ends it and is not among them.
    pub(super) async fn read_until(&mut self, path: &str) -> Vec<Read> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all = self.all();
            if let Some(end) = all.iter().rposition(|read| read.path == path) {
                let read = all[self.seen..end].to_vec();
                self.seen = end + 1;
                return read;
            }
            assert!(Instant::now() < deadline, "{} never read {path}", self.name);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Everything that was read whole. nginx also writes down what it refused or what broke off.
    fn all(&self) -> Vec<Read> {
        let text = std::fs::read_to_string(self.folder.path().join("seen")).unwrap_or_default();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        if self.name == "nginx" {
            let lines = lines.map(|line| serde_json::from_str::<Line>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
            return lines.filter(|line| line.status == 200).map(|line| line.read).collect();
        }
        let decode = |line: &str| {
            let read: Read = serde_json::from_str(line).unwrap();
            Read { body: String::from_utf8(STANDARD.decode(&read.body).unwrap()).unwrap(), ..read }
        };
        lines.map(decode).collect()
    }
}
