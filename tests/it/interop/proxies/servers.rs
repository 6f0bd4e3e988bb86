//! The proxies, started with the files of `docs/proxies`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::support::child::{Server, need_file};
use crate::support::port::free_port;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/proxies");

/// Where a proxy finds its neighbours, and its files.
pub(super) struct Place<'a> {
    pub(super) usher: SocketAddr,
    pub(super) app: SocketAddr,
    pub(super) directory: &'a Path,
}

/// A running proxy and its port.
pub(super) struct Running {
    pub(super) port: u16,
    pub(super) server: Server,
}

impl Place<'_> {
    /// A file of the documentation with the addresses of this test; every text that is to be replaced has to be there.
    fn adapt(&self, file: &str, more: &[(&str, &str)]) -> String {
        let mut text = std::fs::read_to_string(Path::new(DOCS).join(file)).unwrap();
        for (from, to) in more {
            assert!(text.contains(from), "{file} has no {from}");
            text = text.replace(from, to);
        }
        text.replace("127.0.0.1:4180", &self.usher.to_string()).replace("127.0.0.1:3000", &self.app.to_string())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.directory.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    async fn start(&self, command: &mut Command, package: &str, port: u16) -> Running {
        Running { port, server: Server::start(command, package, port, &self.directory.join("log")).await }
    }
}

pub(super) async fn nginx(place: Place<'_>) -> Running {
    let port = free_port();
    let server = place.adapt("nginx.conf", &[("listen 443 ssl;", &format!("listen 127.0.0.1:{port};"))]);
    let directory = place.directory.display();
    // In one process: workers would outlive a master that is killed.
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {directory}/{kind};"));
    let conf = format!(
        "daemon off; master_process off; pid {directory}/pid; error_log stderr;\nevents {{ worker_connections 512; }}\nhttp {{ access_log off; {}\n{server} }}",
        temporary.join(" ")
    );
    let conf = place.write("nginx.conf", &conf);
    place.start(Command::new("/usr/sbin/nginx").args(["-c", &conf, "-e", "stderr"]), "nginx", port).await
}

pub(super) async fn caddy(place: Place<'_>) -> Running {
    let port = free_port();
    let (app, auth) = (format!("\nhttp://app.acme.example:{port} {{"), format!("\nhttp://auth.acme.example:{port} {{"));
    let sites = place.adapt("Caddyfile", &[("\napp.acme.example {", &app), ("\nauth.acme.example {", &auth)]);
    let file = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{sites}");
    let file = place.write("Caddyfile", &file);
    let mut caddy = Command::new("caddy");
    caddy.args(["run", "--adapter", "caddyfile", "--config", &file]).env("HOME", place.directory).env("XDG_DATA_HOME", place.directory);
    place.start(&mut caddy, "caddy", port).await
}

pub(super) async fn haproxy(place: Place<'_>) -> Running {
    let port = free_port();
    let lua = place.write("haproxy-usher.lua", &place.adapt("haproxy-usher.lua", &[]));
    let changes =
        [("/etc/haproxy/haproxy-usher.lua", lua.as_str()), ("bind :443 ssl crt /etc/haproxy/certs", &format!("bind 127.0.0.1:{port}"))];
    let conf = place.write("haproxy.cfg", &place.adapt("haproxy.cfg", &changes));
    place.start(Command::new("/usr/sbin/haproxy").args(["-db", "-f", &conf]), "haproxy", port).await
}

pub(super) async fn apache(place: Place<'_>) -> Running {
    need_file("/usr/share/lua/5.3/socket/http.lua", "lua-socket");
    let port = free_port();
    let lua = place.write("apache-usher.lua", &place.adapt("apache-usher.lua", &[]));
    let site = place.adapt("apache.conf", &[("/etc/apache2/apache-usher.lua", &lua), ("*:443", &format!("127.0.0.1:{port}"))]);
    let modules = ["mpm_event", "authz_core", "lua", "proxy", "proxy_http", "headers"]
        .map(|module| format!("LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n"));
    let directory = place.directory.display();
    let conf = format!(
        "ServerRoot {directory}\nServerName localhost\nPidFile {directory}/pid\nDefaultRuntimeDir {directory}\nMutex posixsem\nErrorLog /dev/stderr\n\
         User www-data\nGroup www-data\nListen 127.0.0.1:{port}\n{}\n{site}",
        modules.concat()
    );
    let conf = place.write("apache.conf", &conf);
    // Its workers give up root, and read the Lua file then.
    std::fs::set_permissions(place.directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    // In one process (-X): children would outlive a parent that is killed.
    place.start(Command::new("/usr/sbin/apache2").args(["-X", "-f", &conf]), "apache2", port).await
}
