//! Messages in Discord's JSON: how they are kept, and how they look to the bot, the gateway and the page.

use serde_json::{Value, json};

use super::World;
use super::message::{InteractionSource, Message};
use crate::clock::iso;

impl World {
    /// A message as the bot sees it.
    pub(crate) fn message_json(&self, message: &Message) -> Value {
        let mut json = self.message_json_alone(message);
        if let Some(reply_to) = message.reply_to {
            json["referenced_message"] = self
                .message(message.channel, reply_to)
                .map_or(Value::Null, |referenced| self.message_json_alone(referenced));
        }
        json
    }

    fn message_json_alone(&self, message: &Message) -> Value {
        let mut json = json!({
            "id": message.id,
            "channel_id": message.channel,
            "type": message.kind as u8,
            "author": self.user_json(message.author),
            "content": message.content,
            "timestamp": iso(message.posted_ms),
            "edited_timestamp": message.edited_ms.map(iso),
            "tts": false,
            "mention_everyone": message.mentions.everyone,
            "mentions": message.mentions.users.iter().map(|&user| self.user_json(user)).collect::<Vec<_>>(),
            "mention_roles": message.mentions.roles,
            "mention_channels": [],
            "attachments": message.attachments,
            "embeds": message.embeds,
            "components": message.components,
            "pinned": message.pinned_ms.is_some(),
            "flags": message.flags,
        });
        if !message.reactions.is_empty() {
            json["reactions"] = message
                .reactions
                .iter()
                .map(|reaction| reaction.json(self.bot))
                .collect();
        }
        if let Some(nonce) = &message.nonce {
            json["nonce"] = nonce.clone();
        }
        if let Some(reply_to) = message.reply_to {
            json["message_reference"] = json!({
                "type": 0,
                "message_id": reply_to,
                "channel_id": message.channel,
                "guild_id": self.channels.get(&message.channel).and_then(|channel| channel.guild),
            });
        }
        if let Some(source) = &message.source {
            self.add_source(&mut json, source);
        }
        if let Some(thread) = message.thread {
            json["thread"] = self.channel_json(thread);
        }
        json
    }

    fn add_source(&self, json: &mut Value, source: &InteractionSource) {
        let user = self.user_json(source.user);
        json["webhook_id"] = json!(self.application);
        json["application_id"] = json!(self.application);
        let mut metadata = json!({
            "id": source.interaction,
            "type": source.kind,
            "user": user,
            "authorizing_integration_owners": { "0": "0" },
        });
        if let Some(command) = &source.command {
            metadata["name"] = json!(command);
            json["interaction"] = json!({
                "id": source.interaction,
                "type": source.kind,
                "name": command,
                "user": user,
            });
        }
        if let Some(message) = source.component_message {
            metadata["interacted_message_id"] = json!(message);
        }
        json["interaction_metadata"] = metadata;
    }

    /// A message as the page shows it: with everyone who reacted.
    pub(crate) fn page_message_json(&self, message: &Message) -> Value {
        let mut json = self.message_json(message);
        json["reactions"] = message
            .reactions
            .iter()
            .map(|reaction| {
                let mut shown = reaction.json(self.bot);
                shown["users"] = json!(reaction.users);
                shown["burst_users"] = json!(reaction.burst_users);
                shown
            })
            .collect();
        json
    }

    /// A message as a gateway event carries it: with its guild and its author's membership.
    pub(crate) fn message_event_json(&self, message: &Message) -> Value {
        let mut json = self.message_json(message);
        let guild = self
            .channels
            .get(&message.channel)
            .and_then(|channel| channel.guild);
        if let Some(guild) = guild {
            json["guild_id"] = json!(guild);
            let member = self
                .guilds
                .get(&guild)
                .and_then(|guild| guild.members.get(&message.author));
            if let Some(member) = member {
                json["member"] = member.json();
            }
        }
        json
    }
}

/// Embeds as Discord gives them back: of type `rich`, with `attachment://` resolved.
pub(super) fn stored_embeds(embeds: &Value, attachments: &[Value]) -> Vec<Value> {
    let mut embeds = embeds.as_array().cloned().unwrap_or_default();
    for embed in &mut embeds {
        embed["type"] = json!("rich");
        for part in ["image", "thumbnail"] {
            let Some(name) = embed[part]["url"]
                .as_str()
                .and_then(|url| url.strip_prefix("attachment://"))
            else {
                continue;
            };
            if let Some(file) = attachments.iter().find(|file| file["filename"] == name) {
                embed[part]["url"] = file["url"].clone();
            }
        }
        if let Some(fields) = embed["fields"].as_array_mut() {
            for field in fields {
                if field.get("inline").is_none() {
                    field["inline"] = json!(false);
                }
            }
        } else if let Some(object) = embed.as_object_mut() {
            object.remove("fields");
        }
        if let Some(object) = embed.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
    }
    embeds
}

/// Components as Discord gives them back: each numbered, in order.
pub(crate) fn stored_components(components: &Value) -> Vec<Value> {
    let mut components = components.as_array().cloned().unwrap_or_default();
    let mut next = 1;
    for component in &mut components {
        number(component, &mut next);
    }
    components
}

fn number(component: &mut Value, next: &mut u64) {
    let Some(object) = component.as_object_mut() else {
        return;
    };
    object.retain(|_, value| !value.is_null());
    if !object.contains_key("id") {
        object.insert("id".to_owned(), json!(*next));
    }
    *next += 1;
    if let Some(children) = object.get_mut("components").and_then(Value::as_array_mut) {
        for child in children {
            number(child, next);
        }
    }
    if let Some(child) = object.get_mut("component") {
        number(child, next);
    }
}
