//! Who reacts to a message now, as Discord has it.

use std::collections::BTreeSet;

use serenity::all::{
    ChannelId as DiscordChannel, Http, LightMethod, MessageId as DiscordMessage, MessageReaction,
    ReactionType, Request, Route, User,
};

use super::courier::{APPROVE, REJECT, SEEN, offer};
use crate::domain::ids::UserId;
use crate::engine::Posted;

/// How many reactions Discord gives at once.
const PAGE: u8 = 100;

/// The reactions under a message, counted.
pub(super) async fn shown(http: &Http, posted: &Posted) -> Result<Vec<MessageReaction>, serenity::Error> {
    let message = http
        .get_message(
            DiscordChannel::new(posted.channel.0),
            DiscordMessage::new(posted.message.0),
        )
        .await?;
    Ok(message.reactions)
}

/// Who reacts with an emoji now, by ordinary or by super reaction; bots do not count. Where only we do, nobody is asked
/// for.
pub(super) async fn reacting(
    http: &Http,
    posted: &Posted,
    shown: &[MessageReaction],
    emoji: &str,
) -> Result<BTreeSet<UserId>, serenity::Error> {
    let mut people = BTreeSet::new();
    let Some(counted) = shown.iter().find(|reaction| is(&reaction.reaction_type, emoji)) else {
        return Ok(people);
    };
    let others = |count: u64, me: bool| count > u64::from(me);
    if others(counted.count_details.normal, counted.me) {
        people.extend(listed(http, posted, emoji, Listed::Normal).await?);
    }
    if others(counted.count_details.burst, counted.me_burst) {
        people.extend(listed(http, posted, emoji, Listed::Super).await?);
    }
    Ok(people)
}

/// Discord's types of reactions, as its lists of who reacts tell them apart.
#[derive(Clone, Copy)]
enum Listed {
    Normal = 0,
    Super = 1,
}

/// Who reacts with an emoji now, from all pages. serenity's own function knows of ordinary reactions alone.
async fn listed(
    http: &Http,
    posted: &Posted,
    emoji: &str,
    listed: Listed,
) -> Result<BTreeSet<UserId>, serenity::Error> {
    let emoji = ReactionType::Unicode(emoji.to_owned()).as_data();
    let mut people = BTreeSet::new();
    let mut after = None;
    loop {
        let mut params = vec![("limit", PAGE.to_string()), ("type", (listed as u8).to_string())];
        params.extend(after.map(|after: u64| ("after", after.to_string())));
        let route = Route::ChannelMessageReactionEmoji {
            channel_id: DiscordChannel::new(posted.channel.0),
            message_id: DiscordMessage::new(posted.message.0),
            reaction: &emoji,
        };
        let page: Vec<User> = http
            .fire(Request::new(route, LightMethod::Get).params(Some(params)))
            .await?;
        after = page.last().map(|user| user.id.get());
        people.extend(
            page.iter()
                .filter(|user| !user.bot)
                .map(|user| UserId(user.id.get())),
        );
        if page.len() < usize::from(PAGE) {
            return Ok(people);
        }
    }
}

/// Puts those of our own reactions back that are gone, so that a click is enough to answer again.
pub(super) async fn offer_again(
    http: &Http,
    posted: &Posted,
    shown: &[MessageReaction],
) -> Result<(), serenity::Error> {
    for emoji in [APPROVE, REJECT, SEEN] {
        let stands = shown
            .iter()
            .any(|reaction| reaction.me && is(&reaction.reaction_type, emoji));
        if !stands {
            offer(http, posted, emoji).await?;
        }
    }
    Ok(())
}

/// Whether a reaction is of an emoji, with or without the sign that asks for its coloured form.
fn is(reaction: &ReactionType, emoji: &str) -> bool {
    matches!(reaction, ReactionType::Unicode(name) if name.trim_end_matches('\u{fe0f}') == emoji)
}
