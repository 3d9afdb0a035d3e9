//! Messages and pins.

use serde_json::{Value, json};

use super::error::ApiError;
use super::interactions::edit_message;
use super::{Reply, Visit};
use crate::clock::{instant, iso};
use crate::permissions::{
    ATTACH_FILES, MANAGE_MESSAGES, PIN_MESSAGES, READ_MESSAGE_HISTORY, SEND_MESSAGES,
    SEND_MESSAGES_IN_THREADS,
};
use crate::snowflake::Snowflake;
use crate::validate::message;
use crate::world::World;
use crate::world::guild::DirectMessages;
use crate::world::message::{Draft, Message, MessageKind, Pinned};

/// Whether a message would have nothing left to show after an edit.
pub(super) fn says_nothing(message: &Message, body: &Value) -> bool {
    let content = match body.get("content") {
        Some(content) => content.as_str().is_none_or(|text| text.trim().is_empty()),
        None => message.content.is_empty(),
    };
    let list = |key: &str, before: &[Value]| match body.get(key) {
        Some(list) => list.as_array().is_none_or(Vec::is_empty),
        None => before.is_empty(),
    };
    content && list("embeds", &message.embeds) && list("attachments", &message.attachments)
}

pub(super) fn list(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    world.bot_needs(channel, READ_MESSAGE_HISTORY)?;
    let limit = visit.limit(50, 100)?;
    let all: Vec<&Message> = world
        .messages
        .get(&channel)
        .into_iter()
        .flat_map(|messages| messages.values())
        .filter(|message| !message.is_ephemeral())
        .collect();
    let chosen: Vec<&Message> = if let Some(around) = visit.query_id("around")? {
        let middle = all.partition_point(|message| message.id < around);
        let first = middle.saturating_sub(limit / 2);
        all.into_iter().skip(first).take(limit).collect()
    } else if let Some(after) = visit.query_id("after")? {
        let first = all.partition_point(|message| message.id <= after);
        all.into_iter().skip(first).take(limit).collect()
    } else {
        let end = match visit.query_id("before")? {
            Some(before) => all.partition_point(|message| message.id < before),
            None => all.len(),
        };
        all[end.saturating_sub(limit)..end].to_vec()
    };
    Reply::ok(
        chosen
            .into_iter()
            .rev()
            .map(|message| world.message_json(message))
            .collect(),
    )
}

pub(super) fn get(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    world.bot_needs(channel, READ_MESSAGE_HISTORY)?;
    let message = world.bot_message(channel, visit.id("message")?)?;
    Reply::ok(world.message_json(message))
}

pub(super) fn create(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    let found = world.bot_channel(channel)?;
    let is_thread = found.kind.is_thread();
    if let Some(person) = found.recipient.and_then(|id| world.users.get(&id))
        && person.direct_messages == DirectMessages::Closed
    {
        return Err(ApiError::cannot_message_user());
    }
    if found.archived && found.locked {
        return Err(ApiError::thread_archived());
    }
    let send = if is_thread {
        SEND_MESSAGES_IN_THREADS
    } else {
        SEND_MESSAGES
    };
    let files = visit.body.files.len();
    let needed = if files > 0 { send | ATTACH_FILES } else { send };
    world.bot_needs(channel, needed)?;
    let body = visit.body.json.clone();
    message::new_message(&body, files)?;
    let nonce = enforced_nonce(&body);
    if let Some(first) = nonce.as_ref().and_then(|nonce| remembered(world, channel, nonce)) {
        return Reply::ok(world.message_json(first));
    }
    let reply_to = replied_to(world, channel, &body)?;
    let attachments = world.store_files(channel, &body["attachments"], &visit.body.files, &[]);
    let id = world.post(Draft {
        channel,
        author: world.bot,
        kind: if reply_to.is_some() {
            MessageKind::Reply
        } else {
            MessageKind::Default
        },
        body,
        attachments,
        flags: 0,
        reply_to,
        source: None,
    });
    if let Some(nonce) = nonce {
        let memory = world.options.nonce_memory;
        let now = instant();
        world.nonces.retain(|_, (_, at)| now.duration_since(*at) < memory);
        world.nonces.insert((channel, nonce), (id, now));
    }
    let posted = world.message(channel, id).ok_or_else(ApiError::unknown_message)?;
    Reply::ok(world.message_json(posted))
}

