//! Sign-off by reaction. A reaction event is a hint; who reacts on the card now is the truth, and it is read from Discord.

use std::collections::BTreeSet;
use std::sync::Arc;

use serenity::all::{
    Builder, ChannelId as DiscordChannel, Http, MessageId as DiscordMessage, Reaction, ReactionType,
};
use tracing::{error, warn};

use super::asked::SNOOZE;
use super::connect::with_sources;
use super::courier::{APPROVE, REJECT, SEEN};
use super::interactions::refused;
use super::looks::{Hint, Offers};
use super::reacting::{offer_again, reacting, shown};
use super::render::answer;
use super::render::message::Message;
use super::{Bot, people, wire};
use crate::domain::command::{ActingAs, CardAnswer, Command};
use crate::domain::deployment::{Deployment, Phase};
use crate::domain::ids::{DeploymentId, InputId, MessageId, RoleKey, UserId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::Person;
use crate::domain::sign_off::Holder;
use crate::engine::{Fault, HandleError, Input, Posted, Wish};

/// A sign-off card.
struct Card {
    deployment: DeploymentId,
    role: RoleKey,
    request: u32,
    posted: Posted,
}

impl Card {
    /// An answer on this very card, which counts only while no newer one asks.
    fn answered_with(&self, answer: CardAnswer) -> Command {
        Command::AnswerCard {
            role: self.role.clone(),
            request: self.request,
            answer,
        }
    }
}

/// Why a look at a card was not finished.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error("{}", with_sources(.0.as_ref()))]
    Discord(Box<serenity::Error>),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<serenity::Error> for LookError {
    fn from(error: serenity::Error) -> Self {
        Self::Discord(Box::new(error))
    }
}

impl From<HandleError> for LookError {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Fault(fault) => Self::Fault(fault),
            // A refusal is answered where it arises; what reaches here could only be a deployment that is gone.
            HandleError::Refused(refusal) => Self::Fault(Fault::CommitFailed {
                why: refusal.to_string(),
            }),
        }
    }
}

/// What kept single people from being heard. What Discord does not tell of one does not keep the others waiting; a fault
/// of ours does.
#[derive(Default)]
struct Unheard(Option<Box<serenity::Error>>);

impl Unheard {
    fn note(&mut self, heard: Result<(), LookError>) -> Result<(), LookError> {
        match heard {
            Ok(()) => Ok(()),
            Err(LookError::Discord(error)) => {
                self.0.get_or_insert(error);
                Ok(())
            }
            Err(fault @ LookError::Fault(_)) => Err(fault),
        }
    }

    fn first(self) -> Result<(), LookError> {
        self.0.map_or(Ok(()), |error| Err(LookError::Discord(error)))
    }
}

impl Bot {
    pub(super) async fn reacted(&self, http: &Http, reaction: Reaction) {
        // Bots sign nothing; most of their reactions are those that we offer ourselves.
        if reaction.member.as_ref().is_some_and(|member| member.user.bot) {
            return;
        }
        if let Some(card) = self.card_of(&reaction).await {
            let by = reaction.user_id.map(|user| UserId(user.get()));
            self.look_and_log(http, &card, Hint::reacted(by)).await;
        }
    }

    pub(super) async fn unreacted(&self, http: &Http, reaction: Reaction) {
        let Some(card) = self.card_of(&reaction).await else {
            return;
        };
        if let (Some(user), ReactionType::Unicode(emoji)) = (reaction.user_id, &reaction.emoji) {
            let answered = answered(card.posted.message, UserId(user.get()), emoji);
            self.forget_answers(answered.as_str()).await;
        }
        self.look_and_log(http, &card, Hint::default()).await;
    }

    /// A moderator took every reaction away, or every one of an emoji.
    pub(super) async fn cleared(
        &self,
        http: &Http,
        channel: DiscordChannel,
        message: DiscordMessage,
        emoji: Option<&str>,
    ) {
        if emoji.is_some_and(|emoji| ![APPROVE, REJECT, SEEN].contains(&emoji)) {
            return;
        }
        if let Some(card) = self.card_at(channel, message).await {
            let of_emoji = emoji.map_or_else(String::new, |emoji| format!("{emoji}:"));
            self.forget_answers(&format!("answered:{}:{of_emoji}", card.posted.message))
                .await;
            self.look_and_log(http, &card, Hint::missed()).await;
        }
    }

