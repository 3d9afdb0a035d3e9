//! How far a checklist is trusted, which is decided by where it came from.

use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// Whose checklist it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The operator's: a file in their directory, or one that they approved by its hash.
    Operator,
    /// One that came from chat. Its checks reach public addresses only and put no load on them, run nothing, and see
    /// neither files nor variables of the machine that the bot runs on.
    Imported,
}

/// Networks whose addresses are of one machine, one site or nobody, from IANA's registries of special-purpose addresses
/// (RFC 6890) and those of multicast (RFC 5771, RFC 4291). What embeds an IPv4 address is looked through before.
const NOT_PUBLIC: [&str; 18] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "100::/64",
    "2001:2::/48",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

static NOT_PUBLIC_NETWORKS: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    NOT_PUBLIC
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect()
});

/// Why an address may not be reached. Goes on from the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barrier {
    /// The operator denies it to all checks.
    Denied,
    /// It is nobody's public address, and the checklist was imported.
    NotPublic,
}

/// What an imported checklist's checks may not do. Goes on from "a checklist that was imported".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forbidden {
    /// Run a program.
    Commands,
    /// Read a file.
    Files,
    /// Look at the bot's environment.
    Environment,
    /// Ask a server more than once at a time.
    Load,
}

/// Whether it is an address that anybody could reach, as far as its network tells.
pub(super) fn is_public(address: IpAddr) -> bool {
    !NOT_PUBLIC_NETWORKS
        .iter()
        .any(|network| network.contains(&address))
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => {
                "may not be reached; the operator can change checks.network.deny and checks.network.allow"
            }
            Self::NotPublic => {
                "is not public, and a checklist that was imported reaches public addresses only; the operator can approve the checklist, or name the host or the network in checks.imported.allow"
            }
        })
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commands => "runs no commands",
            Self::Files => "reads no files",
            Self::Environment => "sees no environment variables",
            Self::Load => "puts no load on anybody's server",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_understood() {
        assert_eq!(NOT_PUBLIC_NETWORKS.len(), NOT_PUBLIC.len());
    }

    #[test]
    fn addresses_of_one_machine_or_one_site_are_not_public() {
        for (address, public) in [
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("10.20.30.40", false),
            ("172.31.255.255", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("100.127.0.1", false),
            ("100.128.0.1", true),
            ("169.254.169.254", false),
            ("255.255.255.255", false),
            ("239.1.2.3", false),
            ("1.1.1.1", true),
            ("203.0.113.9", true),
            ("::1", false),
            ("::", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("2606:4700:4700::1111", true),
        ] {
            assert_eq!(
                is_public(address.parse().expect("an address")),
                public,
                "{address}"
            );
        }
    }
}
