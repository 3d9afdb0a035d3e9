//! What a stand-in is started with.

use std::path::PathBuf;
use std::time::Duration;

use crate::permissions;

/// Which bot tokens are let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AcceptedToken {
    /// Any token that is not empty.
    #[default]
    Any,
    /// This one alone; every other gets a 401, or close code 4004 on the gateway.
    Only(String),
}

/// Whether the gateway grants the privileged intents (members, presences, message content).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrivilegedIntents {
    /// They are granted when asked for.
    #[default]
    Granted,
    /// Asking for one closes the gateway with 4014.
    Refused,
}

/// How strictly requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RateLimits {
    /// The windows that Discord uses, in real time.
    #[default]
    Discord,
    /// Discord's counts, in windows of which every length is multiplied by this factor.
    Scaled(f64),
    /// Nothing is counted and no rate-limit header is sent.
    Off,
}

/// What stands above the first message of the first guild's first channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// What to do here, in Discord's Markdown.
    pub text: String,
    /// The command to begin with, as `deploy start`: a button writes it, and the composer names it.
    pub command: String,
}

/// A toggle that the host program shows on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchSeed {
    /// The name that the host program asks for it by.
    pub id: String,
    /// The text next to it.
    pub label: String,
    /// What the page says while it is on.
    pub on_text: String,
    /// What the page says while it is off.
    pub off_text: String,
    /// Its position at the start.
    pub position: SwitchPosition,
}

/// Where a switch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SwitchPosition {
    /// Switched on.
    On,
    /// Switched off.
    #[default]
    Off,
}

/// A role to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSeed {
    /// Its name, unique in the guild.
    pub name: String,
    /// The permission bits it gives.
    pub permissions: u64,
    /// Its colour as 0xRRGGBB; zero is none.
    pub color: u32,
    /// Who may ping it.
    pub mentionable: Mentionable,
}

/// Who may ping a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mentionable {
    /// Everyone.
    #[default]
    ByEveryone,
    /// Only those who have the permission to mention everyone.
    ByPermission,
}

/// A person to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonSeed {
    /// The name that is shown; the user name is made from it. The same name in two guilds is the same person.
    pub name: String,
    /// The names of their roles.
    pub roles: Vec<String>,
}

/// Whether the bot has been added to a guild.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BotMembership {
    /// It is a member.
    #[default]
    Member,
    /// It is not; reading or writing there answers 50001.
    Absent,
}

/// A guild (a server, in people's words) to begin with. Its first person owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildSeed {
    /// Its name.
    pub name: String,
    /// The names of its text channels, in order.
    pub channels: Vec<String>,
    /// Its roles, lowest first.
    pub roles: Vec<RoleSeed>,
    /// Its people.
    pub people: Vec<PersonSeed>,
    /// Whether the bot is there.
    pub bot: BotMembership,
    /// The permission bits of the bot's own role.
    pub bot_permissions: u64,
}

/// What a stand-in is started with. [`Options::default`] has one guild with one channel and one person.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; zero takes a free one.
    pub port: u16,
    /// The title of the page.
    pub title: String,
    /// The name of the application and of its bot.
    pub bot_name: String,
    /// The token that is let in.
    pub token: AcceptedToken,
    /// The guilds; the first is the one that the page shows.
    pub guilds: Vec<GuildSeed>,
    /// What the page tells somebody who is here for the first time.
    pub welcome: Option<Welcome>,
    /// The page's toggles.
    pub switches: Vec<SwitchSeed>,
    /// How requests are counted.
    pub rate_limits: RateLimits,
    /// How long an interaction waits for its first response: 3 seconds at Discord.
    pub interaction_deadline: Duration,
    /// How long an interaction's token can be used, in stand-in time: 15 minutes at Discord.
    pub interaction_lifetime: Duration,
    /// How long an enforced nonce is remembered; Discord says "the past few minutes".
    pub nonce_memory: Duration,
    /// The heartbeat interval that HELLO asks for: 41.25 seconds at Discord.
    pub heartbeat_interval: Duration,
    /// How many dispatches a session keeps for a RESUME.
    pub resume_buffer: usize,
    /// How long a session without a socket can still be resumed; Discord does not say how long it waits.
    pub resume_window: Duration,
    /// Whether privileged intents are granted.
    pub privileged_intents: PrivilegedIntents,
    /// How long the people's side waits for what it expects before it gives up.
    pub patience: Duration,
    /// A file to which every REST request is appended as one JSON line. The environment variable
    /// `DISCORD_STAND_IN_RECORDING` names one when this is `None`.
    pub recording: Option<PathBuf>,
    /// How many requests are kept in memory.
    pub recorded_requests: usize,
    /// When the guilds were founded, in Unix milliseconds. The ids of what the options describe are made from it, so
    /// that the same options have the same ids at every start. `None` is the time of the start.
    pub founded_ms: Option<i64>,
}

