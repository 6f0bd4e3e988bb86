//! A browser that only asks and looks at the clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::acme::Error;

/// One connection, and somebody who is signed in.
pub(crate) struct Browser {
    sender: SendRequest<Full<Bytes>>,
    cookie: String,
}

/// An answer, and when it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) first: Duration,
    pub(crate) whole: Duration,
}

impl Browser {
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, cookie: format!("__Host-usher={token}") })
    }

    pub(crate) async fn ask(&mut self, method: &str, path: &str, form: &str) -> Result<Answer, Error> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "auth.localhost")
            .header("cookie", &self.cookie)
            .header("accept", "text/html")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("origin", "http://auth.localhost")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::copy_from_slice(form.as_bytes())))?;
        let started = Instant::now();
        self.sender.ready().await?;
        let mut response = self.sender.send_request(request).await?;
        let (mut body, mut first) = (Vec::new(), None);
        while let Some(frame) = response.body_mut().frame().await {
            first.get_or_insert_with(|| started.elapsed());
            if let Ok(data) = frame?.into_data() {
                body.extend_from_slice(&data);
            }
        }
        let whole = started.elapsed();
        Ok(Answer { status: response.status().as_u16(), body, first: first.unwrap_or(whole), whole })
    }
}

/// One page, asked for several times.
pub(crate) struct Measured {
    pub(crate) name: String,
    times: Vec<Duration>,
    /// Of all threads, for one time: what the page takes on a machine that has nothing else to do.
    pub(crate) cpu: Duration,
    pub(crate) bytes: usize,
}

impl Measured {
    pub(crate) fn new(name: &str, mut times: Vec<Duration>, cpu: Duration, bytes: usize) -> Self {
        times.sort_unstable();
        let cpu = cpu / u32::try_from(times.len().max(1)).unwrap_or(1);
        Self { name: name.to_owned(), times, cpu, bytes }
    }

    fn at(&self, hundredth: usize) -> Duration {
        self.times.get((self.times.len() * hundredth / 100).min(self.times.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    pub(crate) fn middle(&self) -> Duration {
        self.at(50)
    }

    pub(crate) fn p95(&self) -> Duration {
        self.at(95)
    }

    pub(crate) fn json(&self) -> Value {
        let seconds: Vec<f64> = self.times.iter().map(Duration::as_secs_f64).collect();
        json!({ "page": self.name, "bytes": self.bytes, "cpu_seconds": self.cpu.as_secs_f64(), "seconds": seconds })
    }
}

/// CPU that this process has used since then.
pub(crate) fn cpu_since(before: Duration) -> Duration {
    cpu().saturating_sub(before)
}

/// CPU that this process has used.
pub(crate) fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
