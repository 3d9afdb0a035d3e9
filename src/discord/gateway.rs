//! The gateway: events come in, each is handled in a task that a shutdown waits for.

use std::sync::Arc;

use metrics::{counter, gauge};
use serde::Deserialize;
use serenity::all::{
    ChannelId, Context, Event, EventHandler, GatewayError as SerenityGatewayError, GatewayIntents,
    Interaction, MessageId, RawEventHandler, Reaction, Ready, ResumedEvent,
};
use serenity::async_trait;
use tracing::{error, info, warn};

use super::{Bot, GatewayState, pace};

/// What we ask to be told: guilds, as threads belong to them, and reactions, as they sign. Neither is privileged.
pub(super) const INTENTS: GatewayIntents =
    GatewayIntents::GUILDS.union(GatewayIntents::GUILD_MESSAGE_REACTIONS);

/// Events without which the bot would be deaf; one of them undecoded is an alarm.
const NEEDED_EVENTS: [&str; 7] = [
    "READY",
    "RESUMED",
    "INTERACTION_CREATE",
    "MESSAGE_REACTION_ADD",
    "MESSAGE_REACTION_REMOVE",
    "MESSAGE_REACTION_REMOVE_ALL",
    EMOJI_CLEARED,
];
const EMOJI_CLEARED: &str = "MESSAGE_REACTION_REMOVE_EMOJI";

/// Why the connection ended.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Discord does not take the token.
    #[error(
        "Discord refuses the token at the gateway. Copy it again from the application's Bot page and set HOLDPOINT__DISCORD__TOKEN"
    )]
    TokenRefused,
    /// Discord does not give us the events we ask for.
    #[error("Discord refuses the events the bot needs (close code {code}); check the application's settings")]
    IntentsRefused {
        /// Discord's close code.
        code: u16,
    },
    /// The connection could not be brought back.
    #[error(
        "the gateway has not answered for {seconds} s and restarting it did not help; stopping, so that a supervisor starts afresh"
    )]
    Lost {
        /// For how long.
        seconds: u64,
    },
    /// Anything else.
    #[error("the gateway failed: {why}")]
    Failed {
        /// What serenity says.
        why: String,
    },
}

impl From<serenity::Error> for GatewayError {
    fn from(error: serenity::Error) -> Self {
        match error {
            serenity::Error::Gateway(SerenityGatewayError::InvalidAuthentication) => Self::TokenRefused,
            serenity::Error::Gateway(SerenityGatewayError::InvalidGatewayIntents) => {
                Self::IntentsRefused { code: 4013 }
            }
            serenity::Error::Gateway(SerenityGatewayError::DisallowedGatewayIntents) => {
                Self::IntentsRefused { code: 4014 }
            }
            error => Self::Failed {
                why: super::connect::with_sources(&error),
            },
        }
    }
}

pub(super) struct Handler {
    pub(super) bot: Arc<Bot>,
}

#[async_trait]
impl EventHandler for Handler {
    async fn ready(&self, _: Context, ready: Ready) {
        info!(
            bot.name = ready.user.name,
            guilds = ready.guilds.len(),
            "connected to Discord"
        );
        self.bot.is_up();
        // This is a new session: what happened since the last one is nowhere but in the messages' reactions.
        let bot = Arc::clone(&self.bot);
        self.bot
            .begin_look(async move { bot.reconcile_all(&bot.http).await });
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        info!("the session with Discord goes on");
        self.bot.is_up();
    }

    async fn interaction_create(&self, _: Context, interaction: Interaction) {
        let bot = Arc::clone(&self.bot);
        self.bot
            .tasks
            .spawn(async move { Box::pin(bot.interaction(&bot.http, interaction)).await });
    }

    async fn reaction_add(&self, _: Context, reaction: Reaction) {
        let bot = Arc::clone(&self.bot);
        self.bot
            .begin_look(async move { bot.reacted(&bot.http, reaction).await });
    }

    async fn reaction_remove(&self, _: Context, reaction: Reaction) {
        let bot = Arc::clone(&self.bot);
        self.bot
            .begin_look(async move { bot.unreacted(&bot.http, reaction).await });
    }

    async fn reaction_remove_all(&self, _: Context, channel: ChannelId, message: MessageId) {
        self.bot.spawn_cleared(channel, message, None);
    }
}

impl Bot {
    fn spawn_cleared(self: &Arc<Self>, channel: ChannelId, message: MessageId, emoji: Option<String>) {
        let bot = Arc::clone(self);
        self.begin_look(async move {
            bot.cleared(&bot.http, channel, message, emoji.as_deref()).await;
        });
    }

    fn is_up(&self) {
        gauge!("holdpoint_gateway_up").set(1.0);
        self.state.send_replace(GatewayState::Up);
    }

    /// Looks at reactions in a task that a shutdown waits for, unless it waits itself: the next start looks at them all.
    pub(super) fn begin_look(&self, look: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            // Whether it was dropped is no matter.
            let _ = pace::unless_it_waits(&stopping, look).await;
        });
    }
}

/// Sees to events that serenity could not decode, which it drops with a line at debug level: one of them is understood here,
/// of the others it is told.
pub(super) struct Undecoded {
    pub(super) bot: Arc<Bot>,
}

#[async_trait]
impl RawEventHandler for Undecoded {
    async fn raw_event(&self, _: Context, event: Event) {
        let Event::Unknown(unknown) = event else {
            return;
        };
        if unknown.kind == EMOJI_CLEARED
            && let Ok(cleared) = EmojiCleared::deserialize(&unknown.value)
        {
            let emoji = cleared.emoji.name.unwrap_or_default();
            return self
                .bot
                .spawn_cleared(cleared.channel_id, cleared.message_id, Some(emoji));
        }
        if NEEDED_EVENTS.contains(&unknown.kind.as_str()) {
            counter!("holdpoint_unknown_events_total").increment(1);
            error!(
                event = unknown.kind,
                "an event that the bot needs could not be understood and was lost"
            );
        } else {
            warn!(
                event = unknown.kind,
                "an event was not understood; the bot does not need it"
            );
        }
    }
}

/// A moderator took every reaction of an emoji away. serenity takes this event for a whole reaction, which has more fields.
#[derive(Deserialize)]
struct EmojiCleared {
    channel_id: ChannelId,
    message_id: MessageId,
    emoji: ClearedEmoji,
}

#[derive(Deserialize)]
struct ClearedEmoji {
    name: Option<String>,
}
