//! Parameters of the `dns` probe.

use std::fmt;

/// Parameters of a question to DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsProbe {
    /// The name that is asked about.
    pub name: String,
    /// What kind of record is asked for.
    pub record_type: RecordType,
    /// The server that is asked, as `192.0.2.53`, `192.0.2.53:5353` or `ns1.example`; else the ones that the machine
    /// uses.
    pub resolver: Option<String>,
}

/// The kinds of record that can be asked for (RFC 1035, 3.2.2; AAAA: RFC 3596; SRV: RFC 2782; CAA: RFC 8659).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordType {
    /// An IPv4 address.
    #[default]
    A,
    /// An IPv6 address.
    Aaaa,
    /// Who may issue certificates.
    Caa,
    /// The name that this one is an alias of.
    Cname,
    /// Who takes mail.
    Mx,
    /// Who serves the zone.
    Ns,
    /// Where the zone's authority begins.
    Soa,
    /// Where a service is.
    Srv,
    /// A text.
    Txt,
}

impl RecordType {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 9] = [
        Self::A,
        Self::Aaaa,
        Self::Caa,
        Self::Cname,
        Self::Mx,
        Self::Ns,
        Self::Soa,
        Self::Srv,
        Self::Txt,
    ];

    /// Its name, as `AAAA`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Caa => "CAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Srv => "SRV",
            Self::Txt => "TXT",
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
