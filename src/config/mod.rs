//! The settings: built-in defaults, then a file, then variables of the environment.
//!
//! `config/holdpoint.toml` documents every setting and is itself the defaults. What is read is checked here, at
//! the edge: a [`Settings`] holds only values that make sense, and what does not is refused in one sentence that
//! names the setting, what it is, what is expected and where it came from.

mod network_rule;
mod origin;
mod permissions;
mod problem;
mod reader;
mod sha256;
mod show;
mod sources;

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;

pub use self::{
    network_rule::{NetworkRule, ParseNetworkRuleError},
    origin::Origin,
    permissions::{Allowed, ParseAllowedError, Permissions},
    problem::{InvalidSettings, Problem},
    sha256::{ParseSha256Error, Sha256},
    show::{EffectiveSetting, EffectiveSettings},
    sources::{DEFAULT_FILE, Environment, SettingsFile},
};
use self::{
    reader::{Noted, Reader},
    sources::Layers,
};

/// Everything that can be configured, parsed and in range.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach Discord.
    pub discord: Discord,
    /// Where the database is.
    pub database: Database,
    /// Where the checklists are.
    pub checklists: Checklists,
    /// Where health, readiness and metrics are served.
    pub http: Http,
    /// What is logged and how.
    pub log: Log,
    /// What checks may do and how much of it.
    pub checks: Checks,
    /// Who may do what in a server that has no rules of its own.
    pub permissions: Permissions,
    /// Who may do what in one server, by its id: complete, with what the server leaves unsaid filled in from
    /// [`Settings::permissions`].
    pub guilds: BTreeMap<u64, Permissions>,
    /// Rules for signatures.
    pub sign_offs: SignOffs,
    /// How the program stops.
    pub shutdown: Shutdown,
}

/// `[discord]`
#[derive(Debug, Clone)]
pub struct Discord {
    token: TokenSource,
    /// A stand-in to connect to instead of Discord.
    pub local: Option<LocalDiscord>,
}

/// A stand-in for Discord on this machine, for trials and tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDiscord {
    /// Where its proxy for `https://discord.com` listens; always a loopback address.
    pub proxy: SocketAddr,
    /// The PEM file of the authority that signed its certificate for discord.com.
    pub certificate: PathBuf,
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// The SQLite file; created when it is not there.
    pub path: PathBuf,
}

/// `[checklists]`
#[derive(Debug, Clone)]
pub struct Checklists {
    /// The directory whose Markdown files are offered.
    pub directory: PathBuf,
    /// Checklists that are trusted as those in the directory are, although they came from chat.
    pub approved: Vec<Sha256>,
}

/// `[http]`
#[derive(Debug, Clone)]
pub struct Http {
    /// The address to listen on; loopback unless configured.
    pub listen: SocketAddr,
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct Log {
    /// A filter in `tracing`'s syntax, such as `info,holdpoint::engine=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// `[checks]`
#[derive(Debug, Clone)]
pub struct Checks {
    /// How many checks may run at once, over all deployments.
    pub concurrency: NonZeroUsize,
    /// How many checks may run against one host at once.
    pub per_host: NonZeroUsize,
    /// How many bytes of a response body are read at most.
    pub body_limit_bytes: usize,
    /// What checks may run.
    pub commands: CheckCommands,
    /// What checks may read.
    pub files: CheckFiles,
    /// What checks may reach.
    pub network: CheckNetwork,
    /// What the checks of imported checklists may.
    pub imported: CheckImported,
}

/// `[checks.commands]`
#[derive(Debug, Clone)]
pub struct CheckCommands {
    /// The programs that may be run, by name or whole path.
    pub allow: Vec<String>,
    /// The names of the variables that a command is given.
    pub environment: Vec<String>,
    /// The user that commands run as where the bot runs as root: a name, or numbers as `10001:10001`.
    pub user: String,
    /// How many bytes of memory each process of a command may write to; nothing for no limit.
    pub memory_limit_bytes: Option<NonZeroUsize>,
    /// How many processes and threads a command may have; nothing for no limit.
    pub process_limit: Option<NonZeroUsize>,
}

/// `[checks.files]`
#[derive(Debug, Clone)]
pub struct CheckFiles {
    /// The directories whose files checks may read, with all below them.
    pub readable: Vec<PathBuf>,
}

/// `[checks.network]`
#[derive(Debug, Clone)]
pub struct CheckNetwork {
    /// What may be reached besides public addresses.
    pub allow: Vec<NetworkRule>,
    /// What is never reached, allowed or not.
    pub deny: Vec<NetworkRule>,
}

/// `[checks.imported]`
#[derive(Debug, Clone)]
pub struct CheckImported {
    /// What they may reach although it is not public.
    pub allow: Vec<NetworkRule>,
}

/// `[sign_offs]`
#[derive(Debug, Clone)]
pub struct SignOffs {
    /// Whether whoever started a deployment may not be its only signer.
    pub four_eyes: bool,
}

/// `[shutdown]`
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// How long a stop waits for work in hand.
    pub drain: Duration,
}

/// The settings, and how each came to be.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// What the program works with.
    pub settings: Settings,
    /// What `holdpoint config` shows.
    pub effective: EffectiveSettings,
}

