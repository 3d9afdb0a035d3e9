//! What checks may reach on the network, and read and run on this machine.
//!
//! Addresses are vetted twice: as they are written in a URL, and as a name resolved to them, just before they are
//! dialled. Forms that hide an IPv4 address in an IPv6 one are looked through.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Host;

use super::readable::Readable;
use super::trust::{Barrier, Forbidden, Trust, is_public};
use super::variables::Environment;

/// Networks that no check reaches unless allowed: link-local addresses, where clouds answer with credentials,
/// and the IPv6 address at which EC2 does the same.
pub const METADATA_NETWORKS: [&str; 3] = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"];

/// Environment variables whose values are no secret anywhere and turn up in most outputs.
const PLAIN: [&str; 13] = [
    "CI",
    "HOME",
    "HOSTNAME",
    "LANG",
    "LOGNAME",
    "PATH",
    "PWD",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_RUNTIME_DIR",
];

/// The fewest characters of a value passed on to commands that is taken for a secret; shorter ones (`1`, `true`,
/// `staging`) are not, and removing them would make an output unreadable.
const SHORTEST_SECRET: usize = 8;

/// What checks may reach, read and run, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// Programs that `command` checks may run: a name is looked up in the bot's `PATH`, an absolute path is that
    /// file. Empty: no commands.
    pub commands: Vec<String>,
    /// Environment variables of the bot that commands get to see. Their values are removed from everything a check
    /// reports, but for short ones and those of names that are no secret anywhere, such as `PATH`.
    pub environment: Vec<String>,
    /// The user that commands run as where the bot itself runs as root: a name, or numbers as `10001:10001`. Elsewhere
    /// they run as the bot does.
    pub command_user: String,
    /// Directories whose files `file` and `env` checks may read, all below them included. Relative ones begin at the
    /// bot's working directory.
    pub readable: Vec<PathBuf>,
    /// Files that no check reads wherever they are: the bot's database and token.
    pub secret_files: Vec<PathBuf>,
    /// Networks that may not be reached, as `10.0.0.0/8` or `10.1.2.3`.
    pub denied_networks: Vec<String>,
    /// Exceptions from the denied networks.
    pub allowed_networks: Vec<String>,
    /// Hosts that may not be reached, as `internal.example` or `*.internal.example`.
    pub denied_hosts: Vec<String>,
    /// When not empty, the only hosts that may be reached. Denied ones stay denied.
    pub allowed_hosts: Vec<String>,
    /// Networks that checklists which were imported reach although their addresses are not public.
    pub networks_for_imported: Vec<String>,
    /// Hosts that checklists which were imported reach wherever they are.
    pub hosts_for_imported: Vec<String>,
}

/// The settings, parsed, with the environment that programs are looked up in.
#[derive(Clone, Debug)]
pub struct Guard {
    commands: Vec<String>,
    passed_on: Vec<String>,
    command_user: String,
    readable: Readable,
    denied_networks: Vec<IpNet>,
    allowed_networks: Vec<IpNet>,
    denied_hosts: Vec<String>,
    allowed_hosts: Vec<String>,
    networks_for_imported: Vec<IpNet>,
    hosts_for_imported: Vec<String>,
    environment: Environment,
    trust: Trust,
}

/// A setting that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} names {value:?}, which is not {expected}")]
pub struct GuardSettingsError {
    /// The setting.
    pub setting: &'static str,
    /// What stands there.
    pub value: String,
    /// What should.
    pub expected: &'static str,
}

/// Something a check may not reach or run. Reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the address has the scheme {0}, and only http and https are spoken")]
    Scheme(String),
    #[error("the address names no host")]
    NoHost,
    #[error(
        "the host {0} may not be reached; the operator can change checks.network.deny and checks.network.allow"
    )]
    Host(String),
    #[error("the address {0} {1}")]
    Address(IpAddr, Barrier),
    #[error("the host {host} is at {address}, which {barrier}")]
    HostAddress {
        host: String,
        address: IpAddr,
        barrier: Barrier,
    },
    #[error("a checklist that was imported {0}; the operator can read it and approve it")]
    Forbidden(Forbidden),
    #[error("commands are off; the operator can allow programs by name, here {0}")]
    CommandsOff(String),
    #[error("the program {0} is not one that may be run; the operator can add it to the allowed commands")]
    Program(String),
    #[error("the program {0} is not on this machine; install it, or add its directory to the bot's PATH")]
    NoSuchProgram(String),
}

impl Default for GuardSettings {
    /// Commands off, the working directory readable, and everything but [`METADATA_NETWORKS`] reachable: right for checklists that the operator
    /// wrote, whose targets stand in private networks as often as not.
    fn default() -> Self {
        Self {
            commands: Vec::new(),
            environment: ["HOME", "LANG", "PATH"].map(str::to_owned).to_vec(),
            command_user: "nobody".to_owned(),
            readable: vec![PathBuf::from(".")],
            secret_files: Vec::new(),
            denied_networks: METADATA_NETWORKS.map(str::to_owned).to_vec(),
            allowed_networks: Vec::new(),
            denied_hosts: Vec::new(),
            allowed_hosts: Vec::new(),
            networks_for_imported: Vec::new(),
            hosts_for_imported: Vec::new(),
        }
    }
}