    /// Whoever's reaction is taken away and given again is answered again.
    async fn forget_answers(&self, beginning: &str) {
        if let Err(error) = self.engine.forget_all(beginning).await {
            warn!(error = %error, "an answered reaction could not be forgotten");
        }
    }

    /// Looks at every card that may have been reacted to while nobody listened.
    pub(super) async fn reconcile_all(&self, http: &Http) {
        let posted = match self.engine.posted_cards().await {
            Ok(posted) => posted,
            Err(error) => {
                error!(error = %error, "sign-off cards cannot be read; reactions made meanwhile are not counted yet");
                return;
            }
        };
        for (deployment, remembered_as, posted) in posted {
            if let Some((role, request)) = card_name(&remembered_as) {
                let card = Card {
                    deployment,
                    role,
                    request,
                    posted,
                };
                self.look_and_log(http, &card, Hint::missed()).await;
            }
        }
    }

    /// Looks at a card that has just been posted: somebody may have reacted before it was known to be a card, most of
    /// all when the bot was cut off in between.
    pub(super) fn look_at_new_card(
        self: &Arc<Self>,
        http: &Arc<Http>,
        deployment: DeploymentId,
        role: RoleKey,
        request: u32,
        posted: Posted,
    ) {
        let (bot, http) = (Arc::clone(self), Arc::clone(http));
        let card = Card {
            deployment,
            role,
            request,
            posted,
        };
        self.begin_look(async move { bot.look_and_log(&http, &card, Hint::default()).await });
    }

    async fn card_of(&self, reaction: &Reaction) -> Option<Card> {
        let ReactionType::Unicode(emoji) = &reaction.emoji else {
            return None;
        };
        if ![APPROVE, REJECT, SEEN].contains(&emoji.as_str()) {
            return None;
        }
        self.card_at(reaction.channel_id, reaction.message_id).await
    }

    async fn card_at(&self, channel: DiscordChannel, message: DiscordMessage) -> Option<Card> {
        let message = MessageId(message.get());
        let found = match self.engine.deployment_of_message(message).await {
            Ok(found) => found,
            Err(error) => {
                error!(error = %error, "a reaction could not be looked up; it is counted when the bot connects again");
                return None;
            }
        };
        let (deployment, remembered_as) = found?;
        let (role, request) = card_name(&remembered_as)?;
        let channel = crate::domain::ids::ChannelId(channel.get());
        Some(Card {
            deployment,
            role,
            request,
            posted: Posted { channel, message },
        })
    }

    async fn look_and_log(&self, http: &Http, card: &Card, hint: Hint) {
        let Some((mut turn, hint)) = self.cards.turn(card.posted.message, hint) else {
            return;
        };
        let mut wanted = Some(hint);
        while let Some(hint) = wanted {
            if let Err(error) = self.look(http, card, &hint).await {
                error!(
                    deployment = card.deployment.0,
                    role = card.role.as_str(),
                    error = %error,
                    "a sign-off card could not be read; its reactions are counted when the next one is made or the bot connects again"
                );
            }
            wanted = turn.again();
        }
    }

