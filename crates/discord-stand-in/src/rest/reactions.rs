//! Reactions.

use super::error::ApiError;
use super::{Reply, Visit};
use crate::permissions::{MANAGE_MESSAGES, READ_MESSAGE_HISTORY};
use crate::snowflake::Snowflake;
use crate::world::World;
use crate::world::reaction::{Emoji, ReactionKind};

fn target(world: &World, visit: &Visit<'_>) -> Result<(Snowflake, Snowflake), ApiError> {
    let (channel, id) = (visit.id("channel")?, visit.id("message")?);
    world.bot_message(channel, id)?;
    Ok((channel, id))
}

pub(super) fn add(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = target(world, visit)?;
    world.bot_needs(channel, READ_MESSAGE_HISTORY)?;
    let emoji = Emoji::parse(visit.text("emoji"))?;
    world.react(channel, id, world.bot, &emoji, ReactionKind::Normal)?;
    Ok(Reply::Empty)
}

pub(super) fn remove_own(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = target(world, visit)?;
    let emoji = Emoji::parse(visit.text("emoji"))?;
    world.unreact(channel, id, world.bot, &emoji, ReactionKind::Normal)?;
    Ok(Reply::Empty)
}

pub(super) fn remove(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = target(world, visit)?;
    world.bot_needs(channel, MANAGE_MESSAGES)?;
    let emoji = Emoji::parse(visit.text("emoji"))?;
    let user = visit.id("user")?;
    if !world.users.contains_key(&user) {
        return Err(ApiError::unknown_user());
    }
    for kind in [ReactionKind::Normal, ReactionKind::Burst] {
        world.unreact(channel, id, user, &emoji, kind)?;
    }
    Ok(Reply::Empty)
}

pub(super) fn clear(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = target(world, visit)?;
    world.bot_needs(channel, MANAGE_MESSAGES)?;
    let emoji = match visit.text("emoji") {
        "" => None,
        text => Some(Emoji::parse(text)?),
    };
    world.clear_reactions(channel, id, emoji.as_ref())?;
    Ok(Reply::Empty)
}

/// Who reacts with an emoji now, by rising id, in pages: ordinary reactions, or super ones where `type` is 1.
pub(super) fn users(world: &mut World, visit: &Visit<'_>) -> Result<Reply, ApiError> {
    let (channel, id) = target(world, visit)?;
    let emoji = Emoji::parse(visit.text("emoji"))?;
    let limit = visit.limit(25, 100)?;
    let after = visit.query_id("after")?;
    let kind = match visit.query("type").as_deref() {
        None | Some("0") => ReactionKind::Normal,
        Some("1") => ReactionKind::Burst,
        Some(_) => return Err(ApiError::bad_request()),
    };
    Reply::ok(
        world
            .reactors(channel, id, &emoji, kind)
            .into_iter()
            .filter(|user| after.is_none_or(|after| *user > after))
            .take(limit)
            .map(|user| world.user_json(user))
            .collect(),
    )
}