impl Guard {
    /// Holds checks to the settings. Programs are looked up in, and handed variables of, the environment.
    pub fn new(settings: GuardSettings, environment: Environment) -> Result<Self, GuardSettingsError> {
        if let Some(relative) = settings.commands.iter().find(|command| {
            command.is_empty() || (command.contains('/') && !Path::new(command).is_absolute())
        }) {
            return Err(GuardSettingsError {
                setting: "commands",
                value: relative.clone(),
                expected: "a program's name or absolute path",
            });
        }
        Ok(Self {
            denied_networks: networks("denied_networks", &settings.denied_networks)?,
            allowed_networks: networks("allowed_networks", &settings.allowed_networks)?,
            denied_hosts: hosts("denied_hosts", &settings.denied_hosts)?,
            allowed_hosts: hosts("allowed_hosts", &settings.allowed_hosts)?,
            networks_for_imported: networks("networks_for_imported", &settings.networks_for_imported)?,
            hosts_for_imported: hosts("hosts_for_imported", &settings.hosts_for_imported)?,
            commands: settings.commands,
            passed_on: settings.environment,
            command_user: settings.command_user,
            readable: Readable::new(&settings.readable, &settings.secret_files),
            environment,
            trust: Trust::Operator,
        })
    }

    /// The same for checklists that were imported.
    pub(super) fn for_imported(&self) -> Self {
        Self {
            // Not looked at any more, so that nothing leaks where a question to the guard is forgotten.
            environment: Environment::default(),
            trust: Trust::Imported,
            ..self.clone()
        }
    }

    /// The environment that `env` checks look at.
    pub(super) fn environment(&self) -> Result<&Environment, Refusal> {
        self.unless_imported(Forbidden::Environment)?;
        Ok(&self.environment)
    }

    /// The files that checks may read.
    pub(super) fn readable(&self) -> Result<&Readable, Refusal> {
        self.unless_imported(Forbidden::Files)?;
        Ok(&self.readable)
    }

    /// Whether a server may be asked many times at once.
    pub(super) fn vet_load(&self) -> Result<(), Refusal> {
        self.unless_imported(Forbidden::Load)
    }

    fn unless_imported(&self, what: Forbidden) -> Result<(), Refusal> {
        match self.trust {
            Trust::Operator => Ok(()),
            Trust::Imported => Err(Refusal::Forbidden(what)),
        }
    }

    /// As whom commands run where the bot runs as root.
    pub(super) fn command_user(&self) -> &str {
        &self.command_user
    }

    /// The environment that commands get, nothing else.
    pub(super) fn environment_passed_on(&self) -> impl Iterator<Item = (&str, &str)> {
        self.passed_on
            .iter()
            .filter_map(|name| Some((name.as_str(), self.environment.get(name)?)))
    }

    /// Values that commands get and nobody is shown.
    pub(super) fn secrets_passed_on(&self) -> Vec<SecretString> {
        self.environment_passed_on()
            .filter(|(name, value)| !is_plain(name) && value.chars().count() >= SHORTEST_SECRET)
            .map(|(_, value)| SecretString::from(value))
            .collect()
    }

