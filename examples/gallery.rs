//! Serves every page for people on loopback, to look at while working on them: `cargo run --example gallery [PORT]`.

#[path = "../tests/e2e/gallery.rs"]
mod gallery;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(8090), |port| port.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    anstream::println!("http://127.0.0.1:{}", listener.local_addr()?.port());
    Ok(gallery::serve(listener).await?)
}
