//! Guilds, their roles and their members.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::World;
use super::channel::ChannelKind;
use crate::clock::iso;
use crate::permissions::{ADMINISTRATOR, ALL};
use crate::rest::error::ApiError;
use crate::snowflake::Snowflake;

/// Who is behind a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserKind {
    Person,
    Bot,
}

/// Whether a person takes direct messages from the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectMessages {
    Open,
    Closed,
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Snowflake,
    pub(crate) username: String,
    pub(crate) display: String,
    pub(crate) kind: UserKind,
    pub(crate) direct_messages: DirectMessages,
}

#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) color: u32,
    pub(crate) permissions: u64,
    pub(crate) mentionable: bool,
    pub(crate) position: u32,
    pub(crate) managed_by: Option<Snowflake>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) roles: Vec<Snowflake>,
    pub(crate) nick: Option<String>,
    pub(crate) joined_ms: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Guild {
    pub(crate) id: Snowflake,
    pub(crate) name: String,
    pub(crate) owner: Snowflake,
    pub(crate) roles: Vec<Role>,
    pub(crate) members: BTreeMap<Snowflake, Member>,
}

impl User {
    pub(crate) fn new(id: Snowflake, display: &str, kind: UserKind) -> Self {
        let username: String = display
            .to_lowercase()
            .chars()
            .map(|letter| match letter {
                'a'..='z' | '0'..='9' | '_' => letter,
                _ => '.',
            })
            .collect();
        Self {
            id,
            username,
            display: display.to_owned(),
            kind,
            direct_messages: DirectMessages::Open,
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "username": self.username,
            "discriminator": "0",
            "global_name": self.display,
            "avatar": null,
            "avatar_decoration_data": null,
            "collectibles": null,
            "primary_guild": null,
            "banner": null,
            "accent_color": null,
            "bot": self.kind == UserKind::Bot,
            "system": false,
            "public_flags": 0,
            "flags": 0,
        })
    }
}

impl Role {
    fn json(&self) -> Value {
        let mut json = json!({
            "id": self.id,
            "name": self.name,
            "description": null,
            "color": self.color,
            "colors": { "primary_color": self.color, "secondary_color": null, "tertiary_color": null },
            "hoist": false,
            "icon": null,
            "unicode_emoji": null,
            "position": self.position,
            "permissions": self.permissions.to_string(),
            "managed": self.managed_by.is_some(),
            "mentionable": self.mentionable,
            "flags": 0,
        });
        if let Some(bot) = self.managed_by {
            json["tags"] = json!({ "bot_id": bot });
        }
        json
    }
}

impl Member {
    pub(crate) fn new(roles: Vec<Snowflake>, joined_ms: i64) -> Self {
        Self {
            roles,
            nick: None,
            joined_ms,
        }
    }

    /// The member without their user, as a message carries them.
    pub(crate) fn json(&self) -> Value {
        json!({
            "roles": self.roles,
            "nick": self.nick,
            "avatar": null,
            "banner": null,
            "joined_at": iso(self.joined_ms),
            "premium_since": null,
            "deaf": false,
            "mute": false,
            "pending": false,
            "flags": 0,
            "communication_disabled_until": null,
            "unusual_dm_activity_until": null,
            "avatar_decoration_data": null,
        })
    }
}

impl Guild {
    pub(crate) fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    pub(crate) fn role(&self, id: Snowflake) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    pub(crate) fn role_json(&self, id: Snowflake) -> Value {
        self.role(id).map_or(Value::Null, Role::json)
    }

    pub(crate) fn roles_json(&self) -> Vec<Value> {
        self.roles.iter().map(Role::json).collect()
    }

    /// The union of what a member's roles give; the owner and administrators have everything, a stranger nothing.
    pub(crate) fn permissions_of(&self, user: Snowflake) -> u64 {
        let Some(member) = self.members.get(&user) else {
            return 0;
        };
        let given = self
            .roles
            .iter()
            .filter(|role| role.id == self.id || member.roles.contains(&role.id))
            .fold(0, |bits, role| bits | role.permissions);
        if self.owner == user || given & ADMINISTRATOR != 0 {
            ALL
        } else {
            given
        }
    }

