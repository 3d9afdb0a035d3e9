//! Who may do what, as the operator writes it. Plain data: the engine gives it meaning.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::{
    origin::Origin,
    problem::Problem,
    reader::{Noted, Reader},
};

/// Whom a rule lets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Allowed {
    /// Whoever can use the command in the channel.
    Everyone,
    /// The person who started the deployment.
    Starter,
    /// Whoever holds a sign-off role of the checklist.
    SignOffHolder,
    /// Whoever has Discord's "Manage Server" permission.
    ManageServer,
    /// Whoever has the Discord role with this id.
    Role(u64),
    /// The person with this id.
    User(u64),
}

/// Who may do what in one server. One match is enough; an empty list means nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// Start a deployment.
    pub start: Vec<Allowed>,
    /// Tick and untick items, block, fill blanks, assign, note and run checks.
    pub tick: Vec<Allowed>,
    /// Skip an item, with a reason.
    pub skip: Vec<Allowed>,
    /// Decide GO or NO-GO and finish a deployment.
    pub decide: Vec<Allowed>,
    /// Say who owns a sign-off role, and import checklists.
    pub manage: Vec<Allowed>,
}

/// A text that is no [`Allowed`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAllowedError {
    /// Not one of the words.
    #[error("no rule is called that")]
    Word,
    /// The part after the colon is not a Discord id.
    #[error("after the colon the id must stand, a whole number above zero")]
    Id,
}

const EXPECTED: &str =
    "\"everyone\", \"starter\", \"sign-off\", \"manage-server\", \"role:<id>\" or \"user:<id>\"";

impl Permissions {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, Noted> {
        let start = reader.parsed_list("permissions.start", EXPECTED);
        let tick = reader.parsed_list("permissions.tick", EXPECTED);
        let skip = reader.parsed_list("permissions.skip", EXPECTED);
        let decide = reader.parsed_list("permissions.decide", EXPECTED);
        let manage = reader.parsed_list("permissions.manage", EXPECTED);
        Ok(Self {
            start: start?,
            tick: tick?,
            skip: skip?,
            decide: decide?,
            manage: manage?,
        })
    }

    /// The rules of the servers that have their own, completed from these.
    pub(super) fn read_guilds(&self, reader: &mut Reader) -> Result<BTreeMap<u64, Self>, Noted> {
        let mut guilds = BTreeMap::new();
        let mut sound = true;
        for (name, origin) in reader.names_under("guilds") {
            let Some(guild) = discord_id(&name) else {
                reader.set_aside(&format!("guilds.{name}"));
                reader.refuse(not_a_guild(&name, origin));
                sound = false;
                continue;
            };
            match self.read_guild(reader, &name) {
                Ok(permissions) => {
                    guilds.insert(guild, permissions);
                }
                Err(Noted) => sound = false,
            }
        }
        if sound { Ok(guilds) } else { Err(Noted) }
    }

    fn read_guild(&self, reader: &mut Reader, name: &str) -> Result<Self, Noted> {
        let mut list = |rule: &str, otherwise: &[Allowed]| {
            let own = reader.optional_list(&format!("guilds.{name}.permissions.{rule}"), EXPECTED)?;
            Ok(own.unwrap_or_else(|| otherwise.to_vec()))
        };
        let start = list("start", &self.start);
        let tick = list("tick", &self.tick);
        let skip = list("skip", &self.skip);
        let decide = list("decide", &self.decide);
        let manage = list("manage", &self.manage);
        Ok(Self {
            start: start?,
            tick: tick?,
            skip: skip?,
            decide: decide?,
            manage: manage?,
        })
    }
}

impl FromStr for Allowed {
    type Err = ParseAllowedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "everyone" => Ok(Self::Everyone),
            "starter" => Ok(Self::Starter),
            "sign-off" => Ok(Self::SignOffHolder),
            "manage-server" => Ok(Self::ManageServer),
            other => match other.split_once(':') {
                Some(("role", id)) => discord_id(id).map(Self::Role).ok_or(ParseAllowedError::Id),
                Some(("user", id)) => discord_id(id).map(Self::User).ok_or(ParseAllowedError::Id),
                Some(_) | None => Err(ParseAllowedError::Word),
            },
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => formatter.write_str("everyone"),
            Self::Starter => formatter.write_str("starter"),
            Self::SignOffHolder => formatter.write_str("sign-off"),
            Self::ManageServer => formatter.write_str("manage-server"),
            Self::Role(id) => write!(formatter, "role:{id}"),
            Self::User(id) => write!(formatter, "user:{id}"),
        }
    }
}

/// Discord's ids are whole numbers of 64 bits, and none of them is zero.
fn discord_id(text: &str) -> Option<u64> {
    let digits = text.chars().all(|letter| letter.is_ascii_digit());
    text.parse().ok().filter(|id| digits && *id != 0)
}

fn not_a_guild(name: &str, origin: Origin) -> Problem {
    Problem::WrongValue {
        key: "guilds".to_owned(),
        found: format!("a section with {name:?} in it"),
        expected: "the id of a Discord server, a whole number above zero, as each name in it".to_owned(),
        origin,
    }
}
