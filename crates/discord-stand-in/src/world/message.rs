//! Messages: posting, editing, deleting, pinning, and how each looks to whom.

use serde_json::{Value, json};

use super::World;
use super::mentions::Mentions;
use super::reaction::Reaction;
use super::shown::{stored_components, stored_embeds};
use crate::clock::iso;
use crate::gateway::session::GUILDS;
use crate::rest::error::ApiError;
use crate::snowflake::Snowflake;

/// Only the person who used the command sees it.
pub(crate) const EPHEMERAL: u64 = 1 << 6;
/// "The application is thinking…".
pub(crate) const LOADING: u64 = 1 << 7;
/// A thread was started from it.
pub(crate) const HAS_THREAD: u64 = 1 << 5;
/// The flags that an application may set: `SUPPRESS_EMBEDS` and `SUPPRESS_NOTIFICATIONS`.
const SETTABLE_FLAGS: u64 = 1 << 2 | 1 << 12;
/// How many messages a channel can have pinned.
const MAX_PINS: usize = 250;

/// The kinds of message that the stand-in posts, by Discord's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Default = 0,
    Reply = 19,
    CommandResponse = 20,
}

/// The interaction that a message answers.
#[derive(Clone, Debug)]
pub(crate) struct InteractionSource {
    pub(crate) interaction: Snowflake,
    pub(crate) kind: u8,
    pub(crate) user: Snowflake,
    /// The whole command as it was typed, such as `deploy tick`; none for a component or a modal.
    pub(crate) command: Option<String>,
    /// The message whose component was used.
    pub(crate) component_message: Option<Snowflake>,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Snowflake,
    pub(crate) channel: Snowflake,
    pub(crate) kind: MessageKind,
    pub(crate) author: Snowflake,
    pub(crate) content: String,
    pub(crate) posted_ms: i64,
    pub(crate) edited_ms: Option<i64>,
    pub(crate) mentions: Mentions,
    /// Who was pinged when it was posted; an edit pings nobody.
    pub(crate) pings: Mentions,
    pub(crate) attachments: Vec<Value>,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) nonce: Option<Value>,
    pub(crate) pinned_ms: Option<i64>,
    pub(crate) flags: u64,
    pub(crate) reply_to: Option<Snowflake>,
    pub(crate) source: Option<InteractionSource>,
    pub(crate) thread: Option<Snowflake>,
}

/// A message about to be posted.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) channel: Snowflake,
    pub(crate) author: Snowflake,
    pub(crate) kind: MessageKind,
    /// Discord's message body, already found valid.
    pub(crate) body: Value,
    /// The files that came with it, stored and described.
    pub(crate) attachments: Vec<Value>,
    /// The flags that the stand-in sets itself.
    pub(crate) flags: u64,
    pub(crate) reply_to: Option<Snowflake>,
    pub(crate) source: Option<InteractionSource>,
}

impl Message {
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.flags & EPHEMERAL != 0
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.flags & LOADING != 0
    }

    /// Whether this person sees it in the channel.
    pub(crate) fn visible_to(&self, viewer: Snowflake) -> bool {
        !self.is_ephemeral() || self.source.as_ref().is_some_and(|source| source.user == viewer)
    }

    /// The only person who sees it, when it is ephemeral.
    fn audience(&self) -> Option<Snowflake> {
        self.source
            .as_ref()
            .filter(|_| self.is_ephemeral())
            .map(|source| source.user)
    }

    /// The component with this `custom_id`.
    pub(crate) fn component(&self, custom_id: &str) -> Option<&Value> {
        self.components
            .iter()
            .filter_map(|row| row["components"].as_array())
            .flatten()
            .find(|component| component["custom_id"] == custom_id)
    }
}

impl World {
    pub(crate) fn message(&self, channel: Snowflake, id: Snowflake) -> Option<&Message> {
        self.messages.get(&channel)?.get(&id)
    }

