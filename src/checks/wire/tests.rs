use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderValue};
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use url::Url;

use super::message::Message;
use super::*;
use crate::checks::reach::Place;
use crate::checks::tls::certificate_trouble;
use crate::checks::{Environment, GuardSettings};

/// A server that speaks TLS with a certificate it signed itself, and answers as many requests on a connection as come.
async fn secure() -> (SocketAddr, CertificateDer<'static>) {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .expect("a name")
        .self_signed(&key)
        .expect("a certificate");
    let der = certificate.der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![der.clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust the certificate breaks the handshake off.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut request = Vec::new();
                let mut bytes = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    request.extend_from_slice(&bytes[..read]);
                    if request.ends_with(b"\r\n\r\n") {
                        request.clear();
                        let answer = b"HTTP/1.1 204 No Content\r\nx-server: here\r\n\r\n";
                        if stream.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    (address, der)
}

fn target(address: SocketAddr, name: &str, roots: RootCertStore) -> Target {
    let url = Url::parse(&format!("https://{name}:{}/", address.port())).expect("a URL");
    Target {
        place: Place::of_url(&url),
        addresses: vec![address],
        tls: Some(Tls::of_http_1(roots).expect("a configuration")),
        message: Message::new(&Method::GET, &url, &HeaderMap::new(), Bytes::new()).expect("a message"),
        parameter: "url",
        written: url.into(),
    }
}

#[tokio::test]
async fn a_connection_by_tls_is_kept_for_the_next_request() {
    let (address, certificate) = secure().await;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let target = target(address, "localhost", roots);
    let mut way = Way::default();
    for _ in 0..3 {
        let answer = target.ask(&mut way).await.expect("an answer");
        assert_eq!(
            (answer.status, &answer.headers["x-server"]),
            (204, &HeaderValue::from_static("here"))
        );
        assert!(way.0.is_some());
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_for_another_name_is_a_failure() {
    let (address, certificate) = secure().await;
    let untrusted = target(address, "localhost", RootCertStore::empty());
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let misnamed = target(address, "elsewhere.example", roots);
    for (target, expected) in [
        (untrusted, "nobody known has signed it"),
        (misnamed, "it is for another name"),
    ] {
        match target.ask(&mut Way::default()).await {
            Err(Failure::Tls(text)) => {
                let trouble = certificate_trouble(&text.to_lowercase());
                assert!(trouble.starts_with(expected), "{text}: {trouble}");
            }
            other => panic!("TLS was spoken: {other:?}"),
        }
    }
}

/// A server that counts: how many connections were made to it, and what was asked over each. It answers so many requests
/// on a connection, and closes it when it has read one more.
struct Patient {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Patient {
    async fn answering(most: usize, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let noted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                let number = {
                    let mut noted = noted.lock().expect("the list of connections");
                    noted.push(Vec::new());
                    noted.len() - 1
                };
                tokio::spawn(async move {
                    let mut bytes = [0; 1024];
                    for answered in 0.. {
                        // What these tests ask comes in one piece.
                        let Ok(read @ 1..) = stream.read(&mut bytes).await else {
                            return;
                        };
                        let line = String::from_utf8_lossy(&bytes[..read]);
                        let line = line.lines().next().unwrap_or_default().to_owned();
                        noted.lock().expect("the list of connections")[number].push(line);
                        if answered == most || stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, connections }
    }

    /// Somebody asks once, and reads the answer to its end.
    async fn ask(&self, client: &Client, method: Method) -> Result<String, Failure> {
        let caller = client.caller();
        let answer = self.ask_by(&caller, method).await;
        caller.put_down();
        answer
    }

    async fn ask_by(&self, caller: &Caller<'_>, method: Method) -> Result<String, Failure> {
        let url = Url::parse(&format!("http://{}/", self.address)).expect("a URL");
        let outgoing = Outgoing {
            method: &method,
            url: &url,
            headers: &HeaderMap::new(),
            body: None,
        };
        let mut bytes = Vec::new();
        caller
            .send(outgoing, in_time())
            .await?
            .read(&mut bytes, 100)
            .await?;
        Ok(String::from_utf8(bytes).expect("a text"))
    }

    fn seen(&self) -> Vec<Vec<String>> {
        self.connections.lock().expect("the list of connections").clone()
    }
}

fn client() -> Client {
    let guard = Guard::new(GuardSettings::default(), Environment::default()).expect("settings");
    Client::new(Arc::new(guard), 4).expect("a client")
}

/// Far enough ahead for an answer to come.
fn in_time() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const GET: &str = "GET / HTTP/1.1";
const POST: &str = "POST / HTTP/1.1";

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_to_the_same_place() {
    let (here, there) = (
        Patient::answering(9, HELLO).await,
        Patient::answering(9, HELLO).await,
    );
    let client = client();
    for method in [Method::GET, Method::POST, Method::GET] {
        assert_eq!(here.ask(&client, method).await.expect("an answer"), "hello");
    }
    assert_eq!(there.ask(&client, Method::GET).await.expect("an answer"), "hello");
    assert_eq!(here.seen(), [[GET, POST, GET]]);
    assert_eq!(there.seen(), [[GET]]);
}

#[tokio::test]
async fn the_connection_at_hand_is_ones_own_until_it_is_put_down_or_another_place_is_asked() {
    let here = Patient::answering(9, HELLO).await;
    let there = Patient::answering(9, HELLO).await;
    let client = client();
    let (one, other) = (client.caller(), client.caller());
    for caller in [&one, &other, &one] {
        here.ask_by(caller, Method::GET).await.expect("an answer");
    }
    assert_eq!(here.seen(), [vec![GET, GET], vec![GET]]);
    one.put_down();
    here.ask(&client, Method::POST).await.expect("an answer");
    assert_eq!(here.seen(), [vec![GET, GET, POST], vec![GET]]);
    // The other one has no use for its connection there.
    there.ask_by(&other, Method::GET).await.expect("an answer");
    for _ in 0..2 {
        here.ask_by(&one, Method::GET).await.expect("an answer");
    }
    assert_eq!(here.seen(), [vec![GET, GET, POST], vec![GET, GET, GET]]);
    assert_eq!(there.seen(), [[GET]]);
}

#[tokio::test]
async fn what_changes_nothing_is_asked_again_when_a_kept_connection_is_closed_on_it() {
    let server = Patient::answering(1, HELLO).await;
    let client = client();
    for _ in 0..2 {
        assert_eq!(
            server.ask(&client, Method::GET).await.expect("an answer"),
            "hello"
        );
    }
    assert_eq!(server.seen(), [vec![GET, GET], vec![GET]]);
    // What may change something is not: it may have done so.
    let lost = server.ask(&client, Method::POST).await;
    assert!(matches!(lost, Err(Failure::Unanswered)), "{lost:?}");
    assert_eq!(server.seen(), [vec![GET, GET], vec![GET, POST]]);
}

#[tokio::test]
async fn a_connection_that_nobody_has_used_yet_is_not_tried_twice() {
    let server = Patient::answering(0, HELLO).await;
    let lost = server.ask(&client(), Method::GET).await;
    assert!(matches!(lost, Err(Failure::Unanswered)), "{lost:?}");
    assert_eq!(server.seen(), [[GET]]);
}

#[tokio::test]
async fn a_connection_is_not_kept_where_the_server_closes_it_or_the_body_was_not_read() {
    let closing = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n.....................................................................................................";
    for answer in [closing, long] {
        let server = Patient::answering(9, answer).await;
        let client = client();
        for _ in 0..2 {
            server.ask(&client, Method::GET).await.expect("an answer");
        }
        assert_eq!(server.seen(), [[GET], [GET]]);
    }
}

#[tokio::test]
async fn a_connection_that_nobody_came_back_for_is_closed() {
    let server = Patient::answering(9, HELLO).await;
    let client = client();
    server.ask(&client, Method::GET).await.expect("an answer");
    assert!(client.pool.close_old(), "it has just been used");
    server.ask(&client, Method::GET).await.expect("an answer");
    assert_eq!(server.seen(), [[GET, GET]]);

    let impatient = Client {
        pool: Arc::new(Pool::new(4, Duration::ZERO)),
        ..client
    };
    for _ in 0..2 {
        server.ask(&impatient, Method::GET).await.expect("an answer");
    }
    assert_eq!(server.seen(), [vec![GET, GET], vec![GET], vec![GET]]);
    assert!(!impatient.pool.close_old(), "nothing is left");
}

#[tokio::test]
async fn an_answer_without_a_body_may_be_left() {
    let server = Patient::answering(
        9,
        "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /x\r\n\r\n",
    )
    .await;
    let client = client();
    let caller = client.caller();
    let url = Url::parse(&format!("http://{}/", server.address)).expect("a URL");
    for _ in 0..2 {
        let outgoing = Outgoing {
            method: &Method::GET,
            url: &url,
            headers: &HeaderMap::new(),
            body: None,
        };
        let answer = caller.send(outgoing, in_time()).await;
        answer.expect("an answer").leave();
    }
    assert_eq!(server.seen(), [[GET, GET]]);
}
