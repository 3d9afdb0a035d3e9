//! Servers that behave and servers that do not, on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a server does with a request.
#[derive(Clone)]
pub(super) enum Behaviour {
    /// Sends these bytes and closes the connection.
    Say(Vec<u8>),
    /// Sends these bytes and keeps the connection open.
    SayAndHang(Vec<u8>),
    /// Sends these bytes, then zeros until nobody reads them any more.
    SayAndFlood(Vec<u8>),
    /// Sends these bytes, then one more every 20 ms, never ending.
    Drip(Vec<u8>),
}

/// A server. It goes when it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Does the same with every request.
    pub(super) async fn doing(behaviour: Behaviour) -> Self {
        Self::answering(move |_| behaviour.clone()).await
    }

    /// Answers 200 with this body.
    pub(super) async fn saying(body: &str) -> Self {
        Self::doing(Behaviour::Say(response("200 OK", "", body))).await
    }

    /// Does what `answer` says for the request's head.
    pub(super) async fn answering(answer: impl Fn(&str) -> Behaviour + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        let answer = Arc::new(answer);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&noted), Arc::clone(&answer)));
            }
        });
        Self {
            address,
            requests,
            serving,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was asked so far: heads, with as much of the body as came along.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the list of requests").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A whole answer.
pub(super) fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// An address at which nobody listens.
pub(super) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    format!("http://{address}/")
}

async fn serve(
    mut stream: TcpStream,
    requests: Arc<Mutex<Vec<String>>>,
    answer: Arc<impl Fn(&str) -> Behaviour + Send + Sync + 'static>,
) {
    let mut request = Vec::new();
    let mut buffer = vec![0; 4096];
    loop {
        let Ok(length @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        request.extend_from_slice(&buffer[..length]);
        // A TLS handshake (RFC 8446, 5.1), what a client of PostgreSQL says first, and a command to Redis have no head
        // to wait for.
        if matches!(request[0], 22 | 0 | b'*') {
            break;
        }
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let announced = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().expect("a length"));
            if body.len() >= announced {
                break;
            }
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let behaviour = answer(&request);
    requests.lock().expect("the list of requests").push(request);
    // Failing to write means that the other side has had enough, which is what some tests are about.
    match behaviour {
        Behaviour::Say(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Behaviour::SayAndHang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut buffer).await;
        }
        Behaviour::SayAndFlood(bytes) => {
            let _ = stream.write_all(&bytes).await;
            while stream.write_all(&[0; 4096]).await.is_ok() {}
        }
        Behaviour::Drip(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
            while stream.write_all(b"x").await.is_ok() {
                every.tick().await;
            }
        }
    }
}
