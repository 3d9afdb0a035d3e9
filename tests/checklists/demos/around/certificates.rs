//! Servers that speak TLS, with certificates made on the fly.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SerialNumber, date_time_ymd,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::version::TLS12;
use tokio_rustls::rustls::{ALL_VERSIONS, ServerConfig};

use crate::checks::network::shake;

/// What may be wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demos) enum Fault {
    /// Its certificate has expired.
    Expired,
    /// Its certificate is for another name.
    OtherName,
    /// Its certificate is signed by itself.
    SelfSigned,
    /// It speaks nothing newer than TLS 1.2.
    OldVersion,
    /// It goes on with whoever offers TLS 1.0.
    TakesOld,
}

impl Fault {
    /// The faults that a condition finds.
    pub(in crate::demos) fn found_by(condition: &str) -> &'static [Self] {
        if condition.contains("oldest_version") {
            &[Self::TakesOld]
        } else if condition.contains("version") {
            &[Self::OldVersion]
        } else {
            &[Self::Expired, Self::OtherName, Self::SelfSigned]
        }
    }
}

/// Whoever signs the certificates.
pub(super) struct Certificates {
    authority: CertifiedIssuer<'static, KeyPair>,
    well: Arc<ServerConfig>,
}

impl Certificates {
    pub(super) fn new() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        authority
            .distinguished_name
            .push(DnType::CommonName, "An authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.not_before = date_time_ymd(1970, 1, 1);
        let authority = CertifiedIssuer::self_signed(authority, key()).expect("an authority");
        let well = config(&authority, None);
        Self { authority, well }
    }

    /// The authority's own certificate.
    pub(super) fn pem(&self) -> String {
        self.authority.pem()
    }

    /// A server that has this fault, or none.
    pub(super) async fn server(&self, servers: &mut JoinSet<()>, fault: Option<Fault>) -> SocketAddr {
        let config = match fault {
            None | Some(Fault::TakesOld) => Arc::clone(&self.well),
            Some(_) => config(&self.authority, fault),
        };
        let acceptor = TlsAcceptor::from(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        servers.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if fault == Some(Fault::TakesOld) {
                        shake(&acceptor, stream).await;
                    } else if let Ok(mut stream) = acceptor.accept(stream).await {
                        // The client has seen what it wanted to, and goes.
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                    }
                });
            }
        });
        address
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn config(authority: &CertifiedIssuer<'static, KeyPair>, fault: Option<Fault>) -> Arc<ServerConfig> {
    let name = if fault == Some(Fault::OtherName) {
        "elsewhere.example"
    } else {
        "127.0.0.1"
    };
    let mut own = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    own.serial_number = Some(SerialNumber::from(7_u64));
    own.not_before = date_time_ymd(1970, 1, 1);
    own.not_after = if fault == Some(Fault::Expired) {
        date_time_ymd(1970, 1, 2)
    } else {
        date_time_ymd(1970, 3, 1)
    };
    let key = key();
    let certificate = if fault == Some(Fault::SelfSigned) {
        own.self_signed(&key)
    } else {
        own.signed_by(&key, authority)
    };
    let versions = if fault == Some(Fault::OldVersion) {
        &[&TLS12][..]
    } else {
        ALL_VERSIONS
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.expect("a certificate").der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
    Arc::new(config.expect("a certificate with its key"))
}
