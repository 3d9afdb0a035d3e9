//! What exists: guilds, people, channels, messages, commands and interactions, with the sessions that hear of them.
//!
//! Everything here is synchronous and works under one lock, so every change and the events it causes are one step.

pub(crate) mod channel;
mod checks;
pub(crate) mod command;
pub(crate) mod given;
pub(crate) mod guild;
pub(crate) mod interaction;
pub(crate) mod invoke;
pub(crate) mod mentions;
pub(crate) mod message;
pub(crate) mod reaction;
mod seed;
mod shown;
pub(crate) mod thread;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::clock::{Clock, iso};
use crate::gateway::session::Sessions;
use crate::options::Options;
use crate::rest::error::ApiError;
use crate::snowflake::Snowflake;
use channel::Channel;
use command::Command;
use given::Given;
use guild::{Guild, User};
use interaction::Interaction;
use message::Message;

pub(crate) use seed::new_world;

/// Something the page hears of.
#[derive(Clone, Debug)]
pub(crate) struct PageEvent {
    pub(crate) name: &'static str,
    pub(crate) data: Value,
    /// The one person who may hear of it, or everyone.
    pub(crate) only_for: Option<Snowflake>,
}

/// A file that came with a message or a command.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: axum::body::Bytes,
}

/// All state.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<Clock>,
    pub(crate) options: Arc<Options>,
    /// `http://127.0.0.1:port`.
    pub(crate) base: String,
    pub(crate) application: Snowflake,
    pub(crate) bot: Snowflake,
    pub(crate) users: BTreeMap<Snowflake, User>,
    pub(crate) guilds: BTreeMap<Snowflake, Guild>,
    pub(crate) channels: BTreeMap<Snowflake, Channel>,
    pub(crate) messages: HashMap<Snowflake, BTreeMap<Snowflake, Message>>,
    pub(crate) commands: BTreeMap<Snowflake, Command>,
    pub(crate) interactions: BTreeMap<Snowflake, Interaction>,
    pub(crate) tokens: HashMap<String, Snowflake>,
    /// The files of messages.
    pub(crate) files: HashMap<Snowflake, StoredFile>,
    /// The files that people gave to commands.
    pub(crate) given: HashMap<Snowflake, Given>,
    pub(crate) nonces: HashMap<(Snowflake, String), (Snowflake, Instant)>,
    pub(crate) gateway: Sessions,
    pub(crate) page: broadcast::Sender<PageEvent>,
    last_id: u64,
    /// The time that new ids are made from while the world is built; afterwards it is the clock's.
    founding_ms: Option<i64>,
}

impl World {
    /// A new id, later than every one before it even if the clock stood still or was set back.
    pub(crate) fn new_id(&mut self) -> Snowflake {
        let born_ms = self.founding_ms.unwrap_or_else(|| self.clock.now_ms());
        let now = Snowflake::at(born_ms).get();
        self.last_id = now.max(self.last_id + 1);
        Snowflake::new(self.last_id)
    }

    pub(crate) fn now_iso(&self) -> String {
        iso(self.clock.now_ms())
    }

    pub(crate) fn tell_page(&self, name: &'static str, data: Value) {
        self.tell_page_of(name, data, None);
    }

    pub(crate) fn tell_page_of(&self, name: &'static str, data: Value, only_for: Option<Snowflake>) {
        // Nobody listening is no error: the page may be closed.
        drop(self.page.send(PageEvent { name, data, only_for }));
    }

    /// A channel that the bot may see.
    pub(crate) fn bot_channel(&self, id: Snowflake) -> Result<&Channel, ApiError> {
        let channel = self.channels.get(&id).ok_or_else(ApiError::unknown_channel)?;
        match channel.guild {
            Some(guild) if !self.bot_is_in(guild) => Err(ApiError::missing_access()),
            Some(_) if self.bot_permissions(channel) & crate::permissions::VIEW_CHANNEL == 0 => {
                Err(ApiError::missing_access())
            }
            Some(_) | None => Ok(channel),
        }
    }

    /// Refuses unless the bot has every one of the permission bits in the channel.
    pub(crate) fn bot_needs(&self, channel: Snowflake, bits: u64) -> Result<(), ApiError> {
        let channel = self.bot_channel(channel)?;
        if self.bot_permissions(channel) & bits == bits {
            Ok(())
        } else {
            Err(ApiError::missing_permissions())
        }
    }

    pub(crate) fn bot_guild(&self, id: Snowflake) -> Result<&Guild, ApiError> {
        let guild = self.guilds.get(&id).ok_or_else(ApiError::unknown_guild)?;
        if self.bot_is_in(id) {
            Ok(guild)
        } else {
            Err(ApiError::missing_access())
        }
    }

    pub(crate) fn bot_is_in(&self, guild: Snowflake) -> bool {
        self.guilds
            .get(&guild)
            .is_some_and(|guild| guild.members.contains_key(&self.bot))
    }

    fn bot_permissions(&self, channel: &Channel) -> u64 {
        self.permissions_in(channel, self.bot)
    }

    /// What a user may do in a channel; in a direct message, everything that matters there.
    pub(crate) fn permissions_in(&self, channel: &Channel, user: Snowflake) -> u64 {
        match channel.guild.and_then(|guild| self.guilds.get(&guild)) {
            Some(guild) => guild.permissions_of(user),
            None => crate::permissions::USUAL_FOR_A_BOT,
        }
    }

    pub(crate) fn user_json(&self, id: Snowflake) -> Value {
        self.users.get(&id).map_or_else(
            || json!({ "id": id, "username": "deleted", "discriminator": "0000", "global_name": null, "avatar": null }),
            User::json,
        )
    }

    /// A member with their user, or null when they are not in the guild.
    pub(crate) fn member_json(&self, guild: Snowflake, user: Snowflake) -> Value {
        let Some(member) = self.guilds.get(&guild).and_then(|guild| guild.members.get(&user)) else {
            return Value::Null;
        };
        let mut json = member.json();
        json["user"] = self.user_json(user);
        json
    }
}