/// The nonce of a body that asks for it to be enforced.
fn enforced_nonce(body: &Value) -> Option<String> {
    if body["enforce_nonce"] != true {
        return None;
    }
    match &body["nonce"] {
        Value::String(nonce) => Some(nonce.clone()),
        Value::Number(nonce) => Some(nonce.to_string()),
        _ => None,
    }
}

/// The message that the bot posted in this channel with the same nonce, a short while ago.
fn remembered<'a>(world: &'a World, channel: Snowflake, nonce: &str) -> Option<&'a Message> {
    let (id, at) = world.nonces.get(&(channel, nonce.to_owned()))?;
    if instant().duration_since(*at) >= world.options.nonce_memory {
        return None;
    }
    world.message(channel, *id)
}

/// The message that a body replies to; one that is gone is an error unless the body says otherwise.
fn replied_to(world: &World, channel: Snowflake, body: &Value) -> Result<Option<Snowflake>, ApiError> {
    let reference = &body["message_reference"];
    let id = match &reference["message_id"] {
        Value::String(id) => id.parse().ok(),
        Value::Number(id) => id.as_u64().map(Snowflake::new),
        _ => return Ok(None),
    };
    let found = id.filter(|&id| world.bot_message(channel, id).is_ok());
    if found.is_none() && reference["fail_if_not_exists"] != false {
        let mut issues = crate::validate::Issues::default();
        issues.add("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
        issues.finish()?;
    }
    Ok(found)
}

pub(super) fn edit(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = (visit.id("channel")?, visit.id("message")?);
    let message = world.bot_message(channel, id)?;
    if message.author != world.bot {
        return Err(ApiError::edit_of_another());
    }
    world.refuse_when_archived(channel)?;
    edit_message(world, visit, channel, id)?;
    let message = world.bot_message(channel, id)?;
    Reply::ok(world.message_json(message))
}

pub(super) fn delete(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = (visit.id("channel")?, visit.id("message")?);
    let message = world.bot_message(channel, id)?;
    if message.author != world.bot {
        world.bot_needs(channel, MANAGE_MESSAGES)?;
    }
    world.refuse_when_archived(channel)?;
    world.delete(channel, id)?;
    Ok(Reply::Empty)
}

pub(super) fn pin(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    set_pinned(world, visit, Pinned::Yes)
}

pub(super) fn unpin(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    set_pinned(world, visit, Pinned::No)
}

fn set_pinned(world: &mut World, visit: &Visit<'_>, pinned: Pinned) -> Result<Reply, ApiError> {
    let (channel, id) = (visit.id("channel")?, visit.id("message")?);
    world.bot_needs(channel, PIN_MESSAGES)?;
    world.bot_message(channel, id)?;
    world.refuse_when_archived(channel)?;
    world.set_pinned(channel, id, pinned)?;
    Ok(Reply::Empty)
}

/// The pins by the route of 2025: each with its time, newest first, in pages.
pub(super) fn pins(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    world.bot_channel(channel)?;
    let limit = visit.limit(50, 50)?;
    let before = visit.query("before");
    let mut items: Vec<Value> = world
        .pins(channel)
        .into_iter()
        .filter_map(|message| {
            let pinned_at = iso(message.pinned_ms?);
            let earlier = before.as_ref().is_none_or(|before| pinned_at < *before);
            earlier.then(|| json!({ "pinned_at": pinned_at, "message": world.message_json(message) }))
        })
        .collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    Reply::ok(json!({ "items": items, "has_more": has_more }))
}

/// The pins by the old route: a plain list.
pub(super) fn pins_as_list(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let channel = visit.id("channel")?;
    world.bot_channel(channel)?;
    Reply::ok(
        world
            .pins(channel)
            .into_iter()
            .map(|message| world.message_json(message))
            .collect(),
    )
}
