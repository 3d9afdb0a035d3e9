//! Parameters of the `tls` probe.

/// Parameters of a TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsProbe {
    /// Host and port, as `app.example:443`; without a port it is 443.
    pub host: String,
    /// Path of a PEM file with roots to trust besides the public ones.
    pub ca: Option<String>,
    /// The name that the server is asked for and its certificate must be for, when it is not the host's.
    pub name: Option<String>,
}
