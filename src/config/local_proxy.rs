//! Where a stand-in for Discord listens: on this machine, or it is refused.

use std::{fmt, net::SocketAddr, str::FromStr};

/// A proxy on this machine that answers for discord.com, such as `http://127.0.0.1:8787`.
///
/// Only a literal loopback address is taken: the bot's token must never leave the machine on the way to a stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalProxy(SocketAddr);

/// Why a text is no [`LocalProxy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseLocalProxyError {
    /// It is no address that begins with `http://`, or has something after the port.
    #[error("it is not http:// with an address and a port")]
    NotAnAddress,
    /// The address is not of this machine.
    #[error("it is not on this machine")]
    NotLoopback,
}

impl LocalProxy {
    /// What is expected of one, in words.
    pub const EXPECTED: &'static str =
        "an address of this machine with its port, such as \"http://127.0.0.1:8787\"";
}

impl FromStr for LocalProxy {
    type Err = ParseLocalProxyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address: SocketAddr = text
            .strip_prefix("http://")
            .map(|rest| rest.strip_suffix('/').unwrap_or(rest))
            .and_then(|rest| rest.parse().ok())
            .ok_or(ParseLocalProxyError::NotAnAddress)?;
        if address.ip().is_loopback() {
            Ok(Self(address))
        } else {
            Err(ParseLocalProxyError::NotLoopback)
        }
    }
}

impl fmt::Display for LocalProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}", self.0)
    }
}
