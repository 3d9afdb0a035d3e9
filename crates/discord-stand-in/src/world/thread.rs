//! Threads: starting, joining, renaming, archiving.

use serde_json::{Value, json};

use super::World;
use super::channel::{Channel, ChannelKind};
use super::message::HAS_THREAD;
use crate::gateway::session::GUILDS;
use crate::permissions::{MANAGE_CHANNELS, MANAGE_THREADS};
use crate::rest::error::ApiError;
use crate::snowflake::Snowflake;

impl World {
    /// Starts a thread in a text channel, from one of its messages when one is named.
    pub(crate) fn start_thread(
        &mut self,
        parent: Snowflake,
        from_message: Option<Snowflake>,
        kind: ChannelKind,
        owner: Snowflake,
        body: &Value,
    ) -> Result<Snowflake, ApiError> {
        let found = self.channels.get(&parent).ok_or_else(ApiError::unknown_channel)?;
        if found.kind != ChannelKind::Text {
            return Err(ApiError::wrong_channel_type());
        }
        let guild = found.guild;
        // A thread started from a message has that message's id.
        let id = match from_message {
            Some(message) => {
                let message = self
                    .message(parent, message)
                    .filter(|message| !message.is_ephemeral())
                    .ok_or_else(ApiError::unknown_message)?;
                if message.thread.is_some() {
                    return Err(ApiError::thread_already_created());
                }
                message.id
            }
            None => self.new_id(),
        };
        let name = body["name"].as_str().unwrap_or_default();
        let mut thread = Channel::new(id, kind, name);
        thread.guild = guild;
        thread.parent = Some(parent);
        thread.owner = Some(owner);
        thread.archive_changed_ms = self.clock.now_ms();
        if let Some(minutes) = body["auto_archive_duration"].as_u64() {
            thread.auto_archive_minutes = minutes;
        }
        thread.thread_members.insert(owner);
        self.channels.insert(id, thread);
        let json = self.channel_json(id);
        let mut event = json.clone();
        event["newly_created"] = json!(true);
        self.dispatch_to_guild(guild, GUILDS, "THREAD_CREATE", &event);
        self.tell_page("channel_create", json!({ "channel": json }));
        if from_message.is_some() {
            if let Some(message) = self.message_mut(parent, id) {
                message.thread = Some(id);
                message.flags |= HAS_THREAD;
            }
            self.announce(parent, id, "MESSAGE_UPDATE", "message_update");
        }
        Ok(id)
    }

    /// Makes a user a member of a thread; it is no news when they are one.
    pub(crate) fn join_thread(&mut self, thread: Snowflake, user: Snowflake) {
        let Some(channel) = self.channels.get_mut(&thread) else {
            return;
        };
        if !channel.thread_members.insert(user) {
            return;
        }
        let guild = channel.guild;
        let members = channel.thread_members.len();
        let data = json!({
            "id": thread,
            "guild_id": guild,
            "member_count": members,
            "added_members": [{
                "id": thread,
                "user_id": user,
                "join_timestamp": self.now_iso(),
                "flags": 0,
                "member": guild.map(|guild| self.member_json(guild, user)),
                "presence": null,
            }],
        });
        self.dispatch_to_guild(guild, GUILDS, "THREAD_MEMBERS_UPDATE", &data);
    }

    /// Takes a user out of a thread.
    pub(crate) fn leave_thread(&mut self, thread: Snowflake, user: Snowflake) {
        let Some(channel) = self.channels.get_mut(&thread) else {
            return;
        };
        if !channel.thread_members.remove(&user) {
            return;
        }
        let guild = channel.guild;
        let data = json!({
            "id": thread,
            "guild_id": guild,
            "member_count": channel.thread_members.len(),
            "removed_member_ids": [user],
        });
        self.dispatch_to_guild(guild, GUILDS, "THREAD_MEMBERS_UPDATE", &data);
    }

    /// Changes a channel or thread as a PATCH body by the bot says.
    pub(crate) fn change_channel(&mut self, id: Snowflake, body: &Value) -> Result<(), ApiError> {
        let bot = self.bot;
        let channel = self.bot_channel(id)?;
        if channel.kind == ChannelKind::Direct {
            return Err(ApiError::wrong_channel_type());
        }
        let is_thread = channel.kind.is_thread();
        let own = is_thread && channel.owner == Some(bot);
        let unarchives_only = is_thread
            && body["archived"] == false
            && !channel.locked
            && body.as_object().is_some_and(|object| object.len() == 1);
        if !own && !unarchives_only {
            let needed = if is_thread {
                MANAGE_THREADS
            } else {
                MANAGE_CHANNELS
            };
            self.bot_needs(id, needed)?;
        }
        let now = self.clock.now_ms();
        let Some(channel) = self.channels.get_mut(&id) else {
            return Err(ApiError::unknown_channel());
        };
        if channel.archived && body["archived"] != false {
            return Err(ApiError::thread_archived());
        }
        if let Some(name) = body["name"].as_str() {
            name.clone_into(&mut channel.name);
        }
        if let Some(topic) = body.get("topic") {
            channel.topic = topic.as_str().map(str::to_owned);
        }
        if let Some(minutes) = body["auto_archive_duration"].as_u64() {
            channel.auto_archive_minutes = minutes;
        }
        if let Some(locked) = body["locked"].as_bool() {
            channel.locked = locked;
        }
        if let Some(archived) = body["archived"].as_bool()
            && archived != channel.archived
        {
            channel.archived = archived;
            channel.archive_changed_ms = now;
        }
        self.channel_changed(id);
        Ok(())
    }

    /// Deletes a channel with everything in it.
    pub(crate) fn remove_channel(&mut self, id: Snowflake) -> Result<Value, ApiError> {
        let json = self.channel_json(id);
        let channel = self.channels.remove(&id).ok_or_else(ApiError::unknown_channel)?;
        self.messages.remove(&id);
        let event = if channel.kind.is_thread() {
            "THREAD_DELETE"
        } else {
            "CHANNEL_DELETE"
        };
        self.dispatch_to_guild(channel.guild, GUILDS, event, &json);
        let orphans: Vec<Snowflake> = self
            .channels
            .values()
            .filter(|thread| thread.parent == Some(id))
            .map(|thread| thread.id)
            .collect();
        for orphan in orphans {
            self.remove_channel(orphan)?;
        }
        // The page lists channels from its state; this tells it to fetch that again.
        self.tell_page("members", json!({}));
        Ok(json)
    }

    pub(crate) fn refuse_when_archived(&self, channel: Snowflake) -> Result<(), ApiError> {
        match self.channels.get(&channel) {
            Some(channel) if channel.archived => Err(ApiError::thread_archived()),
            Some(_) => Ok(()),
            None => Err(ApiError::unknown_channel()),
        }
    }
}
