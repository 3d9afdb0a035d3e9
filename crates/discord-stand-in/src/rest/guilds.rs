//! Guilds, their channels, roles and members.

use serde_json::{Value, json};

use super::error::ApiError;
use super::{Reply, Visit};
use crate::world::World;
use crate::world::channel::ChannelKind;

pub(super) fn get(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?;
    let mut json = guild.json();
    if visit.is_true("with_counts") {
        json["approximate_member_count"] = json!(guild.members.len());
        json["approximate_presence_count"] = json!(guild.members.len());
    }
    Reply::ok(json)
}

pub(super) fn channels(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?.id;
    Reply::ok(
        world
            .channels
            .values()
            .filter(|channel| channel.guild == Some(guild) && channel.kind == ChannelKind::Text)
            .map(|channel| channel.json(world.bot))
            .collect(),
    )
}

pub(super) fn roles(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?;
    Reply::ok(Value::Array(guild.roles_json()))
}

pub(super) fn role(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?;
    match guild.role_json(visit.id("role")?) {
        Value::Null => Err(ApiError::unknown_role()),
        role => Reply::ok(role),
    }
}

pub(super) fn members(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?;
    let limit = visit.limit(1, 1000)?;
    let after = visit.query_id("after")?;
    Reply::ok(
        guild
            .members
            .keys()
            .filter(|user| after.is_none_or(|after| **user > after))
            .take(limit)
            .map(|&user| world.member_json(guild.id, user))
            .collect(),
    )
}

pub(super) fn search_members(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?;
    let limit = visit.limit(1, 1000)?;
    let query = visit.query("query").unwrap_or_default().to_lowercase();
    Reply::ok(
        guild
            .members
            .keys()
            .filter(|user| {
                world.users.get(user).is_some_and(|user| {
                    user.username.starts_with(&query) || user.display.to_lowercase().starts_with(&query)
                })
            })
            .take(limit)
            .map(|&user| world.member_json(guild.id, user))
            .collect(),
    )
}

pub(super) fn member(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?;
    let user = visit.id("user")?;
    if !world.users.contains_key(&user) {
        return Err(ApiError::unknown_user());
    }
    if !guild.members.contains_key(&user) {
        return Err(ApiError::unknown_member());
    }
    Reply::ok(world.member_json(guild.id, user))
}

pub(super) fn active_threads(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let guild = world.bot_guild(visit.id("guild")?)?.id;
    let threads: Vec<Value> = world
        .channels
        .values()
        .filter(|channel| channel.guild == Some(guild) && channel.kind.is_thread() && !channel.archived)
        .map(|channel| channel.json(world.bot))
        .collect();
    let members: Vec<Value> = threads
        .iter()
        .filter_map(|thread| thread.get("member").cloned())
        .collect();
    Reply::ok(json!({ "threads": threads, "members": members }))
}
