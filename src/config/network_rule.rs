//! What checks may or may not reach, as the operator writes it.

use std::{fmt, net::IpAddr, str::FromStr};

/// A host, a domain, an address or a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkRule {
    /// One host by name, in lower case: `grafana.internal`.
    Host(String),
    /// Every host below a domain, but not the domain itself, in lower case: `internal`, written `*.internal`.
    Below(String),
    /// The addresses that agree with this one in their first bits; a single address has all of its bits.
    Network {
        /// Any address of the network.
        address: IpAddr,
        /// How many leading bits count: at most 32 or 128.
        prefix_bits: u8,
    },
}

/// A text that is no [`NetworkRule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseNetworkRuleError {
    /// The number after the slash is not one, or too large for the address.
    #[error("the part after the slash must be a whole number up to {most}")]
    Prefix {
        /// The most bits that the address has.
        most: u8,
    },
    /// What stands before a slash is not an address.
    #[error("before the slash an address must stand")]
    Address,
    /// Not the name of a host.
    #[error("it is neither an address nor the name of a host, without scheme, port or path")]
    Host,
}

impl NetworkRule {
    /// What a list of them is a list of.
    pub(super) const EXPECTED: &'static str =
        "hosts (\"grafana.internal\", \"*.internal\"), addresses (\"10.1.2.3\") or networks (\"10.0.0.0/8\")";
}

impl FromStr for NetworkRule {
    type Err = ParseNetworkRuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((address, prefix)) = text.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| ParseNetworkRuleError::Address)?;
            let most = bits(address);
            return match prefix.parse::<u8>() {
                Ok(prefix_bits) if prefix_bits <= most => Ok(Self::Network { address, prefix_bits }),
                Ok(_) | Err(_) => Err(ParseNetworkRuleError::Prefix { most }),
            };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network {
                address,
                prefix_bits: bits(address),
            });
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let name = name.trim_end_matches('.').to_lowercase();
        if !is_host_name(&name) {
            return Err(ParseNetworkRuleError::Host);
        }
        Ok(if below {
            Self::Below(name)
        } else {
            Self::Host(name)
        })
    }
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => formatter.write_str(name),
            Self::Below(name) => write!(formatter, "*.{name}"),
            Self::Network { address, prefix_bits } if *prefix_bits == bits(*address) => {
                address.fmt(formatter)
            }
            Self::Network { address, prefix_bits } => write!(formatter, "{address}/{prefix_bits}"),
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// RFC 1123, section 2.1, with the underscore that internal names often have. A last label of digits alone would be
/// an odd spelling of an IPv4 address, so it is refused.
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
    };
    let numeric =
        |label: &str| label.chars().all(|letter| letter.is_ascii_digit()) || label.starts_with("0x");
    name.len() <= 253 && name.split('.').all(label) && !name.rsplit('.').next().is_some_and(numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_domains_addresses_and_networks_are_told_apart() {
        let cases = [
            ("Grafana.Internal", NetworkRule::Host("grafana.internal".into())),
            ("localhost", NetworkRule::Host("localhost".into())),
            ("*.internal", NetworkRule::Below("internal".into())),
            (
                "10.1.2.3",
                NetworkRule::Network {
                    address: [10, 1, 2, 3].into(),
                    prefix_bits: 32,
                },
            ),
            (
                "10.0.0.0/8",
                NetworkRule::Network {
                    address: [10, 0, 0, 0].into(),
                    prefix_bits: 8,
                },
            ),
            (
                "fd00::/8",
                NetworkRule::Network {
                    address: "fd00::".parse().unwrap(),
                    prefix_bits: 8,
                },
            ),
        ];
        for (text, rule) in cases {
            assert_eq!(text.parse(), Ok(rule.clone()), "{text}");
            assert_eq!(rule.to_string(), text.to_lowercase());
        }
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for text in [
            "",
            "https://example.com",
            "example.com:443",
            "a/b",
            "10.0.0.0/33",
            "10.0.0.0/x",
            "2130706433",
            "0x7f.1",
            "a..b",
            "*.",
            "-a",
        ] {
            assert!(
                text.parse::<NetworkRule>().is_err(),
                "{text} was taken for a rule"
            );
        }
    }
}
