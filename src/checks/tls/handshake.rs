//! A handshake that looks at what the server shows and judges nothing, and greetings in older versions.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ALL_VERSIONS, AlertDescription, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
};

use super::hello::{self, Heard, Version};
use crate::checks::probe::{Hindrance, Run};
use crate::checks::reach::{self, Place};

/// What a server showed in a handshake.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// The version that was agreed on.
    pub(super) version: Version,
    /// The certificates that it sent, its own first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether it proved that it has the key of its own certificate.
    pub(super) proof: Proof,
    /// Whether it went on without a certificate of ours.
    pub(super) clients: Clients,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Given,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    NeedNothing,
    NeedCertificates,
}

/// Makes a handshake with a server under a name.
pub(super) async fn shake(
    run: &Run<'_>,
    provider: &Arc<CryptoProvider>,
    place: &Place,
    name: &ServerName<'static>,
) -> Result<Shown, Hindrance> {
    let witness = Arc::new(Witness {
        provider: Arc::clone(provider),
        seen: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(ALL_VERSIONS)
        .map_err(|error| Hindrance::new(format!("TLS cannot be spoken here: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Witness>::clone(&witness))
        .with_no_client_auth();
    let stream = reach::connect(run, place)
        .await
        .map_err(|unconnected| unconnected.hindrance(run, place))?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name.clone(), stream);
    let shaken = run.in_time(connecting, || {
        format!("{place} took the connection and did not finish the TLS handshake")
    });
    let clients = match shaken.await? {
        Ok(_) => Clients::NeedNothing,
        Err(error) if wants_certificate(&error) && witness.shown().is_some() => Clients::NeedCertificates,
        Err(error) => return Err(not_shaken(run, provider, place, name, &error).await),
    };
    let mut shown = witness.shown().ok_or_else(|| {
        Hindrance::new(format!(
            "{place} showed no certificate; look at its configuration"
        ))
    })?;
    shown.clients = clients;
    Ok(shown)
}

/// What a server says to a greeting that offers nothing newer than a version: the version it goes on in, or nothing
/// when it refuses. A server that says nothing at all leaves the matter open, and that is told as a hindrance.
pub(super) async fn greet(
    run: &Run<'_>,
    provider: &CryptoProvider,
    place: &Place,
    name: &ServerName<'_>,
    newest: Version,
) -> Result<Option<Version>, Hindrance> {
    let mut random = [0; 32];
    provider
        .secure_random
        .fill(&mut random)
        .map_err(|_| Hindrance::new("the machine gives no random numbers; look at its system log"))?;
    let site = match name {
        ServerName::DnsName(site) => Some(site.as_ref()),
        _ => None,
    };
    let greeting = hello::greeting(newest, site, random);
    let mut stream = reach::connect(run, place)
        .await
        .map_err(|unconnected| unconnected.hindrance(run, place))?;
    let answer = async {
        let mut bytes = Vec::new();
        if stream.write_all(&greeting).await.is_err() {
            return Heard::Refused;
        }
        loop {
            match hello::heard(&bytes, newest) {
                Heard::NotYet if bytes.len() < hello::LONGEST_ANSWER => {}
                Heard::NotYet => return Heard::Foreign,
                decided => return decided,
            }
            match stream.read_buf(&mut bytes).await {
                // Many close the connection without a word to what they do not take.
                Ok(0) | Err(_) => return Heard::Refused,
                Ok(_) => {}
            }
        }
    };
    let heard = run.in_time(answer, || {
        format!("{place} neither took nor refused TLS {newest}")
    });
    match heard.await? {
        Heard::Accepted(version) => Ok(Some(version)),
        Heard::Refused => Ok(None),
        Heard::NotYet | Heard::Foreign => Err(Hindrance::new(format!(
            "{place} answered a greeting in TLS {newest} with something that is not TLS; look at what stands in front of it"
        ))),
    }
}

/// Notes what a server shows and lets everything through: what is wrong with it is found out afterwards, and told in
/// full.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    chain: Vec<CertificateDer<'static>>,
    /// The version, which each has its own kind of proof in, and whether the proof held.
    proof: Option<(Version, Proof)>,
}

impl Witness {
    fn shown(&self) -> Option<Shown> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, proof) = seen.proof?;
        Some(Shown {
            version,
            chain: seen.chain.clone(),
            proof,
            clients: Clients::NeedNothing,
        })
    }

    fn note(
        &self,
        version: Version,
        verified: &Result<HandshakeSignatureValid, Error>,
    ) -> HandshakeSignatureValid {
        let proof = match verified {
            Ok(_) => Proof::Given,
            Err(_) => Proof::Failed,
        };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).proof = Some((version, proof));
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).chain = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verified = verify_tls12_signature(message, certificate, signed, algorithms);
        Ok(self.note(Version::Tls12, &verified))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verified = verify_tls13_signature(message, certificate, signed, algorithms);
        Ok(self.note(Version::Tls13, &verified))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// Whether the server ended the handshake as one does that wants to know its clients (RFC 5246, 7.4.6 and 7.2.2).
fn wants_certificate(error: &io::Error) -> bool {
    matches!(
        tls_error(error),
        Some(Error::AlertReceived(
            AlertDescription::NoCertificate
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateRequired
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
                | AlertDescription::HandshakeFailure
        ))
    )
}

/// The sentence for a handshake that came to nothing.
async fn not_shaken(
    run: &Run<'_>,
    provider: &CryptoProvider,
    place: &Place,
    name: &ServerName<'_>,
    error: &io::Error,
) -> Hindrance {
    let Some(tls) = tls_error(error) else {
        return Hindrance::new(match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => format!(
                "{place} closed the connection in the middle of the TLS handshake; look at its log, and whether TLS is spoken at that port"
            ),
            _ => format!("the TLS handshake with {place} broke off: {error}"),
        });
    };
    match tls {
        Error::InvalidMessage(_) => Hindrance::new(format!(
            "{place} does not speak TLS; check the port, and whether TLS is switched on"
        )),
        Error::AlertReceived(AlertDescription::UnrecognisedName) => Hindrance::new(format!(
            "{place} serves nothing under the name {}; mend `name` or the server's configuration",
            name.to_str()
        )),
        Error::AlertReceived(
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
        )
        | Error::PeerIncompatible(_) => match greet(run, provider, place, name, Version::Tls11).await {
            Ok(Some(newest)) => Hindrance::new(format!(
                "{place} speaks TLS {newest} and nothing newer, which is not safe any more; have it speak 1.2 or 1.3"
            )),
            _ => Hindrance::new(format!(
                "{place} takes no version and cipher of TLS that is in use today ({tls}); look at its configuration"
            )),
        },
        Error::AlertReceived(alert) => Hindrance::new(format!(
            "{place} refused the TLS handshake with the alert {alert:?}; look at its log"
        )),
        _ => Hindrance::new(format!("the TLS handshake with {place} broke off: {tls}")),
    }
}
