//! Gateway sessions: what each is owed, and what it has been sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::clock::instant;
use crate::snowflake::Snowflake;
use crate::world::World;

/// The intent to hear of guilds, channels and threads.
pub(crate) const GUILDS: u64 = 1;
/// The privileged intent to hear of members.
pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
const GUILD_PRESENCES: u64 = 1 << 8;
const GUILD_MESSAGES: u64 = 1 << 9;
const GUILD_MESSAGE_REACTIONS: u64 = 1 << 10;
const DIRECT_MESSAGES: u64 = 1 << 12;
const DIRECT_MESSAGE_REACTIONS: u64 = 1 << 13;
const MESSAGE_CONTENT: u64 = 1 << 15;
/// The intents that must be granted by Discord.
pub(crate) const PRIVILEGED: u64 = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT;
/// Every intent bit that Discord documents.
pub(crate) const KNOWN: u64 = 0x0001_FFFF | (0b11 << 20) | (0b11 << 24);

/// Something to put on a session's socket.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// A payload.
    Text(String),
    /// A close frame with this code.
    Close(u16),
    /// The end of the socket without a word.
    Drop,
}

/// Whether heartbeats are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeartbeatAnswers {
    /// Each is acknowledged.
    #[default]
    Given,
    /// None is, as when Discord's side of the connection is dead.
    Withheld,
}

/// Whether a new connection is greeted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Greeting {
    /// HELLO is sent at once.
    #[default]
    Given,
    /// The upgrade is accepted and no HELLO follows, so that a client waits for ever.
    Withheld,
}

/// One gateway session, connected or awaiting its RESUME.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) intents: u64,
    shard: Option<(u64, u64)>,
    sequence: u64,
    /// The last sequence number that went to the socket.
    sent: u64,
    buffer: VecDeque<(u64, String)>,
    out: Option<mpsc::UnboundedSender<Frame>>,
    connection: u64,
    /// Since when it has had no socket.
    detached: Option<Instant>,
}

/// All sessions, with what tests do to them.
#[derive(Debug)]
pub(crate) struct Sessions {
    known: Vec<Session>,
    buffer_limit: usize,
    resume_window: Duration,
    next_connection: u64,
    held: bool,
    last_interaction: Option<(Option<Snowflake>, Value)>,
    pub(crate) heartbeat_answers: HeartbeatAnswers,
    pub(crate) greeting: Greeting,
    pub(crate) identified: u64,
    pub(crate) resumed: u64,
}

/// What came of a RESUME.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumption {
    Done,
    /// The session is gone, or its missed events are.
    Invalid,
}

impl Session {
    fn push(&mut self, event: &str, data: &Value, limit: usize) {
        self.sequence += 1;
        let text = format!(r#"{{"op":0,"s":{},"t":"{event}","d":{data}}}"#, self.sequence);
        self.buffer.push_back((self.sequence, text));
        while self.buffer.len() > limit {
            self.buffer.pop_front();
        }
    }

    fn flush(&mut self) {
        let Some(out) = &self.out else {
            return;
        };
        let unsent = self.sequence.saturating_sub(self.sent) as usize;
        let skipped = self.buffer.len().saturating_sub(unsent);
        for (sequence, text) in self.buffer.iter().skip(skipped) {
            if out.send(Frame::Text(text.clone())).is_ok() {
                self.sent = *sequence;
            }
        }
    }

    fn covers(&self, guild: Option<Snowflake>) -> bool {
        match (self.shard, guild) {
            (Some((shard, shards)), Some(guild)) => (guild.get() >> 22) % shards.max(1) == shard,
            (Some((shard, _)), None) => shard == 0,
            (None, _) => true,
        }
    }
}

impl Sessions {
    pub(crate) fn new(buffer_limit: usize, resume_window: Duration) -> Self {
        Self {
            known: Vec::new(),
            buffer_limit,
            resume_window,
            next_connection: 1,
            held: false,
            last_interaction: None,
            heartbeat_answers: HeartbeatAnswers::Given,
            greeting: Greeting::Given,
            identified: 0,
            resumed: 0,
        }
    }

    pub(crate) fn connection(&mut self) -> u64 {
        self.next_connection += 1;
        self.next_connection
    }

