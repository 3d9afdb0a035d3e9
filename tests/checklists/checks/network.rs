//! Certificates that nobody signed, names that do not exist, and services that let everybody in as often as they like.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use holdpoint::checks::Environment;
use holdpoint::domain::check::{Check, CheckResult, CheckStatus, LoadExtent, Probe, Retry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::version::TLS12;

use super::super::demos::service::{self, only, with};
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
    let resolver = knowing(&mut servers, None).await.to_string();
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

#[tokio::test]
async fn every_check_of_tls_passes_with_a_server_that_is_as_it_should_be() {
    let mut servers = JoinSet::new();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "An authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    // The clock of these checks stands at the beginning of 1970.
    authority.not_before = rcgen::date_time_ymd(1970, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = rcgen::CertifiedIssuer::self_signed(authority, key).expect("an authority");
    let mut own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    own.not_before = rcgen::date_time_ymd(1970, 1, 1);
    own.not_after = rcgen::date_time_ymd(1970, 3, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = own.signed_by(&key, &authority).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    servers.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            });
        }
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a file can be written");
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        let variables = variables(&shipped.parsed.checklist, "http://127.0.0.1:9");
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Tls(probe) = &mut check.probe else {
                continue;
            };
            probe.host.clone_from(&address);
            probe.ca = Some(ca.display().to_string());
            assert_passes(shipped.name, &check, &checks.run(&check, &variables).await);
        }
    }
}

#[tokio::test]
async fn every_check_of_dns_passes_when_the_name_is_what_it_should_be() {
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        let variables = variables(&shipped.parsed.checklist, "http://127.0.0.1:9");
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Dns(probe) = &mut check.probe else {
                continue;
            };
            // The condition says what it wants to hear, in quotes.
            let wanted = check.pass.as_ref().and_then(|pass| pass.text.split('"').nth(1));
            let mut servers = JoinSet::new();
            let record = record(wanted.unwrap_or("192.0.2.10"));
            probe.resolver = Some(knowing(&mut servers, Some(record)).await.to_string());
            assert_passes(shipped.name, &check, &checks.run(&check, &variables).await);
        }
    }
}

#[tokio::test]
async fn every_burst_and_every_load_passes_with_a_service_that_is_quick_and_has_a_limit() {
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let allowed = match &mut check.probe {
                // One too many, and never more than what a plan or a minute allows.
                Probe::Burst(burst) => (burst.requests - 1).min(100),
                Probe::Load(load) => {
                    load.extent = LoadExtent::Requests(FEW);
                    load.warm_up = Duration::ZERO;
                    // What is quick everywhere is not quick each time on a machine that runs all tests at once.
                    check.retry = Some(Retry {
                        times: 10,
                        wait: Duration::from_millis(50),
                    });
                    u32::MAX
                }
                _ => continue,
            };
            let asked = AtomicU32::new(0);
            let mut servers = JoinSet::new();
            let address = service::start(&mut servers, move |_| {
                if asked.fetch_add(1, Ordering::Relaxed) < allowed {
                    return only(200);
                }
                let headers = [
                    ("retry-after", "30"),
                    ("x-ratelimit-limit", "100"),
                    ("x-ratelimit-remaining", "0"),
                ];
                with(only(429), &headers)
            })
            .await;
            let variables = variables(&shipped.parsed.checklist, &format!("http://{address}"));
            assert_passes(shipped.name, &check, &checks.run(&check, &variables).await);
        }
    }
}

fn assert_passes(checklist: &str, check: &Check, result: &CheckResult) {
    assert_eq!(
        result.status,
        CheckStatus::Passed,
        "{checklist} {}: {result:#?}",
        check.id
    );
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

/// A DNS server that answers each question with this record, its kind and its data, or that no such name exists.
async fn knowing(servers: &mut JoinSet<()>, record: Option<(u16, Vec<u8>)>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("an address");
    servers.spawn(async move {
        let mut message = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut message).await {
            let asked = &message[..length];
            // RFC 1035, 4.1.2: a question is a name, which ends with an empty label, and 4 bytes of kind and class.
            let Some(end) = asked.iter().skip(12).position(|byte| *byte == 0) else {
                continue;
            };
            let Some(question) = asked.get(12..12 + end + 5) else {
                continue;
            };
            // RFC 1035, 4.1.1: a response to a standard query, recursion available; the code 3 says: no such name.
            let (code, answers) = if record.is_some() { (0x80, 1) } else { (0x83, 0) };
            let mut answer = vec![asked[0], asked[1], 0x81, code, 0, 1, 0, answers, 0, 0, 0, 0];
            answer.extend(question);
            if let Some((kind, data)) = &record {
                // RFC 1035, 4.1.3 and 4.1.4: the name is that of the question; a time of 300 seconds.
                answer.extend([0xc0, 0x0c]);
                answer.extend(kind.to_be_bytes());
                answer.extend([0, 1, 0, 0, 1, 44]);
                answer.extend((data.len() as u16).to_be_bytes());
                answer.extend(data);
            }
            let _ = socket.send_to(&answer, client).await;
        }
    });
    address
}

/// The record that says this: an address, a text that ends with `=`, or another name (RFC 1035, 3.2.2 and 3.3).
fn record(says: &str) -> (u16, Vec<u8>) {
    if let Ok(address) = says.parse::<std::net::Ipv4Addr>() {
        return (1, address.octets().to_vec());
    }
    let labelled = |label: &str| [&[label.len() as u8], label.as_bytes()].concat();
    if says.ends_with('=') {
        return (16, labelled(&format!("{says}made-up")));
    }
    let mut name: Vec<u8> = says.split('.').flat_map(labelled).collect();
    name.push(0);
    (5, name)
}