    /// Makes what is signed agree with who reacts on the card now.
    async fn look(&self, http: &Http, card: &Card, hint: &Hint) -> Result<(), LookError> {
        let Some(deployment) = self.engine.any_deployment(card.deployment).await? else {
            return Ok(());
        };
        let running = !matches!(deployment.phase, Phase::Finished(_));
        let current = deployment.sign_offs.get(&card.role);
        let lives = running && current.is_some_and(|sign_off| sign_off.requests == card.request);
        let counted = shown(http, &card.posted).await?;
        let rejecting = reacting(http, &card.posted, &counted, REJECT).await?;
        let approving: BTreeSet<UserId> = reacting(http, &card.posted, &counted, APPROVE)
            .await?
            .difference(&rejecting)
            .copied()
            .collect();
        // One person of whom nothing can be told must not stand in the way of the others.
        let mut unheard = Unheard::default();
        if running && let Some(sign_off) = current {
            // What was taken back goes first, so that who changes their mind is heard in both. A signature is taken back
            // on the card it was given on, also when a newer one asks.
            let given_here = sign_off
                .signatures
                .iter()
                .filter(|signature| signature.request == card.request);
            let gone = given_here
                .map(|signature| signature.by)
                .filter(|user| !approving.contains(user) && !rejecting.contains(user));
            let rejections = sign_off.rejections().map(|rejection| rejection.by);
            let gone_no = rejections.filter(|user| lives && !rejecting.contains(user));
            for user in gone.chain(gone_no) {
                unheard.note(self.withdraw(http, card, &deployment, user).await)?;
            }
        }
        if !lives {
            // Whoever answered it in its time has done nothing wrong and is left in peace.
            let answering = |user: &&UserId| approving.contains(user) || rejecting.contains(user);
            for user in hint.by.iter().copied().filter(|user| answering(&user)) {
                let emoji = if rejecting.contains(&user) {
                    REJECT
                } else {
                    APPROVE
                };
                let old = answer::old_card(&deployment, &card.role);
                unheard.note(self.answer(http, card, user, emoji, old).await)?;
            }
            return unheard.first();
        }
        let has_rejected =
            |user: &UserId| current.is_some_and(|sign_off| sign_off.rejection_of(*user).is_some());
        let has_signed =
            |user: &UserId| current.is_some_and(|sign_off| sign_off.signature_of(*user).is_some());
        for user in rejecting.iter().filter(|user| !has_rejected(user)) {
            if self.came_too_early(card, *user, REJECT, hint).await? {
                continue;
            }
            let reject = CardAnswer::Reject { reason: None };
            unheard.note(self.act(http, card, &deployment, *user, REJECT, reject).await)?;
        }
        for user in approving.iter().filter(|user| !has_signed(user)) {
            if self.came_too_early(card, *user, APPROVE, hint).await? {
                continue;
            }
            let approve = CardAnswer::Approve;
            unheard.note(self.act(http, card, &deployment, *user, APPROVE, approve).await)?;
        }
        let pings = current
            .and_then(|sign_off| sign_off.request.as_ref())
            .map_or(0, |request| request.pings);
        for user in reacting(http, &card.posted, &counted, SEEN).await? {
            // Eyes left from an earlier ping say nothing of a later one, unless they have just been given.
            if pings == 0 || hint.by.contains(&user) {
                unheard.note(self.acknowledge(http, card, user, pings).await)?;
            }
        }
        if hint.offers == Offers::MayBeGone {
            unheard.note(
                offer_again(http, &card.posted, &counted)
                    .await
                    .map_err(LookError::from),
            )?;
        }
        unheard.first()
    }

    /// Whether somebody reacted while the request rested, and was told that it does not count. Once the request goes on, it
    /// is about something they have not looked at, so they have to react anew.
    async fn came_too_early(
        &self,
        card: &Card,
        user: UserId,
        emoji: &str,
        hint: &Hint,
    ) -> Result<bool, LookError> {
        if hint.by.contains(&user) {
            return Ok(false);
        }
        let early = too_early(card.posted.message, user, emoji);
        Ok(self.engine.is_remembered(&early).await?)
    }

    /// Lets somebody sign, with the roles they hold now; a refusal is told them once.
    async fn act(
        &self,
        http: &Http,
        card: &Card,
        deployment: &Deployment,
        user: UserId,
        emoji: &str,
        answer: CardAnswer,
    ) -> Result<(), LookError> {
        let Some(person) = people::look_up(http, deployment.guild, user).await? else {
            return Ok(());
        };
        let command = card.answered_with(answer);
        self.carry_out_on(http, card, deployment, person, emoji, command)
            .await
    }

    async fn withdraw(
        &self,
        http: &Http,
        card: &Card,
        deployment: &Deployment,
        user: UserId,
    ) -> Result<(), LookError> {
        // Who has left the server can still take their own reaction away; no role is needed for that.
        let person = people::look_up(http, deployment.guild, user)
            .await
            .unwrap_or_else(|error| {
                warn!(
                    error = with_sources(&error),
                    "who withdraws could not be looked up"
                );
                None
            });
        let person = person.unwrap_or_else(|| Person {
            id: user,
            discord_roles: Vec::new(),
            manages_server: false,
        });
        let command = Command::Withdraw {
            role: card.role.clone(),
        };
        self.carry_out_on(http, card, deployment, person, "withdraw", command)
            .await
    }

