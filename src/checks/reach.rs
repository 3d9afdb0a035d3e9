//! The way to other machines: names resolved, addresses vetted, then dialled.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

use super::guard::{Guard, Refusal};
use super::probe::{Hindrance, Run};

/// A host and a port, as `db.example:5432`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Why a name led to no address that may be dialled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreached {
    /// The guard says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name has no address.
    #[error("the host {0} does not resolve; check the name and DNS")]
    Unresolved(String),
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unconnected {
    /// Nothing listens there.
    Closed,
    /// Nobody answered before the deadline.
    Silent,
    /// It was not even tried, or the network broke: a sentence.
    Hindered(Hindrance),
}

impl Place {
    /// Reads `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.trim().rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']')?,
            None if host.contains(':') => return None,
            None => host,
        };
        let sound = !host.is_empty() && !host.contains(['/', '@', ' ', '?', '#']);
        let port = port.parse().ok().filter(|port| *port != 0)?;
        sound.then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Reads a place whose port may be left out: `name`, an address with or without brackets, or all of
    /// [`Place::parse`].
    pub(super) fn with_usual_port(text: &str, port: u16) -> Option<Self> {
        let text = text.trim();
        if text.parse::<IpAddr>().is_ok() {
            return Some(Self {
                host: text.to_owned(),
                port,
            });
        }
        Self::parse(text).or_else(|| Self::parse(&format!("{text}:{port}")))
    }

    /// Reads it with its variables replaced.
    pub(super) fn of(run: &Run<'_>, text: &str, parameter: &str) -> Result<Self, Hindrance> {
        let expanded = run.expand(text)?;
        Self::parse(&expanded).ok_or_else(|| {
            Hindrance::new(format!(
                "`{parameter}` is {expanded:?}, which is not a host and a port; write it as in db.example:5432"
            ))
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The addresses of a host that may be dialled, in the order they were found.
pub(super) async fn addresses(guard: &Guard, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
    guard.vet_host(host)?;
    if let Ok(address) = host.parse::<IpAddr>() {
        guard.vet_address(address)?;
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unresolved = || Unreached::Unresolved(host.to_owned());
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|_| unresolved())?
        .collect();
    let mut open = Vec::with_capacity(found.len());
    let mut refused = None;
    for address in found {
        match guard.vet_address_of(host, address.ip()) {
            Ok(()) => open.push(address),
            Err(refusal) => {
                refused.get_or_insert(refusal);
            }
        }
    }
    if open.is_empty() {
        return Err(refused.map_or_else(unresolved, Unreached::from));
    }
    Ok(open)
}

/// Connects to the first address of a place that answers, before the deadline.
pub(super) async fn connect(run: &Run<'_>, place: &Place) -> Result<TcpStream, Unconnected> {
    let dialled = async {
        let addresses = addresses(run.guard, &place.host, place.port)
            .await
            .map_err(|unreached| Unconnected::Hindered(Hindrance::new(unreached.to_string())))?;
        dial(place, &addresses).await
    };
    tokio::time::timeout_at(run.deadline, dialled)
        .await
        .unwrap_or(Err(Unconnected::Silent))
}

/// Connects to the first of a place's addresses that answers.
pub(super) async fn dial(place: &Place, addresses: &[SocketAddr]) -> Result<TcpStream, Unconnected> {
    TcpStream::connect(addresses)
        .await
        .map_err(|error| unconnected(place, &error))
}

fn unconnected(place: &Place, error: &io::Error) -> Unconnected {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Unconnected::Closed,
        io::ErrorKind::TimedOut => Unconnected::Silent,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            Unconnected::Hindered(Hindrance::new(format!(
                "there is no way to {place} from here; check the network and the firewall"
            )))
        }
        _ => Unconnected::Hindered(Hindrance::new(format!("{place} cannot be connected to: {error}"))),
    }
}

impl Unconnected {
    /// The sentence for a probe that cannot do without the connection.
    pub(super) fn hindrance(self, run: &Run<'_>, place: &Place) -> Hindrance {
        match self {
            Self::Closed => Hindrance::new(format!(
                "nothing listens at {place} (connection refused); start the service, or mend the port"
            )),
            Self::Silent => run.out_of_time(&format!("no connection to {place} could be made")),
            Self::Hindered(hindrance) => hindrance,
        }
    }
}