impl Configuration {
    /// Reads the defaults, `file` and `environment`, the later winning over the earlier.
    ///
    /// The file that holds the token is not read here but in [`Discord::token`], so that a command that needs no
    /// token needs no right to read it either.
    ///
    /// # Errors
    /// [`InvalidSettings`] has a sentence for each thing that is wrong.
    pub fn load(file: &SettingsFile, environment: Environment) -> Result<Self, InvalidSettings> {
        let layers = Layers::collect(file, environment)?;
        let mut reader = Reader::new(layers);
        let settings = read(&mut reader);
        let (settings, effective) = reader.finish(settings)?;
        Ok(Self { settings, effective })
    }
}

impl Settings {
    /// Who may do what in a server.
    pub fn permissions_in(&self, guild: u64) -> &Permissions {
        self.guilds.get(&guild).unwrap_or(&self.permissions)
    }
}

impl Discord {
    /// The file that holds the token, if one does: one of its own, or that of the settings.
    pub fn token_file(&self) -> Option<&Path> {
        match &self.token {
            TokenSource::File { path, .. }
            | TokenSource::Given {
                origin: Origin::File(path),
                ..
            } => Some(path),
            TokenSource::Nowhere | TokenSource::Given { .. } => None,
        }
    }

    /// The bot's token, read from its file now if that is where it is.
    ///
    /// # Errors
    /// [`TokenError`] when none is configured, when its file cannot be read, or when it is empty or has spaces
    /// or line breaks inside.
    pub fn token(&self) -> Result<SecretString, TokenError> {
        match &self.token {
            TokenSource::Nowhere => Err(TokenError::Missing),
            TokenSource::Given { token, origin } => checked_token(token, &origin.to_string()),
            TokenSource::File { path, origin } => {
                let text = std::fs::read_to_string(path).map_err(|fault| TokenError::Unreadable {
                    path: path.clone(),
                    origin: origin.clone(),
                    fault,
                })?;
                checked_token(&SecretString::from(text), &path.display().to_string())
            }
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

/// Why there is no token to use.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nothing says what the token is.
    #[error(
        "no Discord token is configured; put it in the environment variable HOLDPOINT__DISCORD__TOKEN, or in a \
         file that discord.token_file names, or run `holdpoint try`, which needs none"
    )]
    Missing,
    /// The file that should hold it cannot be read.
    #[error(
        "discord.token_file is {}, which cannot be read ({fault}); it comes from {origin}; name a file that \
         holds the token and that this user may read",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Who named it.
        origin: Origin,
        /// What the operating system said.
        fault: std::io::Error,
    },
    /// What was found cannot be a token.
    #[error(
        "the Discord token from {place} is empty or has a space or a line break inside; copy it again from the \
         Bot page of your application in Discord's developer portal"
    )]
    Malformed {
        /// The file or the variable.
        place: String,
    },
}

#[derive(Debug, Clone)]
enum TokenSource {
    Nowhere,
    Given { token: SecretString, origin: Origin },
    File { path: PathBuf, origin: Origin },
}

fn checked_token(token: &SecretString, place: &str) -> Result<SecretString, TokenError> {
    use secrecy::ExposeSecret as _;

    let text = token.expose_secret().trim();
    if text.is_empty() || text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Err(TokenError::Malformed {
            place: place.to_owned(),
        });
    }
    Ok(SecretString::from(text))
}