    /// Does what a reaction on a card asks for; a refusal is told to whoever reacted.
    async fn carry_out_on(
        &self,
        http: &Http,
        card: &Card,
        deployment: &Deployment,
        person: Person,
        deed: &str,
        command: Command,
    ) -> Result<(), LookError> {
        let user = person.id;
        let input = Input {
            // The number of events tells one signature from the next by the same hand.
            id: InputId::new(format!(
                "reaction:{}:{user}:{deed}:{}",
                card.posted.message, deployment.seq
            )),
            guild: Some(deployment.guild),
            actor: ActingAs::Person(person),
            wish: Wish::Change {
                deployment: deployment.id,
                command,
            },
        };
        match self.engine.handle(input).await {
            Ok(_) => Ok(()),
            Err(HandleError::Fault(fault)) => Err(fault.into()),
            Err(error @ HandleError::Refused(Refusal::SignOffNotReady { .. })) => {
                self.engine
                    .is_first(&too_early(card.posted.message, user, deed))
                    .await?;
                let told = answer::react_anew(refused(error));
                self.answer(http, card, user, deed, told).await
            }
            Err(error @ HandleError::Refused(_)) => self.answer(http, card, user, deed, refused(error)).await,
        }
    }

    async fn acknowledge(&self, http: &Http, card: &Card, user: UserId, pings: u32) -> Result<(), LookError> {
        let Some(deployment) = self.engine.any_deployment(card.deployment).await? else {
            return Ok(());
        };
        if !deployment.asked_roles().any(|role| *role == card.role) {
            return Ok(());
        }
        let Some(person) = people::look_up(http, deployment.guild, user).await? else {
            return Ok(());
        };
        let input = Input {
            // One look snoozes one ping; the next ping wants another.
            id: InputId::new(format!("reaction:{}:{user}:{SEEN}:{pings}", card.posted.message)),
            guild: Some(deployment.guild),
            actor: ActingAs::Person(person),
            wish: Wish::Change {
                deployment: deployment.id,
                command: card.answered_with(CardAnswer::Acknowledge { snooze: SNOOZE }),
            },
        };
        match self.engine.handle(input).await {
            // Anybody may look.
            Ok(_) | Err(HandleError::Refused(_)) => Ok(()),
            Err(HandleError::Fault(fault)) => Err(fault.into()),
        }
    }

    /// Tells somebody why their reaction does not count, once.
    async fn answer(
        &self,
        http: &Http,
        card: &Card,
        user: UserId,
        emoji: &str,
        sentence: Message,
    ) -> Result<(), LookError> {
        let answered = answered(card.posted.message, user, emoji);
        let new = self.engine.is_first(&answered).await?;
        if !new {
            return Ok(());
        }
        let message = Message {
            content: format!("<@{user}> {}", sentence.content),
            pings: vec![Holder::Member(user)],
            ..sentence
        };
        let sent = wire::create(&message)
            .reference_message((
                DiscordChannel::new(card.posted.channel.0),
                DiscordMessage::new(card.posted.message.0),
            ))
            .execute(http, (DiscordChannel::new(card.posted.channel.0), None))
            .await;
        if let Err(error) = sent {
            // They were not told, so they are at the next look.
            self.engine.forget(&answered).await?;
            return Err(error.into());
        }
        Ok(())
    }
}

fn answered(message: MessageId, user: UserId, emoji: &str) -> InputId {
    InputId::new(format!("answered:{message}:{emoji}:{user}:"))
}

/// Remembered beside the answer, and forgotten with it.
fn too_early(message: MessageId, user: UserId, emoji: &str) -> InputId {
    let answered = answered(message, user, emoji);
    InputId::new(format!("{}too-early", answered.as_str()))
}

/// The role and the request of a card, from what it is remembered as.
fn card_name(remembered_as: &str) -> Option<(RoleKey, u32)> {
    let (role, request) = remembered_as.strip_prefix("card:")?.rsplit_once(':')?;
    Some((RoleKey::new(role), request.parse().ok()?))
}
