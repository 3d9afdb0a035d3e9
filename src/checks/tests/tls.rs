use std::net::Ipv4Addr;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::*;
use crate::domain::check::TlsProbe;
use crate::domain::ids::VariableName;

/// When the checks of these tests run.
const NOW: &str = "2026-06-15T12:00:00Z";
/// From and until when a certificate is valid that is in time, and one that is not any more or not yet.
const IN_TIME: [(i32, u8, u8); 2] = [(2026, 6, 1), (2026, 7, 15)];
const EXPIRED: [(i32, u8, u8); 2] = [(2026, 3, 1), (2026, 6, 12)];
const EXPIRED_TODAY: [(i32, u8, u8); 2] = [(2026, 3, 1), (2026, 6, 15)];
const NOT_YET: [(i32, u8, u8); 2] = [(2026, 7, 1), (2026, 9, 1)];

type Signer = CertifiedIssuer<'static, KeyPair>;

/// What a server shows: its certificates and the key of the first.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

fn params(common_name: &str, names: &[&str], [from, until]: [(i32, u8, u8); 2]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(until.0, until.1, until.2);
    params
}

fn authority_params(name: &str, valid: [(i32, u8, u8); 2]) -> CertificateParams {
    let mut params = params(name, &[], valid);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn authority() -> Signer {
    CertifiedIssuer::self_signed(
        authority_params("Test Authority", [(2025, 1, 1), (2030, 1, 1)]),
        key(),
    )
    .expect("an authority")
}

fn signed_by(issuer: &Signer, params: &CertificateParams) -> Identity {
    let key = key();
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    Identity {
        chain: vec![certificate.der().clone()],
        key,
    }
}

fn signed_by_itself(params: &CertificateParams) -> Identity {
    let key = key();
    let certificate = params.self_signed(&key).expect("a certificate");
    Identity {
        chain: vec![certificate.der().clone()],
        key,
    }
}

fn app(valid: [(i32, u8, u8); 2]) -> CertificateParams {
    params(
        "app.example",
        &["app.example", "*.app.example", "127.0.0.1"],
        valid,
    )
}

/// A directory with a file that holds certificates, and the file's path.
fn file_with(certificates: &[&CertificateDer<'_>]) -> (TempDir, String) {
    use base64::Engine as _;
    let directory = TempDir::new().expect("a directory");
    let path: PathBuf = directory.path().join("ca.pem");
    let pem: Vec<String> = certificates
        .iter()
        .map(|certificate| {
            let packed = base64::engine::general_purpose::STANDARD.encode(certificate);
            format!("-----BEGIN CERTIFICATE-----\n{packed}\n-----END CERTIFICATE-----\n")
        })
        .collect();
    std::fs::write(&path, pem.concat()).expect("a file");
    let path = path.to_str().expect("a path in UTF-8").to_owned();
    (directory, path)
}

fn config(identity: Identity, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            identity.chain,
            PrivateKeyDer::Pkcs8(identity.key.serialize_der().into()),
        )
        .expect("a certificate with its key")
}

/// A server that deals with each connection so, and its address.
async fn serving<Dealing>(deal: impl Fn(TcpStream) -> Dealing + Send + 'static) -> String
where
    Dealing: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(deal(stream));
        }
    });
    address.to_string()
}

/// A server with this configuration that keeps each connection open until its client goes.
async fn speaking(config: ServerConfig) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serving(move |stream| shaking(acceptor.clone(), stream)).await
}

async fn shaking(acceptor: TlsAcceptor, stream: TcpStream) {
    if let Ok(mut stream) = acceptor.accept(stream).await {
        // What ends it is the client's going, in whatever way.
        let _ = stream.read(&mut [0]).await;
    }
}

async fn showing(identity: Identity) -> String {
    speaking(config(identity, ALL_VERSIONS)).await
}

fn tls(host: impl Into<String>, ca: Option<&str>) -> TlsProbe {
    TlsProbe {
        host: host.into(),
        ca: ca.map(str::to_owned),
        name: Some("app.example".to_owned()),
    }
}

