//! Encrypted connections to databases, verified as far as the checklist asks for.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::Encryption;
use crate::checks::probe::Hindrance;
use crate::checks::reach::Place;
use crate::checks::tls::{certificate_trouble, public_roots};

/// Encrypts a connection. `authority` is a file of certificates to be trusted beside the public authorities.
pub(super) async fn encrypt(
    place: &Place,
    encryption: Encryption,
    stream: TcpStream,
    authority: Option<&str>,
) -> Result<TlsStream<TcpStream>, Hindrance> {
    let name = ServerName::try_from(place.host.clone()).map_err(|_| {
        Hindrance::new(format!(
            "{} cannot be the name in a certificate; mend `url`",
            place.host
        ))
    })?;
    let verifier = Verifier::new(encryption, authority).await?;
    let provider = Arc::clone(&verifier.provider);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| not_set_up(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| Hindrance::new(untrusted(place, &error)))
}

/// What of a certificate is looked at: nothing, who signed it, or that and the name.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    signer: Option<Arc<WebPkiServerVerifier>>,
    name: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Verified,
    Ignored,
}

impl Verifier {
    async fn new(encryption: Encryption, authority: Option<&str>) -> Result<Self, Hindrance> {
        let provider = Arc::new(ring::default_provider());
        let (verifies, name) = match encryption {
            Encryption::Never | Encryption::WhereOffered | Encryption::Always => (false, Name::Ignored),
            Encryption::AlwaysVerified => (true, Name::Ignored),
            Encryption::AlwaysVerifiedWithName => (true, Name::Verified),
        };
        let signer = if verifies {
            let roots = Arc::new(roots(authority).await?);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| not_set_up(&error))?;
            Some(verifier)
        } else {
            None
        };
        Ok(Self {
            provider,
            signer,
            name,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(signer) = &self.signer else {
            return Ok(ServerCertVerified::assertion());
        };
        match signer.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.name == Name::Ignored => Ok(ServerCertVerified::assertion()),
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

async fn roots(authority: Option<&str>) -> Result<RootCertStore, Hindrance> {
    let mut roots = public_roots();
    if let Some(file) = authority {
        let unread = |why: &str| {
            Hindrance::new(format!(
                "the certificates in {file}, which PGSSLROOTCERT names, {why}"
            ))
        };
        let pem = tokio::fs::read(Path::new(file))
            .await
            .map_err(|error| unread(&format!("could not be read: {error}")))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            certificate
                .ok()
                .and_then(|certificate| roots.add(certificate).ok())
                .ok_or_else(|| unread("are not in PEM, or are broken"))?;
        }
    }
    Ok(roots)
}

fn not_set_up(error: &impl std::fmt::Display) -> Hindrance {
    Hindrance::new(format!("TLS cannot be set up here: {error}"))
}

fn untrusted(place: &Place, error: &io::Error) -> String {
    let lower = error.to_string().to_lowercase();
    if lower.contains("certificate") {
        format!(
            "the certificate of {place} is not accepted: {}",
            certificate_trouble(&lower)
        )
    } else {
        format!("{place} could not be spoken to by TLS ({error}); check that it serves TLS there")
    }
}