    pub(crate) fn message_mut(&mut self, channel: Snowflake, id: Snowflake) -> Option<&mut Message> {
        self.messages.get_mut(&channel)?.get_mut(&id)
    }

    /// A message that the bot can read by its id; an ephemeral one is unknown to the channel's routes.
    pub(crate) fn bot_message(&self, channel: Snowflake, id: Snowflake) -> Result<&Message, ApiError> {
        self.bot_channel(channel)?;
        self.message(channel, id)
            .filter(|message| !message.is_ephemeral())
            .ok_or_else(ApiError::unknown_message)
    }

    /// Posts a message and tells everyone who may see it.
    pub(crate) fn post(&mut self, draft: Draft) -> Snowflake {
        let id = self.new_id();
        let content = draft.body["content"].as_str().unwrap_or_default().to_owned();
        let replied_author = draft
            .reply_to
            .filter(|_| draft.kind == MessageKind::Reply && draft.source.is_none())
            .and_then(|reply_to| self.message(draft.channel, reply_to))
            .map(|message| message.author);
        let mentions = self.mentions(
            draft.channel,
            draft.author,
            &content,
            &draft.body["allowed_mentions"],
            replied_author,
        );
        let asked_flags = draft.body["flags"].as_u64().unwrap_or_default() & SETTABLE_FLAGS;
        let nonce = &draft.body["nonce"];
        let message = Message {
            id,
            channel: draft.channel,
            kind: draft.kind,
            author: draft.author,
            content,
            posted_ms: self.clock.now_ms(),
            edited_ms: None,
            pings: mentions.clone(),
            mentions,
            embeds: stored_embeds(&draft.body["embeds"], &draft.attachments),
            components: stored_components(&draft.body["components"]),
            attachments: draft.attachments,
            reactions: Vec::new(),
            nonce: (!nonce.is_null()).then(|| nonce.clone()),
            pinned_ms: None,
            flags: draft.flags | asked_flags,
            reply_to: draft.reply_to,
            source: draft.source,
            thread: None,
        };
        let ephemeral = message.is_ephemeral();
        self.messages
            .entry(draft.channel)
            .or_default()
            .insert(id, message);
        if let Some(channel) = self.channels.get_mut(&draft.channel)
            && !ephemeral
        {
            channel.last_message = Some(id);
            channel.message_count += 1;
            let revived = channel.kind.is_thread() && channel.archived && !channel.locked;
            if revived {
                channel.archived = false;
                channel.archive_changed_ms = self.clock.now_ms();
                self.channel_changed(draft.channel);
            }
        }
        if self
            .channels
            .get(&draft.channel)
            .is_some_and(|channel| channel.kind.is_thread())
        {
            self.join_thread(draft.channel, draft.author);
        }
        self.announce(draft.channel, id, "MESSAGE_CREATE", "message_create");
        id
    }