    pub(crate) fn connected(&self) -> bool {
        self.known.iter().any(|session| session.out.is_some())
    }

    /// Continues a session after `sequence`, when everything since is still at hand.
    pub(crate) fn resume(
        &mut self,
        id: &str,
        token: &str,
        sequence: u64,
        connection: u64,
        out: mpsc::UnboundedSender<Frame>,
    ) -> Resumption {
        let limit = self.buffer_limit;
        let held = self.held;
        self.forget_the_lost();
        let Some(session) = self
            .known
            .iter_mut()
            .find(|session| session.id == id && session.token == token)
        else {
            return Resumption::Invalid;
        };
        let at_hand = session
            .buffer
            .front()
            .map_or(session.sequence + 1, |(first, _)| *first);
        if sequence > session.sequence || sequence + 1 < at_hand {
            return Resumption::Invalid;
        }
        if let Some(old) = session.out.replace(out) {
            drop(old.send(Frame::Close(4000)));
        }
        session.connection = connection;
        session.detached = None;
        session.sent = sequence;
        session.push("RESUMED", &json!({ "_trace": [] }), limit);
        if !held {
            session.flush();
        }
        self.resumed += 1;
        Resumption::Done
    }

    /// The socket of a session is gone; the session waits for a RESUME.
    pub(crate) fn detach(&mut self, connection: u64) {
        for session in &mut self.known {
            if session.connection == connection {
                session.out = None;
                session.detached = Some(instant());
            }
        }
    }

    /// Forgets a session, so that it cannot be resumed.
    pub(crate) fn forget(&mut self, connection: u64) {
        self.known.retain(|session| session.connection != connection);
    }

    /// Forgets the sessions that nobody has resumed in time.
    fn forget_the_lost(&mut self) {
        let (now, window) = (instant(), self.resume_window);
        self.known.retain(|session| {
            session
                .detached
                .is_none_or(|since| now.duration_since(since) < window)
        });
    }

    fn dispatch(&mut self, guild: Option<Snowflake>, intents: u64, event: &str, data: &Value) {
        let (limit, held) = (self.buffer_limit, self.held);
        for session in &mut self.known {
            let wanted = intents == 0 || session.intents & intents != 0;
            if wanted && session.covers(guild) {
                session.push(event, data, limit);
                if !held {
                    session.flush();
                }
            }
        }
    }

    /// Puts a frame that is no dispatch on every open socket.
    pub(crate) fn broadcast(&self, frame: &Frame) {
        for out in self.known.iter().filter_map(|session| session.out.as_ref()) {
            drop(out.send(frame.clone()));
        }
    }

    /// Makes every session unknown, connected or not.
    pub(crate) fn forget_all(&mut self) {
        self.known.clear();
    }

    pub(crate) fn hold(&mut self) {
        self.held = true;
    }

    pub(crate) fn release(&mut self) {
        self.held = false;
        for session in &mut self.known {
            session.flush();
        }
    }
}

impl World {
    /// Starts a session: READY, then a `GUILD_CREATE` for every guild of the bot's.
    pub(crate) fn identify(
        &mut self,
        token: &str,
        intents: u64,
        shard: Option<(u64, u64)>,
        connection: u64,
        out: mpsc::UnboundedSender<Frame>,
    ) {
        self.gateway.identified += 1;
        let id = format!(
            "{:032x}",
            u128::from(self.new_id().get()) << 32 | u128::from(connection)
        );
        let mut session = Session {
            id: id.clone(),
            token: token.to_owned(),
            intents,
            shard,
            sequence: 0,
            sent: 0,
            buffer: VecDeque::new(),
            out: Some(out),
            connection,
            detached: None,
        };
        self.gateway.forget_the_lost();
        let guilds: Vec<_> = self
            .guilds
            .values()
            .filter(|guild| guild.members.contains_key(&self.bot) && session.covers(Some(guild.id)))
            .collect();
        let mut user = self.user_json(self.bot);
        user["verified"] = json!(true);
        user["mfa_enabled"] = json!(false);
        user["email"] = Value::Null;
        let mut ready = json!({
            "v": 10,
            "user": user,
            "user_settings": {},
            "guilds": guilds.iter().map(|guild| json!({ "id": guild.id, "unavailable": true })).collect::<Vec<_>>(),
            "guild_join_requests": [],
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "geo_ordered_rtc_regions": [],
            "session_type": "normal",
            "session_id": id,
            "resume_gateway_url": self.gateway_url(),
            "application": { "id": self.application, "flags": 0 },
            "_trace": [],
        });
        if let Some((shard, shards)) = shard {
            ready["shard"] = json!([shard, shards]);
        }
        let limit = self.options.resume_buffer;
        session.push("READY", &ready, limit);
        if intents & GUILDS != 0 {
            for guild in guilds {
                session.push("GUILD_CREATE", &self.guild_create_json(guild), limit);
            }
        }
        session.flush();
        self.gateway.known.push(session);
        self.tell_of_connection();
    }