/// Reads every setting before it gives up on any, so that one pass finds every mistake.
fn read(reader: &mut Reader) -> Result<Settings, Noted> {
    let token = read_token(reader);
    let local = read_local(reader);
    let database = reader.path("database.path");
    let directory = reader.path("checklists.directory");
    let approved = reader.parsed_list("checklists.approved", Sha256::EXPECTED);
    let listen = reader.parsed("http.listen", "an address and a port, such as \"127.0.0.1:8080\"");
    let filter = reader.text("log.filter");
    let format = reader.choice(
        "log.format",
        &[
            ("auto", LogFormat::Auto),
            ("pretty", LogFormat::Pretty),
            ("json", LogFormat::Json),
        ],
    );
    let concurrency = reader.count("checks.concurrency", 1..=1024);
    let per_host = reader.count("checks.per_host", 1..=1024);
    let body_limit_bytes = reader.count("checks.body_limit_bytes", 1024..=64 * 1024 * 1024);
    let allowed_commands = reader.texts("checks.commands.allow");
    let environment = reader.texts("checks.commands.environment");
    let user = reader.text("checks.commands.user");
    let memory_limit_bytes = reader.limit("checks.commands.memory_limit_bytes", 16 << 20..=1 << 50);
    let process_limit = reader.limit("checks.commands.process_limit", 1..=1 << 22);
    let readable = reader.texts("checks.files.readable");
    let deny = reader.parsed_list("checks.network.deny", NetworkRule::EXPECTED);
    let allow = reader.parsed_list("checks.network.allow", NetworkRule::EXPECTED);
    let allow_imported = reader.parsed_list("checks.imported.allow", NetworkRule::EXPECTED);
    let permissions = Permissions::read(reader);
    let four_eyes = reader.yes_or_no("sign_offs.four_eyes");
    let drain = reader.duration("shutdown.drain");
    let permissions = permissions?;
    let guilds = permissions.read_guilds(reader);

    Ok(Settings {
        discord: Discord {
            token: token?,
            local: local?,
        },
        database: Database { path: database? },
        checklists: Checklists {
            directory: directory?,
            approved: approved?,
        },
        http: Http { listen: listen? },
        log: Log {
            filter: filter?,
            format: format?,
        },
        checks: Checks {
            concurrency: concurrency?,
            per_host: per_host?,
            body_limit_bytes: body_limit_bytes?.get(),
            commands: CheckCommands {
                allow: allowed_commands?,
                environment: environment?,
                user: user?,
                memory_limit_bytes: memory_limit_bytes?,
                process_limit: process_limit?,
            },
            files: CheckFiles {
                readable: readable?.into_iter().map(PathBuf::from).collect(),
            },
            network: CheckNetwork {
                allow: allow?,
                deny: deny?,
            },
            imported: CheckImported {
                allow: allow_imported?,
            },
        },
        permissions,
        guilds: guilds?,
        sign_offs: SignOffs {
            four_eyes: four_eyes?,
        },
        shutdown: Shutdown { drain: drain? },
    })
}

fn read_local(reader: &mut Reader) -> Result<Option<LocalDiscord>, Noted> {
    const PROXY: &str = "discord.local_proxy";
    const CERTIFICATE: &str = "discord.local_certificate";
    let proxy = reader.optional_parsed(
        PROXY,
        "a loopback address and a port, such as \"http://127.0.0.1:8123\"",
        loopback,
    )?;
    let certificate = reader.optional_path(CERTIFICATE)?;
    let half = |set, missing, origin| Problem::HalfALocalDiscord { set, missing, origin };
    match (proxy, certificate) {
        (None, None) => Ok(None),
        (Some((proxy, _)), Some((certificate, _))) => Ok(Some(LocalDiscord { proxy, certificate })),
        (Some((_, origin)), None) => {
            reader.refuse(half(PROXY, CERTIFICATE, origin));
            Err(Noted)
        }
        (None, Some((_, origin))) => {
            reader.refuse(half(CERTIFICATE, PROXY, origin));
            Err(Noted)
        }
    }
}

/// An address on this machine, written out: a name could be made to point elsewhere.
fn loopback(text: &str) -> Option<SocketAddr> {
    let address: SocketAddr = text.strip_prefix("http://")?.trim_end_matches('/').parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

fn read_token(reader: &mut Reader) -> Result<TokenSource, Noted> {
    let token = reader.secret("discord.token")?;
    let file = reader.optional_path("discord.token_file")?;
    Ok(match (token, file) {
        (None, None) => TokenSource::Nowhere,
        (Some((token, origin)), None) => TokenSource::Given { token, origin },
        (None, Some((path, origin))) => TokenSource::File { path, origin },
        (Some((token, token_origin)), Some((path, file_origin))) => {
            match token_origin.rank().cmp(&file_origin.rank()) {
                std::cmp::Ordering::Greater => TokenSource::Given {
                    token,
                    origin: token_origin,
                },
                std::cmp::Ordering::Less => TokenSource::File {
                    path,
                    origin: file_origin,
                },
                std::cmp::Ordering::Equal => {
                    reader.refuse(Problem::TwoTokens {
                        token: token_origin,
                        file: file_origin,
                    });
                    return Err(Noted);
                }
            }
        }
    })
}