    /// Changes a message as a PATCH body says: what it does not name stays.
    pub(crate) fn edit(
        &mut self,
        channel: Snowflake,
        id: Snowflake,
        body: &Value,
        new_attachments: Option<Vec<Value>>,
    ) -> Result<(), ApiError> {
        let now = self.clock.now_ms();
        let message = self.message(channel, id).ok_or_else(ApiError::unknown_message)?;
        let author = message.author;
        let content = match &body["content"] {
            Value::String(content) => content.clone(),
            Value::Null if body.get("content").is_some() => String::new(),
            _ => message.content.clone(),
        };
        let mentions = if body.get("content").is_some() || body.get("allowed_mentions").is_some() {
            self.mentions(channel, author, &content, &body["allowed_mentions"], None)
        } else {
            message.mentions.clone()
        };
        let message = self
            .message_mut(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        message.content = content;
        message.mentions = mentions;
        if let Some(attachments) = new_attachments {
            message.attachments = attachments;
        }
        if body.get("embeds").is_some() {
            message.embeds = stored_embeds(&body["embeds"], &message.attachments);
        }
        if body.get("components").is_some() {
            message.components = stored_components(&body["components"]);
        }
        if let Some(flags) = body["flags"].as_u64() {
            message.flags = message.flags & !SETTABLE_FLAGS | flags & SETTABLE_FLAGS;
        }
        if message.is_loading() {
            message.flags &= !LOADING;
        }
        message.edited_ms = Some(now);
        self.announce(channel, id, "MESSAGE_UPDATE", "message_update");
        Ok(())
    }

    pub(crate) fn delete(&mut self, channel: Snowflake, id: Snowflake) -> Result<(), ApiError> {
        let message = self
            .messages
            .get_mut(&channel)
            .and_then(|messages| messages.remove(&id))
            .ok_or_else(ApiError::unknown_message)?;
        if !message.is_ephemeral() {
            let guild = self.channels.get(&channel).and_then(|found| found.guild);
            let mut data = json!({ "id": id, "channel_id": channel });
            if let Some(guild) = guild {
                data["guild_id"] = json!(guild);
            }
            self.dispatch_message_event(guild, "MESSAGE_DELETE", &data, None);
        }
        self.tell_page_of(
            "message_delete",
            json!({ "channel_id": channel, "id": id }),
            message.audience(),
        );
        Ok(())
    }

    /// Pins or unpins a message; doing either twice changes nothing.
    pub(crate) fn set_pinned(
        &mut self,
        channel: Snowflake,
        id: Snowflake,
        pinned: Pinned,
    ) -> Result<(), ApiError> {
        let count = self.pins(channel).len();
        let now = self.clock.now_ms();
        let message = self
            .message_mut(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        match (pinned, message.pinned_ms) {
            (Pinned::Yes, Some(_)) | (Pinned::No, None) => return Ok(()),
            (Pinned::Yes, None) if count >= MAX_PINS => return Err(ApiError::too_many_pins()),
            (Pinned::Yes, None) => message.pinned_ms = Some(now),
            (Pinned::No, Some(_)) => message.pinned_ms = None,
        }
        let last = self.pins(channel).first().and_then(|pin| pin.pinned_ms);
        let Some(found) = self.channels.get_mut(&channel) else {
            return Err(ApiError::unknown_channel());
        };
        found.last_pin_ms = last;
        let guild = found.guild;
        let data = json!({
            "guild_id": guild,
            "channel_id": channel,
            "last_pin_timestamp": last.map(iso),
        });
        self.dispatch_to_guild(guild, GUILDS, "CHANNEL_PINS_UPDATE", &data);
        self.announce(channel, id, "MESSAGE_UPDATE", "message_update");
        Ok(())
    }

    /// A channel's pinned messages, the last pinned first.
    pub(crate) fn pins(&self, channel: Snowflake) -> Vec<&Message> {
        let mut pins: Vec<&Message> = self
            .messages
            .get(&channel)
            .into_iter()
            .flat_map(|messages| messages.values())
            .filter(|message| message.pinned_ms.is_some())
            .collect();
        pins.sort_by_key(|message| std::cmp::Reverse((message.pinned_ms, message.id)));
        pins
    }

    /// Tells the gateway (unless it is ephemeral) and the page of a message's state.
    pub(crate) fn announce(
        &mut self,
        channel: Snowflake,
        id: Snowflake,
        event: &'static str,
        page_event: &'static str,
    ) {
        let Some(message) = self.message(channel, id) else {
            return;
        };
        let audience = message.audience();
        let shown = json!({ "message": self.page_message_json(message) });
        if !message.is_ephemeral() {
            let guild = self.channels.get(&channel).and_then(|found| found.guild);
            let data = self.message_event_json(message);
            let open = message.author == self.bot || message.mentions.users.contains(&self.bot);
            self.dispatch_message_event(guild, event, &data, (!open).then_some(id));
        }
        self.tell_page_of(page_event, shown, audience);
    }
}

/// Whether a message shall be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pinned {
    Yes,
    No,
}
