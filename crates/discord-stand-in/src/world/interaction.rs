//! Interactions: what became of each, and what the application may still do with its token.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::World;
use super::message::{Draft, EPHEMERAL, InteractionSource, LOADING, MessageKind};
use super::shown::stored_components;
use crate::clock::instant;
use crate::rest::error::ApiError;
use crate::snowflake::Snowflake;

/// From how many interactions on the dead ones are looked for.
const MANY_INTERACTIONS: usize = 4096;

/// What a person did, by Discord's interaction types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InteractionKind {
    Command = 2,
    Component = 3,
    Autocomplete = 4,
    Modal = 5,
}

/// What became of an interaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// No response yet.
    Pending,
    /// Answered with a message, which may still be loading.
    Message(Snowflake),
    /// The message whose component was used is changed now or later.
    Update(Snowflake),
    /// Answered with suggestions.
    Choices(Vec<Value>),
    /// Answered with a modal, in Discord's JSON.
    Modal(Value),
    /// Nobody answered in time.
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) id: Snowflake,
    pub(crate) kind: InteractionKind,
    pub(crate) channel: Snowflake,
    pub(crate) user: Snowflake,
    pub(crate) started: Instant,
    /// When it began in stand-in time, in Unix milliseconds.
    pub(crate) started_ms: i64,
    pub(crate) state: State,
    /// The command as it was typed, such as `deploy tick`.
    pub(crate) command: Option<String>,
    /// The message whose component was used, or led to the modal.
    pub(crate) component_message: Option<Snowflake>,
    pub(crate) follow_ups: Vec<Snowflake>,
    /// Whether the modal that this interaction opened has been sent in or closed.
    pub(crate) modal_open: bool,
}

impl Interaction {
    fn source(&self) -> InteractionSource {
        InteractionSource {
            interaction: self.id,
            kind: self.kind as u8,
            user: self.user,
            command: self.command.clone(),
            component_message: self.component_message,
        }
    }

    fn within(&self, limit: Duration) -> bool {
        instant().duration_since(self.started) < limit
    }

    /// Whether its token still opens anything, which people and tests can hasten by moving the clock.
    fn lives(&self, now_ms: i64, lifetime: Duration) -> bool {
        i64::try_from(lifetime.as_millis()).is_ok_and(|lifetime| now_ms - self.started_ms < lifetime)
    }

    /// The message that `@original` names.
    pub(crate) fn original(&self) -> Option<Snowflake> {
        match self.state {
            State::Message(message) | State::Update(message) => Some(message),
            State::Pending | State::Choices(_) | State::Modal(_) | State::Failed => None,
        }
    }
}

impl World {
    /// Takes the application's first response, a callback body found valid.
    pub(crate) fn respond(
        &mut self,
        id: Snowflake,
        token: &str,
        body: &Value,
        attachments: Vec<Value>,
    ) -> Result<(), ApiError> {
        let interaction = self.awaiting(id, token)?;
        let (channel, source) = (interaction.channel, interaction.source());
        let (user, kind) = (interaction.user, interaction.kind);
        let component_message = interaction.component_message;
        let data = &body["data"];
        let state = match body["type"].as_u64() {
            Some(response @ (4 | 5)) => {
                let ephemeral = data["flags"].as_u64().unwrap_or_default() & EPHEMERAL;
                let loading = if response == 5 { LOADING } else { 0 };
                State::Message(self.post(Draft {
                    channel,
                    author: self.bot,
                    kind: match kind {
                        InteractionKind::Command => MessageKind::CommandResponse,
                        InteractionKind::Component | InteractionKind::Modal
                            if component_message.is_some() =>
                        {
                            MessageKind::Reply
                        }
                        _ => MessageKind::Default,
                    },
                    body: data.clone(),
                    attachments,
                    flags: ephemeral | loading,
                    reply_to: component_message,
                    source: Some(source),
                }))
            }
            Some(6 | 7) => {
                let message = component_message.ok_or_else(ApiError::unknown_message)?;
                if body["type"] == 7 {
                    let attachments =
                        (!attachments.is_empty() || data.get("attachments").is_some()).then_some(attachments);
                    self.edit(channel, message, data, attachments)?;
                }
                State::Update(message)
            }
            Some(8) => State::Choices(data["choices"].as_array().cloned().unwrap_or_default()),
            Some(9) => {
                let mut modal = data.clone();
                modal["components"] = json!(stored_components(&data["components"]));
                self.tell_page_of(
                    "modal",
                    json!({
                        "interaction_id": id,
                        "custom_id": modal["custom_id"],
                        "title": modal["title"],
                        "components": modal["components"],
                        "user_id": user,
                    }),
                    Some(user),
                );
                State::Modal(modal)
            }
            _ => return Err(ApiError::bad_request()),
        };
        let shown = match &state {
            State::Message(message)
                if self
                    .message(channel, *message)
                    .is_some_and(super::message::Message::is_loading) =>
            {
                "deferred"
            }
            _ => "done",
        };
        if let Some(interaction) = self.interactions.get_mut(&id) {
            interaction.modal_open = matches!(state, State::Modal(_));
            interaction.state = state;
        }
        self.tell_of_interaction(id, shown, None);
        Ok(())
    }

