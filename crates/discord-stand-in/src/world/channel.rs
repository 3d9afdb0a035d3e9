//! Channels: text channels, threads and direct messages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::World;
use crate::clock::iso;
use crate::snowflake::Snowflake;

/// The kinds of channel that the stand-in has, by Discord's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelKind {
    Text = 0,
    Direct = 1,
    PublicThread = 11,
    PrivateThread = 12,
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: Snowflake,
    pub(crate) kind: ChannelKind,
    pub(crate) guild: Option<Snowflake>,
    pub(crate) name: String,
    pub(crate) topic: Option<String>,
    pub(crate) parent: Option<Snowflake>,
    pub(crate) position: u32,
    pub(crate) owner: Option<Snowflake>,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    pub(crate) auto_archive_minutes: u64,
    pub(crate) archive_changed_ms: i64,
    pub(crate) thread_members: BTreeSet<Snowflake>,
    pub(crate) recipient: Option<Snowflake>,
    pub(crate) last_message: Option<Snowflake>,
    pub(crate) message_count: u64,
    pub(crate) last_pin_ms: Option<i64>,
}

impl ChannelKind {
    pub(crate) const fn is_thread(self) -> bool {
        matches!(self, Self::PublicThread | Self::PrivateThread)
    }
}

impl Channel {
    pub(crate) fn new(id: Snowflake, kind: ChannelKind, name: &str) -> Self {
        Self {
            id,
            kind,
            guild: None,
            name: name.to_owned(),
            topic: None,
            parent: None,
            position: 0,
            owner: None,
            archived: false,
            locked: false,
            auto_archive_minutes: 1440,
            archive_changed_ms: id.timestamp_ms(),
            thread_members: BTreeSet::new(),
            recipient: None,
            last_message: None,
            message_count: 0,
            last_pin_ms: None,
        }
    }

    /// The channel as `viewer` sees it: a thread tells whether they joined it.
    pub(crate) fn json(&self, viewer: Snowflake) -> Value {
        let mut json = json!({
            "id": self.id,
            "type": self.kind as u8,
            "last_message_id": self.last_message,
            "last_pin_timestamp": self.last_pin_ms.map(iso),
            "flags": 0,
        });
        if let Some(guild) = self.guild {
            json["guild_id"] = json!(guild);
            json["name"] = json!(self.name);
            json["parent_id"] = json!(self.parent);
            json["rate_limit_per_user"] = json!(0);
        }
        match self.kind {
            ChannelKind::Text => {
                json["topic"] = json!(self.topic);
                json["position"] = json!(self.position);
                json["permission_overwrites"] = json!([]);
                json["nsfw"] = json!(false);
                json["default_auto_archive_duration"] = json!(1440);
                json["default_thread_rate_limit_per_user"] = json!(0);
            }
            ChannelKind::PublicThread | ChannelKind::PrivateThread => {
                json["owner_id"] = json!(self.owner);
                json["message_count"] = json!(self.message_count);
                json["total_message_sent"] = json!(self.message_count);
                json["member_count"] = json!(self.thread_members.len().min(50));
                json["member_ids_preview"] = json!(self.thread_members.iter().take(5).collect::<Vec<_>>());
                json["thread_metadata"] = json!({
                    "archived": self.archived,
                    "auto_archive_duration": self.auto_archive_minutes,
                    "archive_timestamp": iso(self.archive_changed_ms),
                    "create_timestamp": iso(self.id.timestamp_ms()),
                    "locked": self.locked,
                });
                if self.thread_members.contains(&viewer) {
                    json["member"] = json!({
                        "id": self.id,
                        "user_id": viewer,
                        "join_timestamp": iso(self.id.timestamp_ms()),
                        "flags": 1,
                        "muted": false,
                        "mute_config": null,
                    });
                }
            }
            ChannelKind::Direct => {}
        }
        json
    }
}

impl World {
    /// A channel's JSON as the bot sees it; a direct message names its recipient.
    pub(crate) fn channel_json(&self, id: Snowflake) -> Value {
        let Some(channel) = self.channels.get(&id) else {
            return Value::Null;
        };
        let mut json = channel.json(self.bot);
        if let Some(recipient) = channel.recipient {
            json["recipients"] = json!([self.user_json(recipient)]);
        }
        json
    }

    /// Sends a channel's new state to the gateway and to the page.
    pub(crate) fn channel_changed(&mut self, id: Snowflake) {
        let json = self.channel_json(id);
        let Some(channel) = self.channels.get(&id) else {
            return;
        };
        let (guild, is_thread) = (channel.guild, channel.kind.is_thread());
        let event = if is_thread {
            "THREAD_UPDATE"
        } else {
            "CHANNEL_UPDATE"
        };
        self.dispatch_to_guild(guild, crate::gateway::session::GUILDS, event, &json);
        self.tell_page("channel_update", json!({ "channel": json }));
    }

    /// The direct-message channel with a person, made when it is asked for first.
    pub(crate) fn direct_channel(&mut self, person: Snowflake) -> Snowflake {
        let known = self
            .channels
            .values()
            .find(|channel| channel.recipient == Some(person))
            .map(|channel| channel.id);
        if let Some(id) = known {
            return id;
        }
        let id = self.new_id();
        let mut channel = Channel::new(id, ChannelKind::Direct, "");
        channel.recipient = Some(person);
        self.channels.insert(id, channel);
        self.tell_page_of("members", json!({}), Some(person));
        id
    }
}
