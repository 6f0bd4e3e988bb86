//! Much of something: groups, bytes, protocols.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::proxy::upload::resident_bytes;
use crate::support::ask::Ask;
use crate::support::browser::Browser;
use crate::support::gateway::Gateway;
use crate::support::installation::told;
use crate::support::saml_house::SamlHouse;

/// pomerium #2730, oauth2-proxy #1902: whoever is in many groups got an error page from the app's server.
#[tokio::test]
async fn five_hundred_groups_sign_in_and_the_app_gets_small_headers() {
    let house = SamlHouse::open("").await;
    let mut browser = Browser::new();
    let value = |text: &str| format!(r#"<saml:AttributeValue xsi:type="xs:string">{text}</saml:AttributeValue>"#);
    let many: String = (0..500).map(|number| value(&format!("{number:0>120}"))).collect();
    let page = house.sign_in(&mut browser, |draft| draft.edit(&value("design"), &(value("design") + &many))).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let page = house.usher.ask_to_sign_in(&mut browser).await;
    assert_eq!(told(&page), ("Admin".to_owned(), "Premium".to_owned()));
    assert!(page.text.len() < 4096, "the app receives {} bytes of headers", page.text.len());
}

/// The browser reads slower than the app sends: what is not read yet waits at the app.
#[tokio::test]
async fn a_slow_download_of_100_megabytes_is_not_kept_in_memory() {
    const SIZE: usize = 100 << 20;
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&Ask::get("/download").cookie(&token).header("Connection", "close").bytes()).await.unwrap();
    let (before, mut most, mut read) = (resident_bytes(), 0, 0);
    let mut piece = vec![0; 1 << 20];
    loop {
        match stream.read(&mut piece).await.unwrap() {
            0 => break,
            length => read += length,
        }
        // As slow as a line of a few hundred megabits.
        tokio::time::sleep(Duration::from_millis(2)).await;
        most = most.max(resident_bytes());
    }
    assert!(read > SIZE, "{read}");
    assert!(most < before + (16 << 20), "grew from {before} to {most} bytes");
}

/// oauth2-proxy #3277: one port for both.
#[tokio::test]
async fn http2_and_a_websocket_live_side_by_side() {
    let gateway = Gateway::start().await;
    let (_, token) = gateway.member_inside("ada", "Admin", None).await;
    let cookie = format!("__Host-usher={token}");
    let mut request = "ws://app.acme.example/socket".into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for number in 0..20 {
        socket.send(Message::text(number.to_string())).await.unwrap();
        let asked = http::Request::get(format!("https://app.acme.example/{number}")).header("cookie", &cookie);
        let answer = sender.send_request(asked.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(format!("GET /{number} ").as_bytes()));
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(number.to_string()));
    }
}