    /// The interaction, when it still waits for its first response.
    pub(crate) fn awaiting(&self, id: Snowflake, token: &str) -> Result<&Interaction, ApiError> {
        let interaction = self
            .interactions
            .get(&id)
            .filter(|_| self.tokens.get(token) == Some(&id))
            .ok_or_else(ApiError::unknown_interaction)?;
        match interaction.state {
            State::Pending if interaction.within(self.options.interaction_deadline) => Ok(interaction),
            State::Pending | State::Failed => Err(ApiError::unknown_interaction()),
            State::Message(_) | State::Update(_) | State::Choices(_) | State::Modal(_) => {
                Err(ApiError::already_acknowledged())
            }
        }
    }

    /// Forgets those whose tokens have died, once there are many.
    pub(crate) fn forget_old_interactions(&mut self) {
        if self.interactions.len() < MANY_INTERACTIONS {
            return;
        }
        let (now_ms, lifetime) = (self.clock.now_ms(), self.options.interaction_lifetime);
        self.interactions
            .retain(|_, interaction| interaction.lives(now_ms, lifetime));
        let interactions = &self.interactions;
        self.tokens.retain(|_, id| interactions.contains_key(id));
    }

    /// Gives up on an interaction that got no response in time.
    pub(crate) fn expire(&mut self, id: Snowflake) {
        let Some(interaction) = self.interactions.get_mut(&id) else {
            return;
        };
        if interaction.state == State::Pending {
            interaction.state = State::Failed;
            self.tell_of_interaction(id, "failed", Some("The application did not respond"));
        }
    }

    /// The interaction that a webhook route's token belongs to, once it has been answered and while it lasts.
    pub(crate) fn by_token(&self, application: Snowflake, token: &str) -> Result<&Interaction, ApiError> {
        if application != self.application {
            return Err(ApiError::unknown_webhook());
        }
        let interaction = self
            .tokens
            .get(token)
            .and_then(|id| self.interactions.get(id))
            .filter(|interaction| interaction.lives(self.clock.now_ms(), self.options.interaction_lifetime))
            .ok_or_else(ApiError::invalid_webhook_token)?;
        match interaction.state {
            State::Pending | State::Failed => Err(ApiError::unknown_webhook()),
            State::Message(_) | State::Update(_) | State::Choices(_) | State::Modal(_) => Ok(interaction),
        }
    }

    /// Posts a follow-up. The first one after a deferral fills the loading message, as Discord documents.
    pub(crate) fn follow_up(
        &mut self,
        application: Snowflake,
        token: &str,
        body: Value,
        attachments: Vec<Value>,
    ) -> Result<(Snowflake, Snowflake), ApiError> {
        let interaction = self.by_token(application, token)?;
        let (id, channel) = (interaction.id, interaction.channel);
        let source = interaction.source();
        let original = interaction.original();
        let loading = original
            .and_then(|message| self.message(channel, message))
            .filter(|message| message.is_loading())
            .map(|message| message.id);
        if let Some(loading) = loading {
            self.edit(channel, loading, &body, Some(attachments))?;
            self.tell_of_interaction(id, "done", None);
            return Ok((channel, loading));
        }
        let ephemeral = body["flags"].as_u64().unwrap_or_default() & EPHEMERAL;
        let message = self.post(Draft {
            channel,
            author: self.bot,
            kind: if original.is_some() {
                MessageKind::Reply
            } else {
                MessageKind::Default
            },
            body,
            attachments,
            flags: ephemeral,
            reply_to: original,
            source: Some(source),
        });
        if let Some(interaction) = self.interactions.get_mut(&id) {
            interaction.follow_ups.push(message);
        }
        Ok((channel, message))
    }

    /// The message that a webhook route names: `@original`, or one that this token posted.
    pub(crate) fn webhook_message(
        &self,
        application: Snowflake,
        token: &str,
        name: &str,
    ) -> Result<(Snowflake, Snowflake), ApiError> {
        let interaction = self.by_token(application, token)?;
        let message = if name == "@original" {
            interaction.original()
        } else {
            name.parse().ok().filter(|message| {
                interaction.follow_ups.contains(message) || interaction.original() == Some(*message)
            })
        };
        message
            .filter(|&message| self.message(interaction.channel, message).is_some())
            .map(|message| (interaction.channel, message))
            .ok_or_else(ApiError::unknown_message)
    }

    /// What `?with_response=true` answers.
    pub(crate) fn callback_json(&self, id: Snowflake, response_type: u64) -> Value {
        let Some(interaction) = self.interactions.get(&id) else {
            return Value::Null;
        };
        let mut json = json!({
            "interaction": {
                "id": id,
                "type": interaction.kind as u8,
                "channel_id": interaction.channel,
            },
        });
        let message = interaction
            .original()
            .and_then(|message| self.message(interaction.channel, message));
        if let Some(message) = message {
            json["interaction"]["response_message_id"] = json!(message.id);
            json["interaction"]["response_message_loading"] = json!(message.is_loading());
            json["interaction"]["response_message_ephemeral"] = json!(message.is_ephemeral());
            json["resource"] = json!({
                "type": response_type,
                "message": self.message_json(message),
            });
        }
        json
    }

    /// Tells the person's page how their interaction stands. Autocompletions are asked for and answered in one.
    pub(crate) fn tell_of_interaction(&self, id: Snowflake, state: &str, error: Option<&str>) {
        let Some(interaction) = self
            .interactions
            .get(&id)
            .filter(|interaction| interaction.kind != InteractionKind::Autocomplete)
        else {
            return;
        };
        let mut data = json!({ "id": id, "state": state });
        if let Some(error) = error {
            data["error"] = json!(error);
        }
        self.tell_page_of("interaction", data, Some(interaction.user));
    }
}
