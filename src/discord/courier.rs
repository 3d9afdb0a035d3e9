//! Carries the messages owed to Discord: each once, in its channel's order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serenity::all::{
    AutoArchiveDuration, Builder, ChannelId as DiscordChannel, CreateThread, EditThread, ErrorResponse,
    GetMessages, Http, HttpError, MessageId as DiscordMessage, Nonce, ReactionType,
};
use tokio::sync::Mutex;
use tracing::debug;

use super::connect::with_sources;
use super::people::names_in;
use super::render::message::{File, Message, limit};
use super::render::{board, card, escape, notice};
use super::{Bot, pace, wire};
use crate::domain::deployment::Deployment;
use crate::domain::effects::Owed;
use crate::domain::ids::{ChannelId, MessageId};
use crate::engine::Posted;
use crate::engine::courier::{Courier, Delivery, PostedBefore, Trouble};
use crate::report;

/// What a signer answers a card with.
pub(super) const APPROVE: &str = "✅";
/// What a signer rejects with.
pub(super) const REJECT: &str = "❌";
/// What a signer says with that they have seen it.
pub(super) const SEEN: &str = "👀";

/// How many messages Discord gives at once, at most.
const PAGE: u8 = 100;
/// How many pages are looked through, newest first, for a message that may have been posted. In practice the time from
/// which it is owed is reached long before.
const PAGES: usize = 20;
/// How far Discord's clock and ours may be apart when messages are told to be older than the one that is looked for.
const CLOCKS_APART: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);
/// How long a message waits that Discord says we may not post: somebody has to change a permission first.
const NOT_PERMITTED_WAIT: Duration = Duration::from_mins(5);

/// Carries to Discord.
pub(super) struct DiscordCourier {
    http: Arc<Http>,
    bot: Arc<Bot>,
    /// One at a time per channel: serenity sends what waits for a rate limit all at once when it ends.
    queues: Mutex<HashMap<ChannelId, Arc<Mutex<()>>>>,
}

impl DiscordCourier {
    pub(super) fn new(http: Arc<Http>, bot: Arc<Bot>) -> Self {
        Self {
            http,
            bot,
            queues: Mutex::default(),
        }
    }

    async fn carry(&self, delivery: &Delivery<'_>) -> Result<Option<Posted>, Trouble> {
        let deployment = delivery.deployment;
        let (owners, now) = (delivery.owners, delivery.now);
        match delivery.owed {
            Owed::Opening => self
                .post(delivery, deployment.channel, &board::opening(deployment))
                .await
                .map(Some),
            Owed::Thread => self.open_thread(delivery).await.map(Some),
            Owed::Board => self.show_board(delivery).await.map(Some),
            Owed::SignOffCard { role, request } => {
                let message = card::sign_off_card(deployment, role, *request, owners, now);
                let posted = self.show(delivery, &message).await?;
                // A reaction counts from the moment the card can be seen, so it is known before it is done with.
                remember(delivery, &posted).await?;
                for emoji in [APPROVE, REJECT, SEEN] {
                    offer(&self.http, &posted, emoji)
                        .await
                        .map_err(|error| trouble(&error))?;
                }
                self.bot
                    .look_at_new_card(&self.http, deployment.id, role.clone(), *request, posted);
                Ok(Some(posted))
            }
            Owed::SignOffCardEdit { role, request } => {
                let Some(posted) = posted(delivery, delivery.owed).await? else {
                    return Ok(None);
                };
                let message = card::sign_off_card(deployment, role, *request, owners, now);
                match self.edit(&posted, &message).await {
                    // Somebody deleted the card. The sign-offs can still be seen, and asked for again.
                    Ok(()) | Err(Edited::Gone) => Ok(Some(posted)),
                    Err(Edited::Trouble(trouble)) => Err(trouble),
                }
            }
            Owed::Ping { role, ping, due, .. } => {
                let message = card::ping(deployment, role, *ping, *due, now, owners);
                self.post_in_thread(delivery, &message).await.map(Some)
            }
            Owed::AskedAgain { role, request, by } => {
                let card = Owed::SignOffCard {
                    role: role.clone(),
                    request: *request,
                };
                let card = posted(delivery, &card).await?;
                let message = card::asked_again(deployment, role, *by, card, owners);
                self.post_in_thread(delivery, &message).await.map(Some)
            }
            Owed::Rejection { role, by } => self
                .post_in_thread(delivery, &notice::rejection(deployment, role, *by))
                .await
                .map(Some),
            Owed::Void { role, by, check } => self
                .post_in_thread(delivery, &notice::void(deployment, role, *by, check))
                .await
                .map(Some),
            Owed::WatchTurned { check } => self
                .post_in_thread(delivery, &notice::watch_turned(deployment, check, owners))
                .await
                .map(Some),
            Owed::WatchPing { check, ping, due } => self
                .post_in_thread(
                    delivery,
                    &notice::watch_ping(deployment, check, *ping, *due, now, owners),
                )
                .await
                .map(Some),
            Owed::WatchRecovered { check } => self
                .post_in_thread(delivery, &notice::watch_recovered(deployment, check, owners))
                .await
                .map(Some),
            Owed::ReadyForGo => self
                .post_in_thread(delivery, &notice::ready_for_go(deployment))
                .await
                .map(Some),
            Owed::Decision => self
                .post_in_thread(delivery, &notice::decision(deployment))
                .await
                .map(Some),
            Owed::Report => {
                let files = self.report_files(deployment).await;
                self.post_in_thread(delivery, &notice::finished(deployment, files))
                    .await
                    .map(Some)
            }
        }
    }