    /// Whether a request may go to this URL, as far as can be told before its name is resolved.
    pub(super) fn vet_url(&self, url: &url::Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or(Refusal::NoHost)?;
        self.vet_host(host)?;
        // Addresses in odd notations (octal, hexadecimal, one number) have been read as such by the URL parser.
        match url.host() {
            Some(Host::Ipv4(address)) => self.vet_address(address.into()),
            Some(Host::Ipv6(address)) => self.vet_address(address.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// Whether this host may be reached, by its name alone.
    pub(super) fn vet_host(&self, host: &str) -> Result<(), Refusal> {
        if self.denied_hosts.is_empty() && self.allowed_hosts.is_empty() {
            return Ok(());
        }
        let host = plain_host(host);
        let named = |patterns: &[String]| patterns.iter().any(|pattern| host_matches(pattern, &host));
        if named(&self.denied_hosts) || !(self.allowed_hosts.is_empty() || named(&self.allowed_hosts)) {
            return Err(Refusal::Host(host));
        }
        Ok(())
    }

    /// Whether a connection may be made to this address, where it was given as such.
    pub(super) fn vet_address(&self, address: IpAddr) -> Result<(), Refusal> {
        match self.barrier(address, None) {
            None => Ok(()),
            Some(barrier) => Err(Refusal::Address(address, barrier)),
        }
    }

    /// Whether a connection may be made to this address, where a host's name led to it.
    pub(super) fn vet_address_of(&self, host: &str, address: IpAddr) -> Result<(), Refusal> {
        match self.barrier(address, Some(host)) {
            None => Ok(()),
            Some(barrier) => Err(Refusal::HostAddress {
                host: host.to_owned(),
                address,
                barrier,
            }),
        }
    }

    fn barrier(&self, address: IpAddr, host: Option<&str>) -> Option<Barrier> {
        let faces = faces(address);
        let within = |networks: &[IpNet]| {
            faces
                .iter()
                .any(|face| networks.iter().any(|network| network.contains(face)))
        };
        if within(&self.denied_networks) && !within(&self.allowed_networks) {
            return Some(Barrier::Denied);
        }
        let named = host.map(plain_host).is_some_and(|host| {
            let mut patterns = self.hosts_for_imported.iter();
            patterns.any(|pattern| host_matches(pattern, &host))
        });
        let open = match self.trust {
            Trust::Operator => true,
            Trust::Imported => {
                named || within(&self.networks_for_imported) || faces.iter().copied().all(is_public)
            }
        };
        (!open).then_some(Barrier::NotPublic)
    }

    /// The file to run for a program as a checklist names it.
    pub(super) fn vet_program(&self, program: &str) -> Result<PathBuf, Refusal> {
        self.unless_imported(Forbidden::Commands)?;
        if self.commands.is_empty() {
            return Err(Refusal::CommandsOff(program.to_owned()));
        }
        let written_as_path = program.contains('/');
        let allowed_as_written = self.commands.iter().any(|allowed| allowed == program);
        if written_as_path {
            return if !allowed_as_written {
                Err(Refusal::Program(program.to_owned()))
            } else if is_program(Path::new(program)) {
                Ok(PathBuf::from(program))
            } else {
                Err(Refusal::NoSuchProgram(program.to_owned()))
            };
        }
        let found = self.look_up(program);
        let allowed_as_file = found
            .as_deref()
            .is_some_and(|found| self.commands.iter().any(|allowed| Path::new(allowed) == found));
        if allowed_as_written {
            found.ok_or_else(|| Refusal::NoSuchProgram(program.to_owned()))
        } else if let (true, Some(found)) = (allowed_as_file, found) {
            Ok(found)
        } else {
            Err(Refusal::Program(program.to_owned()))
        }
    }

    /// The first file of this name that is a program in the bot's `PATH`.
    pub(super) fn look_up(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(self.environment.get("PATH")?)
            // A relative entry would find whatever lies in the working directory.
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(program))
            .find(|candidate| is_program(candidate))
    }
}

/// Whether a variable's name says that its value may be shown: a common one, a locale, or the name of an environment
/// (`NODE_ENV`).
fn is_plain(name: &str) -> bool {
    PLAIN.contains(&name) || name.starts_with("LC_") || name.ends_with("_ENV")
}

fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

fn networks(setting: &'static str, values: &[String]) -> Result<Vec<IpNet>, GuardSettingsError> {
    values
        .iter()
        .map(|value| {
            value
                .parse::<IpNet>()
                .or_else(|_| value.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| GuardSettingsError {
                    setting,
                    value: value.clone(),
                    expected: "an address or a network such as 10.0.0.0/8",
                })
        })
        .collect()
}

fn hosts(setting: &'static str, values: &[String]) -> Result<Vec<String>, GuardSettingsError> {
    values
        .iter()
        .map(|value| {
            let name = value.strip_prefix("*.").unwrap_or(value);
            if name.is_empty() || name.contains(['*', '/', ':', ' ']) {
                return Err(GuardSettingsError {
                    setting,
                    value: value.clone(),
                    expected: "a host such as app.example or *.app.example, without scheme or port",
                });
            }
            Ok(plain_host(value))
        })
        .collect()
}

/// A host's name without the trailing dot and in lower case: both name the same host.
fn plain_host(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => host
            .strip_suffix(parent)
            .is_some_and(|child| child.ends_with('.') && child.len() > 1),
        None => pattern == host,
    }
}

/// The addresses that dialling this one may in truth reach.
fn faces(address: IpAddr) -> Vec<IpAddr> {
    let mut faces = vec![address];
    let embedded = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => embedded_v4(address),
    };
    faces.extend(embedded.map(IpAddr::V4));
    // A connection to the unspecified address arrives at the machine itself.
    if faces.iter().any(IpAddr::is_unspecified) {
        faces.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
        faces.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
    }
    faces
}

/// The IPv4 address inside an IPv6 one: mapped and compatible (RFC 4291), NAT64 (RFC 6052 and RFC 8215),
/// 6to4 (RFC 3056) and Teredo (RFC 4380).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(joined(high, low)),
        [0x2001, 0, .., high, low] => Some(joined(!high, !low)),
        [0, 0, 0, 0, 0, 0, high, low] if address != Ipv6Addr::LOCALHOST => Some(joined(high, low)),
        _ => None,
    }
}
