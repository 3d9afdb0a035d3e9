//! What people do that the application hears of as an interaction.
//!
//! Everything a Discord client would not let through is refused here with a sentence.

use serde_json::{Map, Value, json};

use super::World;
use super::checks::{called, check_choice, check_value, filled_modal, find_option, selected_type, text};
use super::given::{ATTACHMENT, MAX_FILE_BYTES, check_file};
use super::interaction::{Interaction, InteractionKind, State};
use super::message::{Draft, MessageKind};
use super::reaction::{Emoji, ReactionKind};
use crate::clock::instant;
use crate::permissions::{ADMINISTRATOR, MANAGE_MESSAGES, USE_APPLICATION_COMMANDS};
use crate::rest::body::Upload;
use crate::rest::error::ApiError;
use crate::snowflake::Snowflake;
use crate::validate::length;

/// Why Discord's client would not let a person do this, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub(crate) String);

impl Refusal {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Whether a command is being sent, or a value of it is being looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Send,
    Complete,
}

/// What a person does with a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reacting {
    Adds,
    AddsSuper,
    TakesAway,
}

/// The users, members, roles, channels and files that an interaction's values name.
#[derive(Debug, Default)]
pub(super) struct Resolved(Map<String, Value>);

impl Resolved {
    pub(super) fn add(&mut self, kind: &str, id: Snowflake, value: Value) {
        let group = self.0.entry(kind).or_insert_with(|| json!({}));
        group[id.to_string()] = value;
    }
}