    async fn open_thread(&self, delivery: &Delivery<'_>) -> Result<Posted, Trouble> {
        let opening = posted(delivery, &Owed::Opening)
            .await?
            .ok_or_else(|| Trouble::GiveUp {
                why: "the message its thread hangs on was never posted".to_owned(),
            })?;
        let _turn = self.turn(opening.channel).await;
        let name = escape::label(
            &format!(
                "{} {} → {} · {}",
                delivery.deployment.id,
                delivery.deployment.version,
                delivery.deployment.environment,
                delivery.deployment.checklist.title
            ),
            limit::THREAD_NAME,
        );
        let created = DiscordChannel::new(opening.channel.0)
            .create_thread_from_message(
                &self.http,
                DiscordMessage::new(opening.message.0),
                CreateThread::new(name).auto_archive_duration(AutoArchiveDuration::OneWeek),
            )
            .await;
        // A thread has the id of the message it hangs on, so a second try knows it, too.
        let thread = Posted {
            channel: ChannelId(opening.message.0),
            message: opening.message,
        };
        match created {
            Ok(_) => Ok(thread),
            Err(error) if code_of(&error) == Some(codes::THREAD_EXISTS) => Ok(thread),
            Err(error) => Err(trouble(&error)),
        }
    }

    /// Edits what was posted before; posts it where it was not, or where somebody deleted it.
    async fn show(&self, delivery: &Delivery<'_>, message: &Message) -> Result<Posted, Trouble> {
        if let Some(posted) = posted(delivery, delivery.owed).await? {
            match self.edit(&posted, message).await {
                Ok(()) => return Ok(posted),
                Err(Edited::Gone) => {}
                Err(Edited::Trouble(trouble)) => return Err(trouble),
            }
        }
        self.post_in_thread(delivery, message).await
    }

    async fn show_board(&self, delivery: &Delivery<'_>) -> Result<Posted, Trouble> {
        let message = board::board(delivery.deployment, delivery.owners, delivery.now);
        let before = posted(delivery, &Owed::Board).await?;
        let posted = self.show(delivery, &message).await?;
        if before == Some(posted) {
            return Ok(posted);
        }
        let pinned = DiscordChannel::new(posted.channel.0)
            .pin(&self.http, posted.message.0)
            .await;
        match pinned {
            Ok(()) => Ok(posted),
            // The board is there; without the permission it is only not pinned.
            Err(error) if status_of(&error) == Some(403) => {
                debug!("the board could not be pinned: the bot lacks the permission to pin messages");
                Ok(posted)
            }
            Err(error) => Err(trouble(&error)),
        }
    }

    async fn report_files(&self, deployment: &Deployment) -> Vec<File> {
        let names = names_in(&self.http, deployment).await;
        report_files(deployment, &names)
    }

