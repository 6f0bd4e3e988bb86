//! Requests as bytes, answers as they came.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, one line at a time.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub lines: Vec<String>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Ask {
    /// A request to the app of the tests.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self::to("app.acme.example", method, path)
    }

    pub(crate) fn to(host: &str, method: &str, path: &str) -> Self {
        let lines = vec![format!("{method} {path} HTTP/1.1"), format!("Host: {host}")];
        Self { lines, body: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.lines.push(format!("{name}: {value}"));
        self
    }

    pub(crate) fn cookie(self, token: &str) -> Self {
        self.header("Cookie", &format!("__Host-usher={token}"))
    }

    /// A program with an API token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// A browser opening a page in a tab.
    pub(crate) fn navigate(self) -> Self {
        self.header("Sec-Fetch-Mode", "navigate").header("Sec-Fetch-Dest", "document").header("Accept", "text/html,*/*")
    }

    pub(crate) fn body(self, body: &str) -> Self {
        let mut ask = self.header("Content-Length", &body.len().to_string());
        ask.body = body.into();
        ask
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.lines.join("\r\n").into_bytes();
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Reply {
        let ask = if self.lines.iter().any(|line| line.starts_with("Connection:")) { self } else { self.header("Connection", "close") };
        exchange(address, &ask.bytes()).await
    }
}

/// Sends bytes on a connection of their own and reads to the end.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Reply {
    exchange_on(TcpStream::connect(address).await.unwrap(), bytes).await
}

/// The same on a connection that is there already.
pub(crate) async fn exchange_on(mut stream: TcpStream, bytes: &[u8]) -> Reply {
    // A server that refuses early may close while we still write.
    let _ = stream.write_all(bytes).await;
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read).await;
    Reply::parse(&read)
}

impl Reply {
    pub(crate) fn parse(read: &[u8]) -> Self {
        let text = String::from_utf8_lossy(read).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok()).unwrap_or(0);
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    /// The value of a header that comes once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} came twice");
        value
    }

    /// What the app received, when it answered by saying so.
    pub(crate) fn received(&self) -> Received {
        assert_eq!(self.status, 200, "{self:?}");
        Received::parse(&self.body)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The value of a cookie that this answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.iter().filter(|(found, _)| found == "set-cookie").map(|(_, value)| value.as_str());
        let mut values = lines.filter_map(|line| line.split(';').next()?.strip_prefix(&format!("{name}=")).map(str::to_owned));
        values.next()
    }
}

/// The head of a request as an app received it.
#[derive(Debug)]
pub(crate) struct Received {
    pub line: String,
    pub headers: Vec<(String, String)>,
}

impl Received {
    pub(crate) fn parse(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers = lines.filter_map(|line| line.split_once(": ").or_else(|| line.split_once(':')));
        Self { line, headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect() }
    }

    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}
