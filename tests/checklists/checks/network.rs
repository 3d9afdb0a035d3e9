//! Certificates that nobody signed, names that do not exist, and services that let everybody in as often as they like.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use holdpoint::checks::Environment;
use holdpoint::domain::check::{LoadExtent, Probe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::version::TLS12;

use super::super::shipped::shipped;
use super::{BROKEN, CARELESS, assert_can_fail, assert_fails, checks, serve, variables};

/// How many requests stand for a load, and how many for a burst: enough to see that each of them is answered wrongly.
const FEW: u32 = 20;

#[tokio::test]
async fn every_check_of_tls_fails_with_a_server_that_signs_for_itself_and_takes_every_version() {
    let mut servers = JoinSet::new();
    let outdated = outdated(&mut servers).await.to_string();
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        let variables = variables(&shipped.parsed.checklist, "http://127.0.0.1:9");
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Tls(probe) = &mut check.probe else {
                continue;
            };
            probe.host.clone_from(&outdated);
            assert_fails(shipped.name, &check, &checks.run(&check, &variables).await);
            count += 1;
        }
    }
    assert!(count > 5, "only {count} checks of TLS were looked at");
}

#[tokio::test]
async fn every_check_of_dns_fails_when_there_is_no_such_name() {
    let mut servers = JoinSet::new();
    let resolver = knowing_nothing(&mut servers).await.to_string();
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        let variables = variables(&shipped.parsed.checklist, "http://127.0.0.1:9");
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Dns(probe) = &mut check.probe else {
                continue;
            };
            probe.resolver = Some(resolver.clone());
            assert_fails(shipped.name, &check, &checks.run(&check, &variables).await);
            count += 1;
        }
    }
    assert!(count > 4, "only {count} checks of DNS were looked at");
}

#[tokio::test]
async fn every_burst_and_every_load_fails_when_a_service_is_broken_or_careless() {
    let mut servers = JoinSet::new();
    let broken = serve(&mut servers, BROKEN).await;
    let careless = serve(&mut servers, CARELESS).await;
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let of_broken = variables(checklist, &format!("http://{broken}"));
        let of_careless = variables(checklist, &format!("http://{careless}"));
        for check in checklist.checks.values() {
            let mut check = check.clone();
            match &mut check.probe {
                Probe::Burst(_) => {}
                Probe::Load(load) => {
                    load.extent = LoadExtent::Requests(FEW);
                    load.warm_up = Duration::ZERO;
                }
                _ => continue,
            }
            let results = [
                checks.run(&check, &of_broken).await,
                checks.run(&check, &of_careless).await,
            ];
            assert_can_fail(shipped.name, &check, &results);
            count += 1;
        }
    }
    assert!(count > 10, "only {count} bursts and loads were looked at");
}

/// A server whose certificate it signed itself, that speaks nothing newer than TLS 1.2, and goes on with whoever offers
/// TLS 1.0.
async fn outdated(servers: &mut JoinSet<()>) -> SocketAddr {
    let certificate =
        rcgen::generate_simple_self_signed(vec!["elsewhere.example".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(certificate.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS12])
        .expect("a version")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
        .expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    servers.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { shake(&acceptor, stream).await });
        }
    });
    address
}

async fn shake(acceptor: &TlsAcceptor, mut stream: TcpStream) {
    // RFC 8446, 4.1.2 and 5.1: after the record's header and the handshake's, bytes 9 and 10 are what is offered.
    let mut beginning = [0; 11];
    while stream
        .peek(&mut beginning)
        .await
        .is_ok_and(|came| came > 0 && came < beginning.len())
    {
        tokio::task::yield_now().await;
    }
    if beginning[9..] != [3, 1] {
        if let Ok(mut stream) = acceptor.accept(stream).await {
            // The client has seen what it wanted to, and goes.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        return;
    }
    let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    let _ = stream.write_all(&hello).await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// A DNS server to which no name exists.
async fn knowing_nothing(servers: &mut JoinSet<()>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("an address");
    servers.spawn(async move {
        let mut message = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut message).await {
            let Some(answer) = message.get_mut(..length).filter(|message| message.len() >= 12) else {
                continue;
            };
            // RFC 1035, 4.1.1: a response to a standard query, recursion available, with the code 3: no such name.
            answer[2] = 0x81;
            answer[3] = 0x83;
            let _ = socket.send_to(answer, client).await;
        }
    });
    address
}