    pub(crate) fn gateway_url(&self) -> String {
        format!("{}/gateway/", self.base.replacen("http", "ws", 1))
    }

    pub(crate) fn tell_of_connection(&self) {
        self.tell_page("connected", json!({ "connected": self.gateway.connected() }));
    }

    /// Sends an event of a guild in which the bot is, to sessions with one of the intents; zero needs none.
    pub(crate) fn dispatch_to_guild(
        &mut self,
        guild: Option<Snowflake>,
        intents: u64,
        event: &str,
        data: &Value,
    ) {
        if guild.is_none_or(|guild| self.bot_is_in(guild)) {
            self.gateway.dispatch(guild, intents, event, data);
        }
    }

    /// Sends a message event; `closed` is set when sessions without the content intent must not read it.
    pub(crate) fn dispatch_message_event(
        &mut self,
        guild: Option<Snowflake>,
        event: &str,
        data: &Value,
        closed: Option<Snowflake>,
    ) {
        if guild.is_some_and(|guild| !self.bot_is_in(guild)) {
            return;
        }
        let intent = if guild.is_some() {
            GUILD_MESSAGES
        } else {
            DIRECT_MESSAGES
        };
        let mut blank = data.clone();
        if closed.is_some() && guild.is_some() {
            blank["content"] = json!("");
            for list in ["embeds", "attachments", "components"] {
                blank[list] = json!([]);
            }
        }
        let (limit, held) = (self.gateway.buffer_limit, self.gateway.held);
        for session in &mut self.gateway.known {
            if session.intents & intent != 0 && session.covers(guild) {
                let reads = session.intents & MESSAGE_CONTENT != 0;
                session.push(event, if reads { data } else { &blank }, limit);
                if !held {
                    session.flush();
                }
            }
        }
    }

    pub(crate) fn dispatch_reaction(&mut self, channel: Snowflake, event: &str, data: &Value) {
        let guild = self.channels.get(&channel).and_then(|found| found.guild);
        let intent = if guild.is_some() {
            GUILD_MESSAGE_REACTIONS
        } else {
            DIRECT_MESSAGE_REACTIONS
        };
        self.dispatch_to_guild(guild, intent, event, data);
    }

    /// Tells sessions with the members intent; a change of the bot's own membership goes to all.
    pub(crate) fn dispatch_member_update(&mut self, guild: Snowflake, user: Snowflake, data: &Value) {
        let intent = if user == self.bot { 0 } else { GUILD_MEMBERS };
        self.dispatch_to_guild(Some(guild), intent, "GUILD_MEMBER_UPDATE", data);
    }

    pub(crate) fn dispatch_member_removal(&mut self, guild: Snowflake, data: &Value) {
        self.dispatch_to_guild(Some(guild), GUILD_MEMBERS, "GUILD_MEMBER_REMOVE", data);
    }

    /// Sends an interaction, which needs no intent.
    pub(crate) fn dispatch_interaction(&mut self, guild: Option<Snowflake>, event: Value) {
        self.gateway.dispatch(guild, 0, "INTERACTION_CREATE", &event);
        self.gateway.last_interaction = Some((guild, event));
    }

    /// Sends the last interaction once more, as a gateway may after a RESUME.
    pub(crate) fn replay_last_interaction(&mut self) -> bool {
        let Some((guild, event)) = self.gateway.last_interaction.clone() else {
            return false;
        };
        self.gateway.dispatch(guild, 0, "INTERACTION_CREATE", &event);
        true
    }
}
