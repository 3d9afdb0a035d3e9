//! Reactions to messages.

use serde_json::{Value, json};

use super::World;
use crate::permissions::ADD_REACTIONS;
use crate::rest::error::ApiError;
use crate::snowflake::Snowflake;

/// How many different emoji a message can have.
const MAX_EMOJI: usize = 20;

/// An emoji: a Unicode one, or a guild's own with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Emoji {
    id: Option<Snowflake>,
    name: String,
}

/// One emoji under a message, and who chose it, first come first.
#[derive(Clone, Debug)]
pub(crate) struct Reaction {
    pub(crate) emoji: Emoji,
    pub(crate) users: Vec<Snowflake>,
    /// Those who chose it as a super reaction. Somebody may do both.
    pub(crate) burst_users: Vec<Snowflake>,
}

/// Whether a reaction is an ordinary or a super one, by Discord's reaction types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReactionKind {
    Normal = 0,
    Burst = 1,
}

impl Emoji {
    /// Reads `name:id`, or a Unicode emoji; plain letters are none.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let text = text.trim_start_matches("<:").trim_end_matches('>');
        if let Some((name, id)) = text.rsplit_once(':') {
            let id = id.parse().map_err(|_| ApiError::unknown_emoji())?;
            return Ok(Self {
                id: Some(id),
                name: name.to_owned(),
            });
        }
        if text.is_empty() || text.is_ascii() || text.chars().any(char::is_alphabetic) {
            return Err(ApiError::unknown_emoji());
        }
        Ok(Self {
            id: None,
            name: text.to_owned(),
        })
    }

    /// The same emoji whether or not it carries the variation selector that asks for its coloured form.
    fn is(&self, other: &Self) -> bool {
        let plain = |name: &str| name.replace('\u{fe0f}', "");
        self.id == other.id && (self.id.is_some() || plain(&self.name) == plain(&other.name))
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "animated": false })
    }
}

impl Reaction {
    pub(crate) fn json(&self, bot: Snowflake) -> Value {
        json!({
            "emoji": self.emoji.json(),
            "count": self.users.len() + self.burst_users.len(),
            "count_details": { "burst": self.burst_users.len(), "normal": self.users.len() },
            "me": self.users.contains(&bot),
            "me_burst": self.burst_users.contains(&bot),
            "burst_count": self.burst_users.len(),
            "burst_me": self.burst_users.contains(&bot),
            "burst_colors": [],
        })
    }

    fn of(&self, kind: ReactionKind) -> &[Snowflake] {
        match kind {
            ReactionKind::Normal => &self.users,
            ReactionKind::Burst => &self.burst_users,
        }
    }

    fn of_mut(&mut self, kind: ReactionKind) -> &mut Vec<Snowflake> {
        match kind {
            ReactionKind::Normal => &mut self.users,
            ReactionKind::Burst => &mut self.burst_users,
        }
    }
}