/// Runs a check at [`NOW`].
async fn run_now(check: &Check) -> CheckResult {
    let now = NOW.parse().expect("a time");
    checks_at(now, |_, _| {}).run(check, &Variables::new()).await
}

async fn looked_at(probe: TlsProbe) -> CheckResult {
    run_now(&check(Probe::Tls(probe), None)).await
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_all_of_it() {
    let authority = authority();
    let (_directory, ca) = file_with(&[authority.der()]);
    let other = params("other.example", &["other.example", "www.other.example"], EXPIRED);
    let nameless = params("app.example", &[], IN_TIME);
    let mut for_clients = app(IN_TIME);
    for_clients.insert_extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth);
    let mut for_authorities = app(IN_TIME);
    for_authorities.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let many: Vec<String> = (0..9).map(|number| format!("host{number}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let trusted = Some(ca.as_str());
    let mut table = Vec::new();
    for (case, identity, ca) in [
        ("good", signed_by(&authority, &app(IN_TIME)), trusted),
        ("expired", signed_by(&authority, &app(EXPIRED)), trusted),
        (
            "expired today",
            signed_by(&authority, &app(EXPIRED_TODAY)),
            trusted,
        ),
        ("not yet valid", signed_by(&authority, &app(NOT_YET)), trusted),
        (
            "many other names",
            signed_by(&authority, &params("host0.example", &many, IN_TIME)),
            trusted,
        ),
        ("no name", signed_by(&authority, &nameless), trusted),
        ("nobody known", signed_by(&authority, &app(IN_TIME)), None),
        ("by itself", signed_by_itself(&app(IN_TIME)), trusted),
        ("by itself, may sign", signed_by_itself(&for_authorities), trusted),
        ("may sign", signed_by(&authority, &for_authorities), trusted),
        ("for clients", signed_by(&authority, &for_clients), trusted),
        ("everything", signed_by_itself(&other), None),
    ] {
        let result = looked_at(tls(showing(identity).await, ca)).await;
        table.push(format!("{case}\n  {}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @"
    good
      Passed: the certificate of 127.0.0.1:PORT is valid for 29 days more, and TLS 1.3 was agreed on
    expired
      Failed: the certificate of 127.0.0.1:PORT expired 3 days ago; renew it
    expired today
      Failed: the certificate of 127.0.0.1:PORT expired 12 h ago; renew it
    not yet valid
      Failed: the certificate of 127.0.0.1:PORT is valid only from 2026-07-01T00:00:00Z on; wait until then, or check the clocks
    many other names
      Failed: the certificate of 127.0.0.1:PORT is not for app.example but for host0.example, host1.example, host2.example and 6 more; check the address, or have the name added to it
    no name
      Failed: the certificate of 127.0.0.1:PORT is not for app.example nor for any other name; check the address, or have the name added to it
    nobody known
      Failed: the certificate of 127.0.0.1:PORT is signed by nobody known (CN=Test Authority); have the server send the certificates between it and a root along, or name a file with the authority's certificate in `ca`
    by itself
      Failed: the certificate of 127.0.0.1:PORT is signed by itself alone; have it signed by a public authority, or name a file with the authority's certificate in `ca`
    by itself, may sign
      Failed: the certificate of 127.0.0.1:PORT is signed by itself alone; have it signed by a public authority, or name a file with the authority's certificate in `ca`
    may sign
      Failed: the certificate of 127.0.0.1:PORT is an authority's own and not a server's; have a certificate for the server signed with it
    for clients
      Failed: the certificate of 127.0.0.1:PORT is not made for servers; have one issued for server authentication
    everything
      Failed: the certificate of 127.0.0.1:PORT expired 3 days ago, is not for app.example but for other.example and www.other.example and is signed by itself alone; renew it
    ");
}

#[tokio::test]
async fn all_that_a_server_shows_is_observed_valid_or_not() {
    let authority = authority();
    let (_directory, ca) = file_with(&[authority.der()]);
    let mut identity = signed_by(&authority, &app(EXPIRED));
    identity.chain.push(authority.der().clone());
    let result = looked_at(tls(showing(identity).await, Some(&ca))).await;
    insta::assert_json_snapshot!(result.observed, @r#"
    {
      "chain": [
        "CN=app.example",
        "CN=Test Authority"
      ],
      "days_left": -4,
      "invalid_because": [
        "expired 3 days ago"
      ],
      "issuer": "CN=Test Authority",
      "names": [
        "app.example",
        "*.app.example",
        "127.0.0.1"
      ],
      "valid": false,
      "valid_until": "2026-06-12T00:00:00Z",
      "version": "1.3"
    }
    "#);
}

#[tokio::test]
async fn conditions_hold_a_certificate_to_what_it_should_be() {
    let authority = authority();
    let (_directory, ca) = file_with(&[authority.der()]);
    let good = showing(signed_by(&authority, &app(IN_TIME))).await;
    let expired = showing(signed_by(&authority, &app(EXPIRED))).await;
    let mut table = Vec::new();
    for (place, pass) in [
        (&good, "valid && days_left >= 14"),
        (&good, "valid && days_left >= 30"),
        (&good, "version == '1.3' && 'app.example' in names"),
        (&good, "issuer.contains('Test Authority') && size(chain) == 1"),
        (&good, "oldest_version >= '1.2'"),
        (&expired, "valid"),
        (&expired, "valid || days_left > 3"),
        (&expired, "days_left < 0"),
    ] {
        let probe = Probe::Tls(tls(place.as_str(), Some(&ca)));
        table.push(format!(
            "{pass}\n  {}\n",
            told(&run_now(&check(probe, Some(pass))).await)
        ));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    valid && days_left >= 14
      Passed: valid is true and days_left is 29
    valid && days_left >= 30
      Failed: days_left is 29, expected at least 30
    version == '1.3' && 'app.example' in names
      Passed: version is "1.3" and 'app.example' in names holds
    issuer.contains('Test Authority') && size(chain) == 1
      Passed: issuer contains "Test Authority" and size(chain) is 1
    oldest_version >= '1.2'
      Passed: oldest_version is "1.2"
    valid
      Failed: valid is false, expected true: the certificate of 127.0.0.1:PORT expired 3 days ago; renew it
    valid || days_left > 3
      Failed: valid is false, expected true; and days_left is -4, expected more than 3: the certificate of 127.0.0.1:PORT expired 3 days ago; renew it
    days_left < 0
      Passed: days_left is -4
    "#);
}

#[tokio::test]
async fn a_chain_is_followed_as_far_as_it_was_sent() {
    let root = authority();
    let (_directory, ca) = file_with(&[root.der()]);
    let between = |valid| {
        CertifiedIssuer::signed_by(authority_params("Between", valid), key(), &root).expect("an authority")
    };
    let sound = between([(2025, 1, 1), (2030, 1, 1)]);
    let stale = between([(2025, 1, 1), (2026, 1, 1)]);
    let mut table = Vec::new();
    for (case, issuer, sent) in [
        ("sent along", &sound, true),
        ("left out", &sound, false),
        ("sent along, expired", &stale, true),
    ] {
        let mut identity = signed_by(issuer, &app(IN_TIME));
        if sent {
            identity.chain.push(issuer.der().clone());
        }
        let result = looked_at(tls(showing(identity).await, Some(&ca))).await;
        table.push(format!("{case}\n  {}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @"
    sent along
      Passed: the certificate of 127.0.0.1:PORT is valid for 29 days more, and TLS 1.3 was agreed on
    left out
      Failed: the certificate of 127.0.0.1:PORT is signed by nobody known (CN=Between); have the server send the certificates between it and a root along, or name a file with the authority's certificate in `ca`
    sent along, expired
      Failed: the certificate of 127.0.0.1:PORT is signed through a certificate that expired; have the server send the certificates of today above its own
    ");
}

#[tokio::test]
async fn a_certificate_that_signed_itself_is_valid_when_it_is_named() {
    let identity = signed_by_itself(&app(IN_TIME));
    let (_directory, ca) = file_with(&[&identity.chain[0]]);
    let place = showing(identity).await;
    let result = looked_at(tls(place.as_str(), Some(&ca))).await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);

    // Asked for by its address, which it is for as well.
    let by_address = TlsProbe {
        name: None,
        ..tls(place, Some(&ca))
    };
    let result = looked_at(by_address).await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
}

#[tokio::test]
async fn the_key_must_belong_to_the_certificate() {
    let authority = authority();
    let (_directory, ca) = file_with(&[authority.der()]);
    let mut table = Vec::new();
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let identity = signed_by(&authority, &app(IN_TIME));
        let foreign = ring::sign::any_supported_type(&PrivateKeyDer::Pkcs8(key().serialize_der().into()))
            .expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                identity.chain,
                foreign,
            ))));
        let result = looked_at(tls(speaking(config).await, Some(&ca))).await;
        table.push(format!("{}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @"
    Failed: the certificate of 127.0.0.1:PORT is not proven to be the server's own; give the server the key that belongs to it
    Failed: the certificate of 127.0.0.1:PORT is not proven to be the server's own; give the server the key that belongs to it
    ");
}

#[tokio::test]
async fn a_server_that_wants_to_know_its_clients_is_looked_at_all_the_same() {
    let authority = authority();
    let (_directory, ca) = file_with(&[authority.der()]);
    let mut table = Vec::new();
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let identity = signed_by(&authority, &app(IN_TIME));
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).expect("a root");
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("a verifier");
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_client_cert_verifier(clients)
            .with_single_cert(
                identity.chain,
                PrivateKeyDer::Pkcs8(identity.key.serialize_der().into()),
            )
            .expect("a certificate with its key");
        let result = looked_at(tls(speaking(config).await, Some(&ca))).await;
        table.push(format!("{}\n", told(&result)));
    }
    insta::assert_snapshot!(table.concat(), @"
    Passed: the certificate of 127.0.0.1:PORT is valid for 29 days more, and TLS 1.2 was agreed on; the server goes on only with clients that have a certificate
    Passed: the certificate of 127.0.0.1:PORT is valid for 29 days more, and TLS 1.3 was agreed on
    ");
}

/// What a server does with a client that offers nothing newer than TLS 1.0.
#[derive(Clone, Copy, Debug)]
enum WithOld {
    Accepts,
    Closes,
    SaysNothing,
    SaysHttp,
}

/// The answer of a server that goes on in TLS 1.0: a `ServerHello` and no more.
async fn accept_old(stream: &mut TcpStream) {
    let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    // The client may have gone.
    let _ = stream.write_all(&hello).await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn old_and_new(with_old: WithOld, config: ServerConfig) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serving(move |mut stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut beginning = [0; 11];
            while stream.peek(&mut beginning).await.expect("a client") < beginning.len() {
                tokio::task::yield_now().await;
            }
            if beginning[9..] != [3, 1] {
                return shaking(acceptor, stream).await;
            }
            match with_old {
                WithOld::Accepts => accept_old(&mut stream).await,
                WithOld::Closes => {}
                WithOld::SaysNothing => {
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
                WithOld::SaysHttp => {
                    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_oldest_version_that_a_server_takes_is_found_out() {
    let authority = authority();
    let (_directory, ca) = file_with(&[authority.der()]);
    let config = |versions: &[&'static SupportedProtocolVersion]| {
        config(signed_by(&authority, &app(IN_TIME)), versions)
    };
    let mut table = Vec::new();
    for (case, place) in [
        ("1.2 and 1.3", speaking(config(ALL_VERSIONS)).await),
        ("1.2 only", speaking(config(&[&TLS12])).await),
        ("1.3 only", speaking(config(&[&TLS13])).await),
        (
            "1.0 and newer",
            old_and_new(WithOld::Accepts, config(ALL_VERSIONS)).await,
        ),
        (
            "closes at 1.0",
            old_and_new(WithOld::Closes, config(ALL_VERSIONS)).await,
        ),
        (
            "HTTP at 1.0",
            old_and_new(WithOld::SaysHttp, config(ALL_VERSIONS)).await,
        ),
    ] {
        let probe = Probe::Tls(tls(place, Some(&ca)));
        let result = run_now(&check(probe, Some("oldest_version >= '1.2' && version >= '1.2'"))).await;
        let versions =
            ["version", "oldest_version"].map(|name| result.observed.get(name).cloned().unwrap_or_default());
        table.push(format!(
            "{case}: {} {}\n  {}\n",
            versions[0],
            versions[1],
            told(&result)
        ));
    }
    let silent = old_and_new(WithOld::SaysNothing, config(ALL_VERSIONS)).await;
    let probe = Probe::Tls(tls(silent, Some(&ca)));
    let mut asked = check(probe, Some("oldest_version >= '1.2'"));
    asked.timeout = Duration::from_secs(2);
    table.push(format!("silent at 1.0\n  {}\n", told(&run_now(&asked).await)));
    insta::assert_snapshot!(table.concat(), @r#"
    1.2 and 1.3: "1.3" "1.2"
      Passed: oldest_version is "1.2" and version is "1.3"
    1.2 only: "1.2" "1.2"
      Passed: oldest_version is "1.2" and version is "1.2"
    1.3 only: "1.3" "1.3"
      Passed: oldest_version is "1.3" and version is "1.3"
    1.0 and newer: "1.3" "1.0"
      Failed: oldest_version is "1.0", expected at least "1.2"
    closes at 1.0: "1.3" "1.2"
      Passed: oldest_version is "1.2" and version is "1.3"
    HTTP at 1.0: null null
      Error: 127.0.0.1:PORT answered a greeting in TLS 1.0 with something that is not TLS; look at what stands in front of it
    silent at 1.0
      Error: 127.0.0.1:PORT neither took nor refused TLS 1.0 within 2 s; raise `timeout` if that is too short
    "#);
}

#[tokio::test]
async fn a_handshake_that_comes_to_nothing_is_told_with_the_cause() {
    let mut table = Vec::new();
    let closing = serving(|stream| async move { drop(stream) }).await;
    let http = serving(|mut stream| async move {
        let _ = stream.read(&mut [0; 512]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let only_old = serving(|mut stream| async move {
        let _ = stream.read(&mut [0; 512]).await;
        accept_old(&mut stream).await;
    })
    .await;
    let refusing = serving(|mut stream| async move {
        let _ = stream.read(&mut [0; 512]).await;
        // handshake_failure
        let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let nameless = serving(|mut stream| async move {
        let _ = stream.read(&mut [0; 512]).await;
        // unrecognized_name
        let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 112]).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let nobody = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    for (case, place) in [
        ("closes", closing),
        ("HTTP", http),
        ("1.0 only", only_old),
        ("refuses", refusing),
        ("no such name", nameless),
        ("nobody", nobody),
        ("metadata", "169.254.169.254".to_owned()),
    ] {
        table.push(format!(
            "{case}\n  {}\n",
            told(&looked_at(tls(place, None)).await)
        ));
    }
    let hanging = serving(|mut stream| async move {
        // The first bytes of a ServerHello, and then nothing.
        let _ = stream.write_all(&[22, 3, 3, 0, 90, 2, 0, 0]).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let result = run_now(&in_short(check(Probe::Tls(tls(hanging, None)), None))).await;
    table.push(format!("hangs\n  {}\n", told(&result)));
    insta::assert_snapshot!(table.concat(), @"
    closes
      Error: 127.0.0.1:PORT closed the connection in the middle of the TLS handshake; look at its log, and whether TLS is spoken at that port
    HTTP
      Error: 127.0.0.1:PORT does not speak TLS; check the port, and whether TLS is switched on
    1.0 only
      Error: 127.0.0.1:PORT speaks TLS 1.0 and nothing newer, which is not safe any more; have it speak 1.2 or 1.3
    refuses
      Error: 127.0.0.1:PORT takes no version and cipher of TLS that is in use today (received fatal alert: HandshakeFailure); look at its configuration
    no such name
      Error: 127.0.0.1:PORT serves nothing under the name app.example; mend `name` or the server's configuration
    nobody
      Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    metadata
      Error: the address 169.254.169.254 may not be reached; the operator can change denied_networks and allowed_networks
    hangs
      Error: 127.0.0.1:PORT took the connection and did not finish the TLS handshake within 200 ms; raise `timeout` if that is too short
    ");
}

#[tokio::test]
async fn a_file_of_roots_that_is_none_is_told() {
    let (directory, _) = file_with(&[]);
    let path = |name: &str| {
        directory
            .path()
            .join(name)
            .to_str()
            .expect("a path in UTF-8")
            .to_owned()
    };
    std::fs::write(
        path("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    )
    .expect("a file");
    std::fs::write(path("large.pem"), vec![b'x'; (1 << 20) + 1]).expect("a file");
    let mut table = Vec::new();
    for file in ["ca.pem", "broken.pem", "large.pem", "missing.pem"] {
        let result = looked_at(tls("127.0.0.1:1", Some(&path(file)))).await;
        table.push(format!("{}\n", told(&result)));
    }
    let shown = table
        .concat()
        .replace(directory.path().to_str().expect("a path in UTF-8"), "DIRECTORY");
    insta::assert_snapshot!(shown, @"
    Error: the file DIRECTORY/ca.pem holds no certificate; write the authority's there in PEM, from BEGIN CERTIFICATE to END CERTIFICATE
    Error: the file DIRECTORY/broken.pem holds a certificate that cannot be trusted as a root (invalid peer certificate: BadEncoding); mend the file
    Error: the file DIRECTORY/large.pem is larger than 1 MiB, which no list of roots is; mend `ca`
    Error: the file DIRECTORY/missing.pem is not there; create it, or mend its path (it is relative to the bot's working directory)
    ");
}

#[test]
fn a_host_or_a_name_that_is_none_is_told_at_once() {
    let mut table = Vec::new();
    for (host, name) in [
        ("app.example", None),
        ("app.example:8443", None),
        ("2001:db8::1", None),
        ("[2001:db8::1]:8443", Some("app.example.")),
        ("https://app.example/", None),
        ("app.example:0", None),
        ("münchen.example", None),
        ("app.example", Some("app example")),
        ("{{ site }}", Some("{{ site }}")),
    ] {
        let probe = Probe::Tls(TlsProbe {
            host: host.to_owned(),
            ca: None,
            name: name.map(str::to_owned),
        });
        let problems = Checks::problems(&check(probe, None), &BTreeMap::new());
        let told: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        table.push(format!("{host}: {}\n", told.join("; ")));
    }
    insta::assert_snapshot!(table.concat(), @r#"
    app.example: 
    app.example:8443: 
    2001:db8::1: 
    [2001:db8::1]:8443: 
    https://app.example/: `host` is "https://app.example/", which is not a host and a port; write it as in app.example or app.example:8443
    app.example:0: `host` is "app.example:0", which is not a host and a port; write it as in app.example or app.example:8443
    münchen.example: `host` names "münchen.example", which no certificate can be for; write it as in app.example, in the form xn--… where it has other than ASCII letters
    app.example: `name` names "app example", which no certificate can be for; write it as in app.example, in the form xn--… where it has other than ASCII letters
    {{ site }}: there is no variable site; declare it under `variables`
    "#);
}

#[tokio::test]
async fn a_secret_in_a_name_is_shown_in_no_form() {
    let variables = Variables::new().with_secret(
        VariableName::new("token"),
        secrecy::SecretString::from("AbC-Canary-12"),
    );
    let place = showing(signed_by_itself(&app(IN_TIME))).await;
    for name in ["{{ token }}.app.example", "{{ token }} {{ token }}"] {
        let probe = TlsProbe {
            name: Some(name.to_owned()),
            ..tls(place.as_str(), None)
        };
        let result = checks().run(&check(Probe::Tls(probe), None), &variables).await;
        let all = format!("{result:?}").to_lowercase();
        assert!(!all.contains("canary"), "{all}");
    }
}
