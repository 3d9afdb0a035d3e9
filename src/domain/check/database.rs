//! Parameters of the `database` probe.

/// Parameters of a query that only reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseProbe {
    /// Where the database is: `postgres://…`, `sqlite:FILE`, `redis://…` or `rediss://…`.
    pub url: String,
    /// One statement that reads; for Redis `PING`, or `INFO` with or without a section.
    pub query: String,
}
