//! Which servers are asked: the one a checklist names, else the ones that the machine uses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::checks::probe::{Hindrance, Run};
use crate::checks::reach::{self, Place};

/// The port of DNS (RFC 1035, 4.2).
const PORT: u16 = 53;
/// Where the machine's own resolvers are written down, see `resolv.conf(5)`.
const SYSTEM: &str = "/etc/resolv.conf";
/// The most servers of that file that are asked (`MAXNS` in `resolv.conf(5)`).
const MOST: usize = 3;

/// The server that a checklist names, or what is wrong with it.
pub(super) fn place(written: &str) -> Result<Place, String> {
    Place::with_usual_port(written, PORT).ok_or_else(|| {
        format!("`resolver` is {written:?}, which is no address of a DNS server; write it as in 192.0.2.53 or 192.0.2.53:5353")
    })
}

/// The addresses to ask, in order.
///
/// The one that a checklist names is vetted by the guard. The machine's own are the operator's choice, and stand where
/// checklists have no business (loopback, link-local) more often than not.
pub(super) async fn to_ask(run: &Run<'_>, resolver: Option<&str>) -> Result<Vec<SocketAddr>, Hindrance> {
    let Some(resolver) = resolver else {
        let text = run
            .in_time(tokio::fs::read_to_string(SYSTEM), || {
                format!("{SYSTEM} could not be read")
            })
            .await?;
        // Without the file, the machine itself is asked, as its own programs do.
        return Ok(of_system(&text.unwrap_or_default()));
    };
    let place = place(&run.expand(resolver)?).map_err(Hindrance::new)?;
    let found = run.in_time(reach::addresses(run.guard, &place.host, place.port), || {
        format!("the resolver's name {} could not be looked up", place.host)
    });
    found
        .await?
        .map_err(|unreached| Hindrance::new(unreached.to_string()))
}

/// The servers that such a file names; the machine itself when it names none.
fn of_system(text: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == "nameserver").then_some(())?;
            // A zone, as in `fe80::1%eth0`, is the name of an interface and cannot be told the socket here.
            let address: IpAddr = words.next()?.parse().ok()?;
            Some(SocketAddr::new(address, PORT))
        })
        .take(MOST)
        .collect();
    if found.is_empty() {
        found.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PORT));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        of_system(text).iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn the_machines_servers_are_read_as_its_programs_do() {
        assert_eq!(
            read(
                "# by hand\nsearch corp.example\nnameserver 192.0.2.53\n  nameserver\t2001:db8::53 # two\noptions ndots:1\n"
            ),
            ["192.0.2.53:53", "[2001:db8::53]:53"]
        );
        assert_eq!(read(&"nameserver 192.0.2.1\n".repeat(5)).len(), MOST);
        assert_eq!(
            read("nameserver fe80::1%eth0\n;nameserver 192.0.2.1\n"),
            ["127.0.0.1:53"]
        );
        assert_eq!(read(""), ["127.0.0.1:53"]);
    }
}
