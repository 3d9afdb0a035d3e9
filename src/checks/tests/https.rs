//! HTTP over TLS: the version that both sides agree on, and certificates that nobody should accept.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::ready;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

/// An authority that nobody knows who is not told of it.
fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name.push(DnType::CommonName, "An authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, key()).expect("an authority")
}

/// What a certificate for this machine says.
fn here() -> CertificateParams {
    CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name")
}

/// A server that speaks these versions of HTTP, and its address. Its certificate is signed by the authority, or by
/// itself where there is none.
async fn serving(alpn: &[&str], params: CertificateParams, signer: Option<&Authority>) -> String {
    let own = key();
    let certificate = match signer {
        Some(signer) => params.signed_by(&own, signer),
        None => params.self_signed(&own),
    };
    let certificate = certificate.expect("a certificate").der().clone();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate],
            PrivateKeyDer::Pkcs8(own.serialize_der().into()),
        )
        .expect("a certificate with its key");
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let is_2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let stream = TokioIo::new(stream);
                // The answer tells what the server has spoken; how the connection ends is the client's matter.
                let _ = if is_2 {
                    let answer = service_fn(|request| ready(Ok::<_, Infallible>(answer(&request))));
                    http2::Builder::new(TokioExecutor::new())
                        .serve_connection(stream, answer)
                        .await
                } else {
                    let answer = service_fn(|request| ready(Ok::<_, Infallible>(answer(&request))));
                    http1::Builder::new().serve_connection(stream, answer).await
                };
            });
        }
    });
    format!("https://{address}/")
}

/// Says which version was spoken.
fn answer(request: &hyper::Request<hyper::body::Incoming>) -> hyper::Response<Full<Bytes>> {
    let spoken = format!("{:?}", request.version());
    hyper::Response::new(Full::new(Bytes::from(spoken)))
}

/// Checks that trust this authority, besides those that everybody does.
fn trusting(authority: &Authority) -> Checks {
    let Checks { shared, turns } = checks();
    let shared = Arc::into_inner(shared).expect("nobody else has it");
    let mut roots = crate::checks::tls::public_roots();
    roots.add(authority.der().clone()).expect("a certificate");
    let client =
        Client::trusting(Arc::clone(&shared.guard), shared.limits.per_host, roots).expect("a client");
    Checks {
        shared: Arc::new(Shared { client, ..shared }),
        turns,
    }
}

#[tokio::test]
async fn the_version_of_http_is_the_one_that_both_sides_agree_on() {
    let authority = authority();
    let checks = trusting(&authority);
    let mut table = String::new();
    for alpn in [&["h2"][..], &["http/1.1"], &["h2", "http/1.1"], &[]] {
        let url = serving(alpn, here(), Some(&authority)).await;
        for version in ["2", "1.1"] {
            let pass = format!("version == {version:?}");
            let asked = check(Probe::Http(get(&url)), Some(&pass));
            let result = checks.run(&asked, &Variables::new()).await;
            let spoken = &result.observed["body"];
            let _ = writeln!(table, "{alpn:?} answers {spoken}: {}", told(&result));
        }
    }
    insta::assert_snapshot!(table, @r#"
    ["h2"] answers "HTTP/2.0": Passed: version is "2"
    ["h2"] answers "HTTP/2.0": Failed: version is "2", expected "1.1"
    ["http/1.1"] answers "HTTP/1.1": Failed: version is "1.1", expected "2"
    ["http/1.1"] answers "HTTP/1.1": Passed: version is "1.1"
    ["h2", "http/1.1"] answers "HTTP/2.0": Passed: version is "2"
    ["h2", "http/1.1"] answers "HTTP/2.0": Failed: version is "2", expected "1.1"
    [] answers "HTTP/1.1": Failed: version is "1.1", expected "2"
    [] answers "HTTP/1.1": Passed: version is "1.1"
    "#);
}

#[tokio::test]
async fn a_certificate_that_nobody_should_accept_is_told_with_what_is_wrong() {
    let authority = authority();
    let checks = trusting(&authority);
    let valid = |from: i32, until: i32| {
        let mut params = here();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params
    };
    // As `openssl req -x509` makes one that signs itself.
    let mut authority_itself = here();
    authority_itself.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let elsewhere = CertificateParams::new(vec!["elsewhere.example".to_owned()]).expect("a name");
    let mut table = String::new();
    for (case, params, signer) in [
        ("expired", valid(2019, 2020), Some(&authority)),
        ("not yet", valid(4000, 4001), Some(&authority)),
        ("another name", elsewhere, Some(&authority)),
        ("by itself", here(), None),
        ("an authority by itself", authority_itself, None),
    ] {
        let url = serving(&["http/1.1"], params, signer).await;
        let asked = check(Probe::Http(get(url)), None);
        let result = checks.run(&asked, &Variables::new()).await;
        let _ = writeln!(table, "{case}: {}", told(&result));
    }
    // What one trusts, another does not.
    let url = serving(&["h2"], here(), Some(&authority)).await;
    let unknown = run(&check(Probe::Http(get(url)), None)).await;
    let _ = writeln!(table, "by somebody: {}", told(&unknown));
    insta::assert_snapshot!(table, @"
    expired: Error: the certificate of 127.0.0.1:PORT is not accepted: it has expired; renew it
    not yet: Error: the certificate of 127.0.0.1:PORT is not accepted: it is not valid yet; check the clocks
    another name: Error: the certificate of 127.0.0.1:PORT is not accepted: it is for another name; check the address, or have the name added to it
    by itself: Error: the certificate of 127.0.0.1:PORT is not accepted: nobody known has signed it; have it signed by a public authority
    an authority by itself: Error: the certificate of 127.0.0.1:PORT is not accepted: it is an authority's own, as of one that signs itself; have one for the server signed by a public authority
    by somebody: Error: the certificate of 127.0.0.1:PORT is not accepted: nobody known has signed it; have it signed by a public authority
    ");
}
