//! Channels, threads, and who is in them.

use serde_json::{Value, json};

use super::error::ApiError;
use super::{Reply, Visit};
use crate::clock::iso;
use crate::permissions::{CREATE_PUBLIC_THREADS, MANAGE_CHANNELS, MANAGE_THREADS, SEND_MESSAGES};
use crate::snowflake::Snowflake;
use crate::validate;
use crate::world::World;
use crate::world::channel::ChannelKind;

pub(super) fn get(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    world.bot_channel(channel)?;
    Reply::ok(world.channel_json(channel))
}

pub(super) fn change(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    world.bot_channel(channel)?;
    validate::channel(&visit.body.json)?;
    world.change_channel(channel, &visit.body.json)?;
    Reply::ok(world.channel_json(channel))
}

pub(super) fn delete(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let id = visit.id("channel")?;
    let channel = world.bot_channel(id)?;
    match channel.kind {
        // Closing a direct message deletes nothing.
        ChannelKind::Direct => return Reply::ok(world.channel_json(id)),
        ChannelKind::Text => world.bot_needs(id, MANAGE_CHANNELS)?,
        ChannelKind::PublicThread | ChannelKind::PrivateThread => {
            world.bot_needs(id, MANAGE_THREADS)?;
        }
    }
    world.remove_channel(id).and_then(Reply::ok)
}

pub(super) fn typing(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    world.bot_needs(channel, SEND_MESSAGES)?;
    let user = world.user_json(world.bot);
    world.tell_page("typing", json!({ "channel_id": channel, "user": user }));
    Ok(Reply::Empty)
}

pub(super) fn start_thread(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let parent = visit.id("channel")?;
    world.bot_needs(parent, CREATE_PUBLIC_THREADS)?;
    let body = &visit.body.json;
    validate::thread(body)?;
    let from_message = match visit.text("message") {
        "" => None,
        _ => Some(visit.id("message")?),
    };
    let kind = match (from_message, body["type"].as_u64()) {
        (Some(_), _) | (None, Some(11)) => ChannelKind::PublicThread,
        // Discord's documentation: without a type and a message it is private.
        (None, Some(12) | None) => ChannelKind::PrivateThread,
        (None, Some(_)) => return Err(ApiError::wrong_channel_type()),
    };
    let id = world.start_thread(parent, from_message, kind, world.bot, body)?;
    Ok(Reply::Json(201, world.channel_json(id)))
}

/// A thread that the bot sees.
fn thread(world: &World, visit: &Visit<'_>) -> Result<Snowflake, ApiError> {
    let id = visit.id("channel")?;
    if world.bot_channel(id)?.kind.is_thread() {
        Ok(id)
    } else {
        Err(ApiError::wrong_channel_type())
    }
}

pub(super) fn thread_members(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let id = thread(world, visit)?;
    let channel = world.bot_channel(id)?;
    let members: Vec<Value> = channel
        .thread_members
        .iter()
        .map(|user| {
            json!({
                "id": id,
                "user_id": user,
                "join_timestamp": iso(id.timestamp_ms()),
                "flags": 0,
            })
        })
        .collect();
    Reply::ok(json!(members))
}

pub(super) fn join(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let id = thread(world, visit)?;
    world.refuse_when_archived(id)?;
    world.join_thread(id, world.bot);
    Ok(Reply::Empty)
}

pub(super) fn leave(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let id = thread(world, visit)?;
    world.refuse_when_archived(id)?;
    world.leave_thread(id, world.bot);
    Ok(Reply::Empty)
}

/// The member of the thread's guild whom the path names.
fn named_member(world: &World, visit: &Visit<'_>) -> Result<(Snowflake, Snowflake), ApiError> {
    let id = thread(world, visit)?;
    world.refuse_when_archived(id)?;
    let user = visit.id("user")?;
    let is_member = world
        .bot_channel(id)?
        .guild
        .and_then(|guild| world.guilds.get(&guild))
        .is_some_and(|guild| guild.members.contains_key(&user));
    if is_member {
        Ok((id, user))
    } else {
        Err(ApiError::unknown_member())
    }
}

pub(super) fn add_member(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (id, user) = named_member(world, visit)?;
    world.join_thread(id, user);
    Ok(Reply::Empty)
}

pub(super) fn remove_member(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (id, user) = named_member(world, visit)?;
    world.bot_needs(id, MANAGE_THREADS)?;
    world.leave_thread(id, user);
    Ok(Reply::Empty)
}
