//! The way to other machines: names resolved, addresses vetted, then dialled.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use url::Url;

use super::guard::{Guard, Refusal};
use super::probe::{Hindrance, Run};

/// How long one address is dialled before the next is dialled as well (RFC 8305, 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A host and a port, as `db.example:5432`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// Host and port of a URL that names a host.
    pub(super) fn of_url(url: &Url) -> Self {
        Self {
            host: host_of(url).to_owned(),
            port: port_of(url),
        }
    }

    /// Whether these are host and port of a URL.
    pub(super) fn is_of_url(&self, url: &Url) -> bool {
        self.port == port_of(url) && self.host == host_of(url)
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

fn host_of(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    let within = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    within.unwrap_or(host)
}

fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
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

/// Connects to the first of a place's addresses that answers. One that keeps silent does not hold the others up: the next
/// is dialled beside it after a while (RFC 8305, 5).
pub(super) async fn dial(place: &Place, addresses: &[SocketAddr]) -> Result<TcpStream, Unconnected> {
    let attempts = by_turns(addresses).into_iter().map(TcpStream::connect);
    match first(attempts).await {
        Some(Ok(stream)) => Ok(stream),
        Some(Err(error)) => Err(unconnected(place, &error)),
        None => Err(Unconnected::Silent),
    }
}

/// The addresses with their families by turns, beginning with that of the first (RFC 8305, 4).
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (same, other): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses
        .iter()
        .partition(|address| address.is_ipv4() == first.is_ipv4());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut turns = Vec::with_capacity(addresses.len());
    loop {
        let before = turns.len();
        turns.extend(same.next());
        turns.extend(other.next());
        if turns.len() == before {
            return turns;
        }
    }
}

/// The first success, or the last failure when there is none. An attempt begins when the one before it has failed, or has
/// taken a while.
async fn first<Done, Error>(
    attempts: impl Iterator<Item: Future<Output = Result<Done, Error>>>,
) -> Option<Result<Done, Error>> {
    let mut waiting = attempts.fuse();
    let mut under_way = FuturesUnordered::new();
    let mut last = None;
    loop {
        let begun = waiting.next();
        let is_last = begun.is_none();
        under_way.extend(begun);
        tokio::select! {
            ended = under_way.next() => match ended {
                Some(Ok(done)) => return Some(Ok(done)),
                Some(Err(error)) => last = Some(Err(error)),
                None => return last,
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if !is_last => {}
        }
    }
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

#[cfg(test)]
mod tests {
    use std::future::{Pending, Ready, pending, ready};
    use std::time::Instant;

    use futures_util::FutureExt as _;
    use futures_util::future::Either;

    use super::*;

    type Outcome = Result<u32, &'static str>;
    type Attempt = Either<Ready<Outcome>, Pending<Outcome>>;

    fn silent() -> Attempt {
        Either::Right(pending())
    }

    fn ending(result: Outcome) -> Attempt {
        Either::Left(ready(result))
    }

    #[tokio::test]
    async fn a_silent_address_holds_no_other_up() {
        let began = Instant::now();
        let found = first([silent(), ending(Err("refused")), ending(Ok(3))].into_iter()).await;
        assert_eq!(found, Some(Ok(3)));
        assert!(began.elapsed() >= ATTEMPT_DELAY);
    }

    #[tokio::test]
    async fn who_refuses_is_not_waited_for() {
        let attempts = [ending(Err("refused")), ending(Ok(2)), silent()];
        assert_eq!(first(attempts.into_iter()).now_or_never(), Some(Some(Ok(2))));
    }

    #[tokio::test]
    async fn the_last_failure_is_told_when_none_answers() {
        let refused = [ending(Err("refused")), ending(Err("no way"))];
        assert_eq!(first(refused.into_iter()).await, Some(Err("no way")));
        assert_eq!(first(std::iter::empty::<Attempt>()).await, None);
    }

    #[test]
    fn families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "10.0.0.1:1"].map(address);
        let turns = ["[::1]:1", "10.0.0.1:1", "[::2]:1", "[::3]:1"].map(address);
        assert_eq!(by_turns(&found), turns);
    }
}
