//! Whose signatures are trusted: the public roots, which are the same as the `http` probe's, and those of a file.

use std::path::Path;

use tokio::io::AsyncReadExt as _;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::checks::probe::{Hindrance, Run};

/// The largest file with roots that is read, in bytes: the public ones together are a fifth of it.
const LARGEST_FILE: u64 = 1 << 20;

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
            roots: RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            },
            named: Vec::new(),
        };
        let Some(path) = file else {
            return Ok(trust);
        };
        let path = run.expand(path)?;
        let bytes = run
            .in_time(read(&path), || format!("the file {path} could not be read"))
            .await??;
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

async fn read(path: &str) -> Result<Vec<u8>, Hindrance> {
    let troubled = |error: std::io::Error| {
        Hindrance::new(match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!(
                    "the file {path} is not there; create it, or mend `ca` (it is relative to the bot's working directory)"
                )
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("the file {path} may not be read by the bot; change its permissions")
            }
            _ => format!("the file {path} could not be read: {error}"),
        })
    };
    let file = tokio::fs::File::open(Path::new(path)).await.map_err(troubled)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(troubled)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Hindrance::new(format!(
            "the file {path} is larger than 1 MiB, which no list of roots is; mend `ca`"
        )));
    }
    Ok(bytes)
}
