//! Parameters of the `tcp` probe.

/// Parameters of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpProbe {
    /// Host and port, as `db.example:5432` or `[2001:db8::1]:5432`.
    pub address: String,
}