impl World {
    /// Adds somebody's reaction; adding it again changes nothing.
    pub(crate) fn react(
        &mut self,
        channel: Snowflake,
        id: Snowflake,
        user: Snowflake,
        emoji: &Emoji,
        kind: ReactionKind,
    ) -> Result<(), ApiError> {
        self.refuse_when_archived(channel)?;
        let allowed = self
            .channels
            .get(&channel)
            .is_some_and(|channel| self.permissions_in(channel, user) & ADD_REACTIONS != 0);
        let message = self
            .message_mut(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        let author = message.author;
        let full = message.reactions.len() >= MAX_EMOJI;
        match message
            .reactions
            .iter_mut()
            .find(|reaction| reaction.emoji.is(emoji))
        {
            Some(reaction) if reaction.of(kind).contains(&user) => return Ok(()),
            Some(reaction) => reaction.of_mut(kind).push(user),
            None if !allowed => return Err(ApiError::missing_permissions()),
            None if full => return Err(ApiError::too_many_reactions()),
            None => {
                let mut reaction = Reaction {
                    emoji: emoji.clone(),
                    users: Vec::new(),
                    burst_users: Vec::new(),
                };
                reaction.of_mut(kind).push(user);
                message.reactions.push(reaction);
            }
        }
        let mut data = self.reaction_event(channel, id, user, emoji, kind);
        if let Some(guild) = self.channels.get(&channel).and_then(|found| found.guild) {
            data["member"] = self.member_json(guild, user);
        }
        data["message_author_id"] = json!(author);
        self.dispatch_reaction(channel, "MESSAGE_REACTION_ADD", &data);
        self.tell_page_of_reaction(channel, id);
        Ok(())
    }

    /// Takes a person's reaction away; one that is not there changes nothing.
    pub(crate) fn unreact(
        &mut self,
        channel: Snowflake,
        id: Snowflake,
        user: Snowflake,
        emoji: &Emoji,
        kind: ReactionKind,
    ) -> Result<(), ApiError> {
        self.refuse_when_archived(channel)?;
        let message = self
            .message_mut(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        let Some(position) = message
            .reactions
            .iter()
            .position(|reaction| reaction.emoji.is(emoji) && reaction.of(kind).contains(&user))
        else {
            return Ok(());
        };
        let reaction = &mut message.reactions[position];
        reaction.of_mut(kind).retain(|&other| other != user);
        if reaction.users.is_empty() && reaction.burst_users.is_empty() {
            message.reactions.remove(position);
        }
        let data = self.reaction_event(channel, id, user, emoji, kind);
        self.dispatch_reaction(channel, "MESSAGE_REACTION_REMOVE", &data);
        self.tell_page_of_reaction(channel, id);
        Ok(())
    }

    /// Takes every reaction away, or every one with this emoji.
    pub(crate) fn clear_reactions(
        &mut self,
        channel: Snowflake,
        id: Snowflake,
        emoji: Option<&Emoji>,
    ) -> Result<(), ApiError> {
        let guild = self.channels.get(&channel).and_then(|found| found.guild);
        let message = self
            .message_mut(channel, id)
            .ok_or_else(ApiError::unknown_message)?;
        let mut data = json!({ "channel_id": channel, "message_id": id, "guild_id": guild });
        let event = if let Some(emoji) = emoji {
            message.reactions.retain(|reaction| !reaction.emoji.is(emoji));
            data["emoji"] = emoji.json();
            "MESSAGE_REACTION_REMOVE_EMOJI"
        } else {
            message.reactions.clear();
            "MESSAGE_REACTION_REMOVE_ALL"
        };
        self.dispatch_reaction(channel, event, &data);
        self.tell_page_of_reaction(channel, id);
        Ok(())
    }

    /// Who reacted with an emoji, by rising id.
    pub(crate) fn reactors(
        &self,
        channel: Snowflake,
        id: Snowflake,
        emoji: &Emoji,
        kind: ReactionKind,
    ) -> Vec<Snowflake> {
        let mut users: Vec<Snowflake> = self
            .message(channel, id)
            .and_then(|message| message.reactions.iter().find(|reaction| reaction.emoji.is(emoji)))
            .map(|reaction| reaction.of(kind).to_vec())
            .unwrap_or_default();
        users.sort_unstable();
        users
    }

    fn reaction_event(
        &self,
        channel: Snowflake,
        id: Snowflake,
        user: Snowflake,
        emoji: &Emoji,
        kind: ReactionKind,
    ) -> Value {
        let mut data = json!({
            "user_id": user,
            "channel_id": channel,
            "message_id": id,
            "emoji": emoji.json(),
            "burst": kind == ReactionKind::Burst,
            "type": kind as u8,
        });
        if kind == ReactionKind::Burst {
            data["burst_colors"] = json!(["#5865f2"]);
        }
        if let Some(guild) = self.channels.get(&channel).and_then(|found| found.guild) {
            data["guild_id"] = json!(guild);
        }
        data
    }

    fn tell_page_of_reaction(&self, channel: Snowflake, id: Snowflake) {
        if let Some(message) = self.message(channel, id) {
            let shown = self.page_message_json(message);
            self.tell_page("reaction", json!({ "message": shown }));
        }
    }
}
