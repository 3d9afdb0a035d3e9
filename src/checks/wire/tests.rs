use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;

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

fn target(address: SocketAddr, name: &'static str, roots: RootCertStore) -> Target {
    Target {
        place: Place {
            host: name.to_owned(),
            port: address.port(),
        },
        addresses: vec![address],
        tls: Some(Tls {
            connector: TlsConnector::from(client_config(roots).expect("a configuration")),
            name: ServerName::try_from(name).expect("a name"),
        }),
        method: Method::GET,
        path: Uri::from_static("/"),
        headers: HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]),
        body: Bytes::new(),
    }
}

#[tokio::test]
async fn a_connection_by_tls_is_kept_for_the_next_request() {
    let (address, certificate) = secure().await;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let target = target(address, "localhost", roots);
    let mut connection = None;
    for _ in 0..3 {
        let answer = target.ask(&mut connection).await.expect("an answer");
        assert_eq!(
            (answer.status, &answer.headers["x-server"]),
            (204, &HeaderValue::from_static("here"))
        );
        assert!(connection.is_some());
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
        match target.ask(&mut None).await {
            Err(Failure::Tls(text)) => {
                let trouble = exchange::certificate_trouble(&text.to_lowercase());
                assert!(trouble.starts_with(expected), "{text}: {trouble}");
            }
            other => panic!("TLS was spoken: {other:?}"),
        }
    }
}

#[test]
fn what_a_request_says_of_itself_is_there_and_what_the_check_says_stays() {
    let url = Url::parse("http://me:s%20t@app.example:8080/x").expect("a URL");
    let plain = headers(&url, HeaderMap::new()).expect("headers");
    assert_eq!(plain[HOST], "app.example:8080");
    assert_eq!(plain[AUTHORIZATION], format!("Basic {}", BASE64.encode("me:s t")));
    let said = HeaderMap::from_iter([
        (HOST, HeaderValue::from_static("other.example")),
        (AUTHORIZATION, HeaderValue::from_static("Bearer x")),
    ]);
    let kept = headers(&url, said).expect("headers");
    assert_eq!(
        (&kept[HOST], &kept[AUTHORIZATION]),
        (
            &HeaderValue::from_static("other.example"),
            &HeaderValue::from_static("Bearer x")
        )
    );
}
