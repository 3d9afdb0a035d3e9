//! Whose signatures are trusted: the public roots, which are the same as the `http` probe's, and those of a file.

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::checks::probe::{Hindrance, Run};
use crate::checks::readable;

/// The largest file with roots that is read, in bytes: the public ones together are a fifth of it.
const LARGEST_FILE: usize = 1 << 20;

/// The public roots, for every probe that speaks TLS by itself.
pub(in crate::checks) fn public_roots() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

/// What is the matter with a certificate, from the words of the TLS library.
pub(in crate::checks) fn certificate_trouble(lower: &str) -> &'static str {
    if lower.contains("expired") {
        "it has expired; renew it"
    } else if lower.contains("notvalidforname") || lower.contains("not valid for name") {
        "it is for another name; check the address, or have the name added to it"
    } else if lower.contains("unknownissuer") || lower.contains("unknown issuer") {
        "nobody known has signed it; have it signed by a public authority"
    } else if lower.contains("causedasendentity") || lower.contains("ca used as end entity") {
        "it is an authority's own, as of one that signs itself; have one for the server signed by a public authority"
    } else if lower.contains("notvalidyet") || lower.contains("not valid yet") {
        "it is not valid yet; check the clocks"
    } else {
        "it is broken or made for something else; look at it with `openssl s_client`"
    }
}

/// The roots.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) roots: RootCertStore,
    /// The certificates of the file.
    pub(super) named: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// The public roots, and those of the file when one is given.
    pub(super) async fn of(run: &Run<'_>, file: Option<&str>) -> Result<Self, Hindrance> {
        let mut trust = Self {
            roots: public_roots(),
            named: Vec::new(),
        };
        let Some(path) = file else {
            return Ok(trust);
        };
        let path = run.expand(path)?;
        let bytes = readable::bytes_of(run, &path, LARGEST_FILE).await?;
        if bytes.len() > LARGEST_FILE {
            return Err(Hindrance::new(format!(
                "the file {path} is larger than 1 MiB, which no list of roots is; mend `ca`"
            )));
        }
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            let added = certificate
                .map_err(|error| error.to_string())
                .and_then(|certificate| {
                    let added = trust.roots.add(certificate.clone());
                    trust.named.push(certificate);
                    added.map_err(|error| error.to_string())
                });
            added.map_err(|error| {
                Hindrance::new(format!(
                    "the file {path} holds a certificate that cannot be trusted as a root ({error}); mend the file"
                ))
            })?;
        }
        if trust.named.is_empty() {
            return Err(Hindrance::new(format!(
                "the file {path} holds no certificate; write the authority's there in PEM, from BEGIN CERTIFICATE to END CERTIFICATE"
            )));
        }
        Ok(trust)
    }
}