impl World {
    /// A person sends a slash command, or asks for completions of it. An option that takes a file names it by its number
    /// among the uploads.
    pub(crate) fn use_command(
        &mut self,
        user: Snowflake,
        channel: Snowflake,
        command: Snowflake,
        options: &Value,
        files: &[Upload],
        purpose: Purpose,
    ) -> Result<Snowflake, Refusal> {
        let guild = self.place(user, channel)?;
        let command = self
            .commands
            .get(&command)
            .filter(|command| command.guild.is_none() || command.guild == guild)
            .ok_or_else(|| Refusal::new("There is no such command here; fetch the commands again."))?;
        let needed = command.json["default_member_permissions"]
            .as_str()
            .and_then(|bits| bits.parse::<u64>().ok());
        let has = self
            .channels
            .get(&channel)
            .map_or(0, |channel| self.permissions_in(channel, user));
        let missing =
            needed.is_some_and(|bits| has & ADMINISTRATOR == 0 && (has & bits != bits || bits == 0));
        if missing || has & USE_APPLICATION_COMMANDS == 0 {
            return Err(Refusal::new(format!(
                "You do not have permission to use /{}.",
                command.name
            )));
        }
        let mut resolved = Resolved::default();
        let given = options.as_array().map_or(&[][..], Vec::as_slice);
        let path = self.check_options(guild, &command.json, given, files, purpose, &mut resolved)?;
        let name = std::iter::once(command.name.as_str())
            .chain(path.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ");
        let mut data = json!({
            "id": command.id,
            "name": command.name,
            "type": 1,
        });
        if let Some(guild) = command.guild {
            data["guild_id"] = json!(guild);
        }
        let mut given = given.to_vec();
        self.keep_given(&mut given, files, &mut resolved);
        data["options"] = Value::Array(given);
        if !resolved.0.is_empty() {
            data["resolved"] = Value::Object(resolved.0);
        }
        let kind = match purpose {
            Purpose::Send => InteractionKind::Command,
            Purpose::Complete => InteractionKind::Autocomplete,
        };
        Ok(self.begin(kind, user, channel, data, None, Some(name)))
    }

    /// A person uses a component: presses a button, or chooses from a select menu.
    pub(crate) fn use_component(
        &mut self,
        user: Snowflake,
        channel: Snowflake,
        message: Snowflake,
        custom_id: &str,
        values: &[String],
    ) -> Result<Snowflake, Refusal> {
        let guild = self.place(user, channel)?;
        let component = self
            .message(channel, message)
            .filter(|message| message.visible_to(user))
            .ok_or_else(|| Refusal::new("That message is not there, or you cannot see it."))?
            .component(custom_id)
            .cloned()
            .ok_or_else(|| {
                Refusal::new(format!(
                    "The message has no component with the custom_id {custom_id}."
                ))
            })?;
        if component["disabled"] == true {
            return Err(Refusal::new(format!("{} is disabled.", called(&component))));
        }
        let kind = component["type"].as_u64().unwrap_or_default();
        let mut data = json!({
            "custom_id": custom_id,
            "component_type": kind,
            "id": component["id"],
        });
        let mut resolved = Resolved::default();
        if kind == 2 {
            if !values.is_empty() {
                return Err(Refusal::new("A button takes no values."));
            }
        } else {
            check_choice(&component, values)?;
            for value in values.iter().filter(|_| kind != 3) {
                self.resolve(guild, selected_type(kind), value, &mut resolved)?;
            }
            data["values"] = json!(values);
        }
        if !resolved.0.is_empty() {
            data["resolved"] = Value::Object(resolved.0);
        }
        let kind = InteractionKind::Component;
        Ok(self.begin(kind, user, channel, data, Some(message), None))
    }

    /// A person sends in a modal that an interaction of theirs opened.
    pub(crate) fn send_modal(
        &mut self,
        user: Snowflake,
        channel: Snowflake,
        opened_by: Option<Snowflake>,
        custom_id: &str,
        components: &Value,
    ) -> Result<Snowflake, Refusal> {
        self.place(user, channel)?;
        let (opener, modal) = self
            .interactions
            .values()
            .rev()
            .filter(|interaction| interaction.user == user && interaction.modal_open)
            .filter(|interaction| opened_by.is_none_or(|id| id == interaction.id))
            .find_map(|interaction| match &interaction.state {
                State::Modal(modal) if modal["custom_id"] == custom_id => {
                    Some((interaction.id, modal.clone()))
                }
                _ => None,
            })
            .ok_or_else(|| Refusal::new("No such modal is open for you."))?;
        let filled = filled_modal(&modal["components"], components)?;
        let message = match self.interactions.get_mut(&opener) {
            Some(interaction) => {
                interaction.modal_open = false;
                interaction.component_message
            }
            None => None,
        };
        let data = json!({ "custom_id": custom_id, "components": filled });
        let kind = InteractionKind::Modal;
        Ok(self.begin(kind, user, channel, data, message, None))
    }

    /// The guild of a channel in which the person may act.
    pub(crate) fn place(&self, user: Snowflake, channel: Snowflake) -> Result<Option<Snowflake>, Refusal> {
        let channel = self
            .channels
            .get(&channel)
            .ok_or_else(|| Refusal::new("There is no such channel."))?;
        let here = match channel.guild {
            Some(guild) => self
                .guilds
                .get(&guild)
                .is_some_and(|guild| guild.members.contains_key(&user)),
            None => channel.recipient == Some(user),
        };
        if here {
            Ok(channel.guild)
        } else {
            Err(Refusal::new("You are not a member of that channel."))
        }
    }

    /// Checks the options given against those registered; gives the subcommands gone through.
    fn check_options(
        &self,
        guild: Option<Snowflake>,
        registered: &Value,
        given: &[Value],
        files: &[Upload],
        purpose: Purpose,
        resolved: &mut Resolved,
    ) -> Result<Vec<String>, Refusal> {
        let known = registered["options"].as_array().map_or(&[][..], Vec::as_slice);
        let nests = known
            .iter()
            .any(|option| matches!(option["type"].as_u64(), Some(1 | 2)));
        if nests {
            let [chosen] = given else {
                return Err(Refusal::new(format!(
                    "/{} needs exactly one of its subcommands.",
                    text(registered, "name")
                )));
            };
            let inner = find_option(known, chosen)?;
            let mut path = vec![text(inner, "name").to_owned()];
            let below = chosen["options"].as_array().map_or(&[][..], Vec::as_slice);
            path.extend(self.check_options(guild, inner, below, files, purpose, resolved)?);
            return Ok(path);
        }
        for option in given {
            let registered = find_option(known, option)?;
            if option["focused"] == true {
                if registered["autocomplete"] != true {
                    return Err(Refusal::new(format!(
                        "The option {} has no autocompletion.",
                        text(option, "name")
                    )));
                }
                continue;
            }
            check_value(registered, &option["value"])?;
            match registered["type"].as_u64() {
                Some(kind @ (6..=9)) => self.resolve(guild, kind, text(option, "value"), resolved)?,
                Some(ATTACHMENT) => check_file(option, files)?,
                _ => {}
            }
        }
        let missing = known.iter().find(|option| {
            option["required"] == true && !given.iter().any(|given| given["name"] == option["name"])
        });
        match missing {
            Some(option) if purpose == Purpose::Send => Err(Refusal::new(format!(
                "The option {} is required.",
                text(option, "name")
            ))),
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// Adds what an id of the given option type stands for.
    fn resolve(
        &self,
        guild: Option<Snowflake>,
        kind: u64,
        id: &str,
        resolved: &mut Resolved,
    ) -> Result<(), Refusal> {
        let unknown = || Refusal::new(format!("Nothing here has the id {id}."));
        let id: Snowflake = id.parse().map_err(|_| unknown())?;
        let found_guild = guild.and_then(|guild| self.guilds.get(&guild));
        let is_role = found_guild.is_some_and(|guild| guild.role(id).is_some());
        match kind {
            6 | 9 if self.users.contains_key(&id) && !(kind == 9 && is_role) => {
                resolved.add("users", id, self.user_json(id));
                if let Some(guild) = found_guild.filter(|guild| guild.members.contains_key(&id)) {
                    let mut member = self.member_json(guild.id, id);
                    if let Some(object) = member.as_object_mut() {
                        object.remove("user");
                        object.remove("deaf");
                        object.remove("mute");
                    }
                    member["permissions"] = json!(guild.permissions_of(id).to_string());
                    resolved.add("members", id, member);
                }
                Ok(())
            }
            7 if self.channels.contains_key(&id) => {
                resolved.add("channels", id, self.partial_channel(id, self.bot));
                Ok(())
            }
            8 | 9 if is_role => {
                let role = found_guild.map_or(Value::Null, |guild| guild.role_json(id));
                resolved.add("roles", id, role);
                Ok(())
            }
            _ => Err(unknown()),
        }
    }

    /// A channel with what `user` may do in it.
    fn partial_channel(&self, id: Snowflake, user: Snowflake) -> Value {
        let mut json = self.channel_json(id);
        if let Some(channel) = self.channels.get(&id) {
            json["permissions"] = json!(self.permissions_in(channel, user).to_string());
        }
        json
    }

    /// Makes the interaction and sends it to the application.
    fn begin(
        &mut self,
        kind: InteractionKind,
        user: Snowflake,
        channel: Snowflake,
        data: Value,
        message: Option<Snowflake>,
        command: Option<String>,
    ) -> Snowflake {
        self.forget_old_interactions();
        let id = self.new_id();
        // Unlike Discord's it is no secret, but it is as opaque, and safe in a path.
        let token = format!(
            "{:016x}{:016x}",
            id.get(),
            id.get().wrapping_mul(0x9E37_79B9_7F4A_7C15)
        );
        let guild = self.channels.get(&channel).and_then(|found| found.guild);
        let bot_permissions = self
            .channels
            .get(&channel)
            .map_or(0, |channel| self.permissions_in(channel, self.bot));
        let mut event = json!({
            "id": id,
            "application_id": self.application,
            "type": kind as u8,
            "channel": self.partial_channel(channel, user),
            "channel_id": channel,
            "token": token,
            "version": 1,
            "app_permissions": bot_permissions.to_string(),
            "locale": "en-US",
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": { "0": guild.map_or_else(|| "0".to_owned(), |guild| guild.to_string()) },
            "context": u8::from(guild.is_none()),
            "attachment_size_limit": MAX_FILE_BYTES,
        });
        event["data"] = data;
        match guild.and_then(|guild| self.guilds.get(&guild)) {
            Some(guild) => {
                let mut member = self.member_json(guild.id, user);
                member["permissions"] = json!(guild.permissions_of(user).to_string());
                event["member"] = member;
                event["guild_id"] = json!(guild.id);
                event["guild_locale"] = json!("en-US");
                event["guild"] = json!({ "id": guild.id, "locale": "en-US", "features": [] });
            }
            None => event["user"] = self.user_json(user),
        }
        if let Some(message) = message.and_then(|message| self.message(channel, message)) {
            event["message"] = self.message_json(message);
        }
        self.interactions.insert(
            id,
            Interaction {
                id,
                kind,
                channel,
                user,
                started: instant(),
                started_ms: self.clock.now_ms(),
                state: State::Pending,
                command,
                component_message: message.filter(|&message| self.message(channel, message).is_some()),
                follow_ups: Vec::new(),
                modal_open: false,
            },
        );
        self.tokens.insert(token, id);
        self.tell_of_interaction(id, "pending", None);
        self.dispatch_interaction(guild, event);
        id
    }

    /// A person types a message.
    pub(crate) fn say(
        &mut self,
        user: Snowflake,
        channel: Snowflake,
        content: &str,
        reply_to: Option<Snowflake>,
    ) -> Result<Snowflake, Refusal> {
        self.place(user, channel)?;
        if content.trim().is_empty() {
            return Err(Refusal::new("An empty message cannot be sent."));
        }
        if length(content) > 2000 {
            return Err(Refusal::new("A message has at most 2000 characters."));
        }
        let reply_to = reply_to.filter(|&id| {
            self.message(channel, id)
                .is_some_and(|message| !message.is_ephemeral())
        });
        Ok(self.post(Draft {
            channel,
            author: user,
            kind: if reply_to.is_some() {
                MessageKind::Reply
            } else {
                MessageKind::Default
            },
            body: json!({ "content": content }),
            attachments: Vec::new(),
            flags: 0,
            reply_to,
            source: None,
        }))
    }

    /// A moderator takes every reaction away, or every one with this emoji.
    pub(crate) fn person_clears_reactions(
        &mut self,
        user: Snowflake,
        channel: Snowflake,
        message: Snowflake,
        emoji: Option<&str>,
    ) -> Result<(), Refusal> {
        self.place(user, channel)?;
        let refused = |error: ApiError| Refusal::new(format!("{}.", error.message));
        let may = self
            .channels
            .get(&channel)
            .is_some_and(|channel| self.permissions_in(channel, user) & MANAGE_MESSAGES != 0);
        if !may {
            return Err(refused(ApiError::missing_permissions()));
        }
        let emoji = emoji.map(Emoji::parse).transpose().map_err(refused)?;
        self.clear_reactions(channel, message, emoji.as_ref())
            .map_err(refused)
    }

    /// A person adds a reaction, or takes theirs away.
    pub(crate) fn person_reacts(
        &mut self,
        user: Snowflake,
        channel: Snowflake,
        message: Snowflake,
        emoji: &str,
        reacting: Reacting,
    ) -> Result<(), Refusal> {
        self.place(user, channel)?;
        let refused = |error: ApiError| Refusal::new(format!("{}.", error.message));
        let emoji = Emoji::parse(emoji).map_err(refused)?;
        let reactable = self
            .message(channel, message)
            .is_some_and(|message| !message.is_ephemeral());
        if !reactable {
            return Err(Refusal::new("There is no such message to react to."));
        }
        match reacting {
            Reacting::Adds => self.react(channel, message, user, &emoji, ReactionKind::Normal),
            Reacting::AddsSuper => self.react(channel, message, user, &emoji, ReactionKind::Burst),
            // The click that takes one away takes both.
            Reacting::TakesAway => self
                .unreact(channel, message, user, &emoji, ReactionKind::Normal)
                .and_then(|()| self.unreact(channel, message, user, &emoji, ReactionKind::Burst)),
        }
        .map_err(refused)
    }
}