impl SwitchSeed {
    /// A switch that is off.
    pub fn new(id: &str, label: &str) -> Self {
        Self {
            id: id.to_owned(),
            label: label.to_owned(),
            on_text: "on".to_owned(),
            off_text: "off".to_owned(),
            position: SwitchPosition::Off,
        }
    }

    /// Sets what the page says in each position.
    #[must_use]
    pub fn texts(mut self, on: &str, off: &str) -> Self {
        on.clone_into(&mut self.on_text);
        off.clone_into(&mut self.off_text);
        self
    }

    /// Sets the position at the start.
    #[must_use]
    pub fn at(mut self, position: SwitchPosition) -> Self {
        self.position = position;
        self
    }
}

impl RoleSeed {
    /// A role that everyone may ping and that gives no permission of its own.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            permissions: 0,
            color: 0,
            mentionable: Mentionable::ByEveryone,
        }
    }

    /// Sets its permission bits.
    #[must_use]
    pub fn permissions(mut self, bits: u64) -> Self {
        self.permissions = bits;
        self
    }

    /// Sets its colour, 0xRRGGBB.
    #[must_use]
    pub fn color(mut self, color: u32) -> Self {
        self.color = color;
        self
    }

    /// Sets who may ping it.
    #[must_use]
    pub fn mentionable(mut self, mentionable: Mentionable) -> Self {
        self.mentionable = mentionable;
        self
    }
}

impl GuildSeed {
    /// A guild of that name with the bot in it and nothing else.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            channels: Vec::new(),
            roles: Vec::new(),
            people: Vec::new(),
            bot: BotMembership::Member,
            bot_permissions: permissions::USUAL_FOR_A_BOT,
        }
    }

    /// Adds a text channel.
    #[must_use]
    pub fn channel(mut self, name: &str) -> Self {
        self.channels.push(name.to_owned());
        self
    }

    /// Adds a role above those before it.
    #[must_use]
    pub fn role(mut self, role: RoleSeed) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds a person with the named roles.
    #[must_use]
    pub fn person(mut self, name: &str, roles: &[&str]) -> Self {
        self.people.push(PersonSeed {
            name: name.to_owned(),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
        });
        self
    }

    /// Sets whether the bot is a member.
    #[must_use]
    pub fn bot(mut self, membership: BotMembership) -> Self {
        self.bot = membership;
        self
    }

    /// Sets the permission bits of the bot's own role.
    #[must_use]
    pub fn bot_permissions(mut self, bits: u64) -> Self {
        self.bot_permissions = bits;
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            title: "Discord stand-in".to_owned(),
            bot_name: "Bot".to_owned(),
            token: AcceptedToken::Any,
            guilds: vec![GuildSeed::new("Guild").channel("general").person("Ana", &[])],
            welcome: None,
            switches: Vec::new(),
            rate_limits: RateLimits::Discord,
            interaction_deadline: Duration::from_secs(3),
            interaction_lifetime: Duration::from_mins(15),
            nonce_memory: Duration::from_mins(3),
            heartbeat_interval: Duration::from_millis(41_250),
            resume_buffer: 1000,
            resume_window: Duration::from_mins(3),
            privileged_intents: PrivilegedIntents::Granted,
            patience: Duration::from_secs(10),
            recording: None,
            recorded_requests: 10_000,
            founded_ms: None,
        }
    }
}