    async fn post_in_thread(&self, delivery: &Delivery<'_>, message: &Message) -> Result<Posted, Trouble> {
        let thread = posted(delivery, &Owed::Thread)
            .await?
            .ok_or_else(|| Trouble::GiveUp {
                why: "its thread was never opened".to_owned(),
            })?;
        self.post(delivery, thread.channel, message).await
    }

    /// Posts once: the channel is read first where an earlier try may have posted it, as Discord tells repeats by the
    /// nonce only for a few minutes; the nonce is for a try that arrives while the channel is read.
    async fn post(
        &self,
        delivery: &Delivery<'_>,
        channel: ChannelId,
        message: &Message,
    ) -> Result<Posted, Trouble> {
        let _turn = self.turn(channel).await;
        let message = &marked(message, delivery);
        if delivery.posted_before == PostedBefore::Perhaps
            && let Some(found) = self.find(channel, delivery).await?
        {
            return Ok(found);
        }
        let create = wire::create(message)
            .nonce(Nonce::String(nonce(delivery)))
            .enforce_nonce(true);
        let body = wire::body(&create).map_err(|error| trouble(&error.into()))?;
        let posted = self
            .http
            .send_message(DiscordChannel::new(channel.0), wire::files(message), &body)
            .await
            .map_err(|error| trouble(&error))?;
        Ok(Posted {
            channel,
            message: MessageId(posted.id.get()),
        })
    }

    /// Looks for a message that may have been posted, from the newest back to when it became owed.
    async fn find(&self, channel: ChannelId, delivery: &Delivery<'_>) -> Result<Option<Posted>, Trouble> {
        let mark = mark(delivery);
        let line = small_print(delivery);
        let owed_since = delivery
            .owed_since
            .saturating_sub(CLOCKS_APART)
            .unwrap_or(delivery.owed_since);
        let mut asked = GetMessages::new().limit(PAGE);
        for _ in 0..PAGES {
            let page = DiscordChannel::new(channel.0)
                .messages(&self.http, asked)
                .await
                .map_err(|error| trouble(&error))?;
            if let Some(found) = page
                .iter()
                .find(|message| bears(message, self.bot.user, &mark, &line))
            {
                return Ok(Some(Posted {
                    channel,
                    message: MessageId(found.id.get()),
                }));
            }
            let oldest = page.iter().min_by_key(|message| message.id);
            let Some(oldest) = oldest.filter(|_| page.len() == usize::from(PAGE)) else {
                break;
            };
            if oldest.timestamp.unix_timestamp() < owed_since.as_second() {
                break;
            }
            asked = GetMessages::new().limit(PAGE).before(oldest.id);
        }
        Ok(None)
    }

    async fn edit(&self, posted: &Posted, message: &Message) -> Result<(), Edited> {
        let _turn = self.turn(posted.channel).await;
        let edited = match self.edit_once(posted, message).await {
            // Nothing was said in it for a week, so Discord closed the thread; a new message would open it, an edit does not.
            Err(error) if code_of(&error) == Some(codes::THREAD_ARCHIVED) => {
                self.reopen(posted.channel)
                    .await
                    .map_err(|error| Edited::Trouble(trouble(&error)))?;
                self.edit_once(posted, message).await
            }
            edited => edited,
        };
        match edited {
            Ok(()) => Ok(()),
            Err(error) if code_of(&error) == Some(codes::UNKNOWN_MESSAGE) => Err(Edited::Gone),
            Err(error) => Err(Edited::Trouble(trouble(&error))),
        }
    }

    async fn edit_once(&self, posted: &Posted, message: &Message) -> Result<(), serenity::Error> {
        let place = (
            DiscordChannel::new(posted.channel.0),
            DiscordMessage::new(posted.message.0),
            None,
        );
        wire::edit(message).execute(&self.http, place).await.map(|_| ())
    }

    async fn reopen(&self, thread: ChannelId) -> Result<(), serenity::Error> {
        DiscordChannel::new(thread.0)
            .edit_thread(&self.http, EditThread::new().archived(false))
            .await
            .map(|_| ())
    }

    async fn turn(&self, channel: ChannelId) -> tokio::sync::OwnedMutexGuard<()> {
        let queue = Arc::clone(self.queues.lock().await.entry(channel).or_default());
        pace::in_line(queue.lock_owned()).await
    }
}