    /// The guild's own fields, as `GET /guilds/{id}` answers.
    pub(crate) fn json(&self) -> Value {
        let mut json = json!({
            "id": self.id,
            "name": self.name,
            "icon": null,
            "icon_hash": null,
            "splash": null,
            "discovery_splash": null,
            "home_header": null,
            "description": null,
            "banner": null,
            "owner_id": self.owner,
            "region": "deprecated",
            "afk_channel_id": null,
            "afk_timeout": 300,
            "widget_enabled": false,
            "widget_channel_id": null,
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "roles": self.roles_json(),
            "emojis": [],
            "stickers": [],
            "features": [],
        });
        let rest = json!({
            "mfa_level": 0,
            "nsfw": false,
            "nsfw_level": 0,
            "application_id": null,
            "system_channel_id": null,
            "system_channel_flags": 0,
            "rules_channel_id": null,
            "max_presences": null,
            "max_members": 500_000,
            "vanity_url_code": null,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "public_updates_channel_id": null,
            "safety_alerts_channel_id": null,
            "max_video_channel_users": 25,
            "max_stage_video_channel_users": 50,
            "premium_progress_bar_enabled": false,
            "incidents_data": null,
            "hub_type": null,
            "latest_onboarding_question_id": null,
        });
        if let (Value::Object(json), Value::Object(rest)) = (&mut json, rest) {
            json.extend(rest);
        }
        json
    }
}

impl World {
    /// The guild as `GUILD_CREATE` carries it: with its members, channels and open threads.
    pub(crate) fn guild_create_json(&self, guild: &Guild) -> Value {
        let mut json = guild.json();
        let of_guild = || {
            self.channels
                .values()
                .filter(|channel| channel.guild == Some(guild.id))
        };
        let channels: Vec<Value> = of_guild()
            .filter(|channel| channel.kind == ChannelKind::Text)
            .map(|channel| channel.json(self.bot))
            .collect();
        let threads: Vec<Value> = of_guild()
            .filter(|channel| channel.kind.is_thread() && !channel.archived)
            .map(|channel| channel.json(self.bot))
            .collect();
        let members: Vec<Value> = guild
            .members
            .keys()
            .map(|&user| self.member_json(guild.id, user))
            .collect();
        let joined = guild
            .members
            .get(&self.bot)
            .map_or_else(|| self.now_iso(), |member| iso(member.joined_ms));
        json["joined_at"] = json!(joined);
        json["large"] = json!(false);
        json["unavailable"] = json!(false);
        json["member_count"] = json!(guild.members.len());
        json["voice_states"] = json!([]);
        json["members"] = json!(members);
        json["channels"] = json!(channels);
        json["threads"] = json!(threads);
        json["presences"] = json!([]);
        json["stage_instances"] = json!([]);
        json["guild_scheduled_events"] = json!([]);
        json["soundboard_sounds"] = json!([]);
        json
    }

    /// Gives a member these roles and tells everyone who listens.
    pub(crate) fn set_roles(
        &mut self,
        guild: Snowflake,
        user: Snowflake,
        roles: Vec<Snowflake>,
    ) -> Result<(), ApiError> {
        let member = self
            .guilds
            .get_mut(&guild)
            .ok_or_else(ApiError::unknown_guild)?
            .members
            .get_mut(&user)
            .ok_or_else(ApiError::unknown_member)?;
        member.roles = roles;
        let mut data = self.member_json(guild, user);
        data["guild_id"] = json!(guild);
        self.dispatch_member_update(guild, user, &data);
        self.tell_page("members", json!({}));
        Ok(())
    }

    /// Takes a member out of a guild.
    pub(crate) fn remove_member(&mut self, guild: Snowflake, user: Snowflake) -> Result<(), ApiError> {
        let removed = self
            .guilds
            .get_mut(&guild)
            .ok_or_else(ApiError::unknown_guild)?
            .members
            .remove(&user);
        if removed.is_none() {
            return Err(ApiError::unknown_member());
        }
        let data = json!({ "guild_id": guild, "user": self.user_json(user) });
        self.dispatch_member_removal(guild, &data);
        self.tell_page("members", json!({}));
        Ok(())
    }
}