#[async_trait]
impl Courier for DiscordCourier {
    async fn deliver(&self, delivery: Delivery<'_>) -> Result<Option<Posted>, Trouble> {
        pace::unless_it_waits(delivery.stop, self.carry(&delivery))
            .await
            .unwrap_or(Err(Trouble::Stopped))
    }
}

/// Reacts to a message ourselves, so that people need only click. Where we may not, they can still react by themselves.
pub(super) async fn offer(http: &Http, posted: &Posted, emoji: &str) -> Result<(), serenity::Error> {
    let offered = http
        .create_reaction(
            DiscordChannel::new(posted.channel.0),
            DiscordMessage::new(posted.message.0),
            &ReactionType::Unicode(emoji.to_owned()),
        )
        .await;
    match offered {
        Err(error) if status_of(&error) == Some(403) => Ok(()),
        offered => offered,
    }
}

/// The document as it stands, filled in.
pub(super) fn report_files(
    deployment: &Deployment,
    names: &HashMap<crate::domain::ids::UserId, String>,
) -> Vec<File> {
    let name = |user| {
        names
            .get(&user)
            .cloned()
            .unwrap_or_else(|| format!("user {user}"))
    };
    let document = report::document(deployment, &name);
    let stem = escape::label(deployment.checklist.name.as_str(), 60).replace(['/', '\\', ' '], "-");
    vec![File {
        name: format!("{stem}-{}.md", deployment.id.0),
        bytes: document.into_bytes(),
    }]
}

/// Why an edit was not made.
enum Edited {
    Gone,
    Trouble(Trouble),
}

/// Discord's JSON error codes that mean something to us (Discord's documentation, "JSON Error Codes").
mod codes {
    pub(super) const UNKNOWN_CHANNEL: isize = 10_003;
    pub(super) const UNKNOWN_MESSAGE: isize = 10_008;
    pub(super) const THREAD_ARCHIVED: isize = 50_083;
    pub(super) const THREAD_EXISTS: isize = 160_004;
    pub(super) const TOO_MANY_THREADS: isize = 160_006;
}

async fn posted(delivery: &Delivery<'_>, owed: &Owed) -> Result<Option<Posted>, Trouble> {
    let Some(remembered_as) = owed.remembered_as() else {
        return Ok(None);
    };
    delivery
        .engine
        .posted(delivery.deployment.id, &remembered_as)
        .await
        .map_err(|error| Trouble::Retry {
            after: None,
            why: error.to_string(),
        })
}

async fn remember(delivery: &Delivery<'_>, posted: &Posted) -> Result<(), Trouble> {
    let Some(remembered_as) = delivery.owed.remembered_as() else {
        return Ok(());
    };
    delivery
        .engine
        .remember(delivery.deployment.id, &remembered_as, *posted)
        .await
        .map_err(|error| Trouble::Retry {
            after: None,
            why: error.to_string(),
        })
}

/// What tells a message from all others of ours, so that it is found again when the reply to it was lost.
fn mark(delivery: &Delivery<'_>) -> String {
    format!("· m{}-{}", delivery.tag, delivery.id)
}

/// What Discord tells a repeat by. It takes 25 characters (Discord's documentation, "Create Message"): ours are six of the
/// tag, sixteen of the largest number, and three.
fn nonce(delivery: &Delivery<'_>) -> String {
    format!("hp{}-{:x}", delivery.tag, delivery.id)
}

fn of_deployment(delivery: &Delivery<'_>) -> String {
    format!("Deployment {} {}", delivery.deployment.id, mark(delivery))
}

fn small_print(delivery: &Delivery<'_>) -> String {
    format!("\n-# {}", of_deployment(delivery))
}

/// Whether a message is ours and bears a mark: another bot may quote it, and so may a person.
fn bears(message: &serenity::all::Message, us: serenity::all::UserId, mark: &str, line: &str) -> bool {
    let mut footers = message.embeds.iter().filter_map(|embed| embed.footer.as_ref());
    message.author.id == us
        // The whole line, as what a person wrote may end in the same few letters.
        && (message.content.ends_with(line) || footers.any(|footer| footer.text.ends_with(mark)))
}

/// The message with its mark in small print: in the frame's footer, or in a last line where it has no frame.
fn marked(message: &Message, delivery: &Delivery<'_>) -> Message {
    let mut message = message.clone();
    let mark = mark(delivery);
    match &mut message.embed {
        Some(embed) if embed.footer.is_empty() => embed.footer = of_deployment(delivery),
        Some(embed) => embed.footer = format!("{} {mark}", embed.footer),
        None => {
            let line = small_print(delivery);
            let room = limit::CONTENT - line.chars().count();
            message.content = escape::shortened(&message.content, room) + &line;
        }
    }
    message
}

/// What went wrong, as the outbox understands it.
fn trouble(error: &serenity::Error) -> Trouble {
    let why = with_sources(error);
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(ErrorResponse {
            status_code, error, ..
        })) => {
            match status_code.as_u16() {
                401 => Trouble::Retry {
                    after: Some(NOT_PERMITTED_WAIT),
                    why,
                },
                403 => Trouble::Retry {
                    after: Some(NOT_PERMITTED_WAIT),
                    why: format!("{why}; give the bot the permissions the README names"),
                },
                404 if error.code == codes::UNKNOWN_CHANNEL => Trouble::GiveUp {
                    why: "the channel was deleted".to_owned(),
                },
                404 => Trouble::GiveUp { why },
                // Room for another thread comes with time.
                400 if error.code == codes::TOO_MANY_THREADS => Trouble::Retry {
                    after: Some(NOT_PERMITTED_WAIT),
                    why,
                },
                400 => Trouble::GiveUp {
                    why: format!("Discord does not take the message: {why}"),
                },
                // It may have been posted before the server failed.
                500.. => Trouble::Unknown { why },
                _ => Trouble::Retry { after: None, why },
            }
        }
        // serenity itself refused it; it never left.
        serenity::Error::Model(_) => Trouble::GiveUp { why },
        serenity::Error::Http(HttpError::Request(error)) if error.is_connect() || error.is_builder() => {
            Trouble::Retry { after: None, why }
        }
        _ => Trouble::Unknown { why },
    }
}

/// Discord's own code for what went wrong, where it gave one.
pub(super) fn code_of(error: &serenity::Error) -> Option<isize> {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => Some(response.error.code),
        _ => None,
    }
}

fn status_of(error: &serenity::Error) -> Option<u16> {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            Some(response.status_code.as_u16())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use serenity::all::UserId;

    use super::bears;

    const US: UserId = UserId::new(7);
    const MARK: &str = "· m0a1b2c-3";
    const LINE: &str = "\n-# Deployment #1 · m0a1b2c-3";

    fn message(author: u64, content: &str, footer: &str) -> serde_json::Result<serenity::all::Message> {
        let embeds: Value = match footer {
            "" => json!([]),
            text => json!([{ "type": "rich", "footer": { "text": text } }]),
        };
        serde_json::from_value(json!({
            "id": "1",
            "channel_id": "2",
            "author": { "id": author.to_string(), "username": "somebody", "discriminator": "0", "bot": true, "avatar": null },
            "content": content,
            "timestamp": "2026-03-06T09:00:00.000000+00:00",
            "edited_timestamp": null,
            "tts": false,
            "mention_everyone": false,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": embeds,
            "pinned": false,
            "type": 0,
        }))
    }

    #[test]
    fn only_our_own_message_with_the_whole_mark_is_found_again() -> serde_json::Result<()> {
        let said = format!("A ping{LINE}");
        let framed = format!("Deployment #1 {MARK}");
        assert!(bears(&message(7, &said, "")?, US, MARK, LINE));
        assert!(bears(&message(7, "A card", &framed)?, US, MARK, LINE));
        // Another bot on the same checklists, or one that quotes ours.
        assert!(!bears(&message(8, &said, "")?, US, MARK, LINE));
        assert!(!bears(&message(8, "A card", &framed)?, US, MARK, LINE));
        // Another database of ours, and another message.
        let other = "Deployment #1 · m9f8e7d-3";
        assert!(!bears(&message(7, "A card", other)?, US, MARK, LINE));
        assert!(!bears(
            &message(7, &format!("m0a1b2c-3 {MARK}"), "")?,
            US,
            MARK,
            LINE
        ));
        Ok(())
    }
}
