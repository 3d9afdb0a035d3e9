//! Gateway v10: the websocket conversation.

pub(crate) mod faults;
pub(crate) mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::clock::instant;
use crate::options::PrivilegedIntents;
use crate::server::Core;
use session::{Frame, Greeting, HeartbeatAnswers, KNOWN, PRIVILEGED, Resumption};

const UNKNOWN_OPCODE: u16 = 4001;
const DECODE_ERROR: u16 = 4002;
const NOT_AUTHENTICATED: u16 = 4003;
const AUTHENTICATION_FAILED: u16 = 4004;
const ALREADY_AUTHENTICATED: u16 = 4005;
const RATE_LIMITED: u16 = 4008;
const INVALID_SHARD: u16 = 4010;
const INVALID_INTENTS: u16 = 4013;
const DISALLOWED_INTENTS: u16 = 4014;

/// The longest payload that an application may send.
const MAX_PAYLOAD_BYTES: usize = 4096;
/// How many payloads an application may send in a [`SEND_WINDOW`].
const MAX_SENDS: u32 = 120;
const SEND_WINDOW: Duration = Duration::from_mins(1);

/// What the conversation does next.
enum Next {
    Continue,
    Close(u16),
}

/// One socket's conversation.
struct Conversation {
    core: Arc<Core>,
    connection: u64,
    out: mpsc::UnboundedSender<Frame>,
    authenticated: bool,
    window_began: Instant,
    sends: u32,
}

/// Answers the upgrade and begins the conversation.
pub(crate) async fn upgrade(State(core): State<Arc<Core>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| {
        let tasks = core.tasks.clone();
        tasks.track_future(converse(core, socket))
    })
}

async fn converse(core: Arc<Core>, mut socket: WebSocket) {
    let (out, mut frames) = mpsc::unbounded_channel();
    let (connection, greeting) = core.change(|world| (world.gateway.connection(), world.gateway.greeting));
    let interval = core.options.heartbeat_interval.as_millis() as u64;
    let hello =
        json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": interval, "_trace": [] } });
    let mut conversation = Conversation {
        core: Arc::clone(&core),
        connection,
        out,
        authenticated: false,
        window_began: instant(),
        sends: 0,
    };
    let greeted = match greeting {
        Greeting::Given => socket.send(Message::text(hello.to_string())).await.is_ok(),
        Greeting::Withheld => true,
    };
    if greeted {
        loop {
            tokio::select! {
                () = core.stopping.cancelled() => {
                    close(&mut socket, 1001).await;
                    break;
                }
                frame = frames.recv() => match frame {
                    Some(Frame::Text(text)) => {
                        if socket.send(Message::text(text)).await.is_err() {
                            break;
                        }
                    }
                    Some(Frame::Close(code)) => {
                        close(&mut socket, code).await;
                        break;
                    }
                    Some(Frame::Drop) | None => break,
                },
                message = socket.recv() => {
                    let next = match message {
                        Some(Ok(Message::Text(text))) => conversation.hear(text.as_bytes()),
                        Some(Ok(Message::Binary(bytes))) => conversation.hear(&bytes),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Next::Continue,
                        // Codes 1000 and 1001 end the session; after any other it can be resumed.
                        Some(Ok(Message::Close(frame))) => {
                            if frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001)) {
                                core.change(|world| world.gateway.forget(connection));
                            }
                            break;
                        }
                        Some(Err(_)) | None => break,
                    };
                    if let Next::Close(code) = next {
                        close(&mut socket, code).await;
                        break;
                    }
                }
            }
        }
    }
    core.change(|world| {
        world.gateway.detach(connection);
        world.tell_of_connection();
    });
}

async fn close(socket: &mut WebSocket, code: u16) {
    let frame = CloseFrame {
        code,
        reason: reason(code).into(),
    };
    // The other side may be gone already, which is what a close is for.
    drop(socket.send(Message::Close(Some(frame))).await);
}

const fn reason(code: u16) -> &'static str {
    match code {
        UNKNOWN_OPCODE => "Unknown opcode.",
        DECODE_ERROR => "Error while decoding payload.",
        NOT_AUTHENTICATED => "Not authenticated.",
        AUTHENTICATION_FAILED => "Authentication failed.",
        ALREADY_AUTHENTICATED => "Already authenticated.",
        RATE_LIMITED => "You are being rate limited.",
        INVALID_SHARD => "Invalid shard.",
        INVALID_INTENTS => "Invalid intent(s).",
        DISALLOWED_INTENTS => "Disallowed intent(s).",
        _ => "",
    }
}

impl Conversation {
    fn hear(&mut self, bytes: &[u8]) -> Next {
        let now = instant();
        if now.duration_since(self.window_began) >= SEND_WINDOW {
            self.window_began = now;
            self.sends = 0;
        }
        self.sends += 1;
        if self.sends > MAX_SENDS {
            return Next::Close(RATE_LIMITED);
        }
        if bytes.len() > MAX_PAYLOAD_BYTES {
            return Next::Close(DECODE_ERROR);
        }
        let Ok(payload) = serde_json::from_slice::<Value>(bytes) else {
            return Next::Close(DECODE_ERROR);
        };
        let data = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) => {
                self.acknowledge();
                Next::Continue
            }
            Some(2 | 6) if self.authenticated => Next::Close(ALREADY_AUTHENTICATED),
            Some(2) => self.identify(data),
            Some(6) => self.resume(data),
            Some(3 | 4 | 8 | 31) if !self.authenticated => Next::Close(NOT_AUTHENTICATED),
            Some(8) => {
                self.send_members(data);
                Next::Continue
            }
            // Presence, voice and soundboard requests have nothing to show here.
            Some(3 | 4 | 31) => Next::Continue,
            Some(_) => Next::Close(UNKNOWN_OPCODE),
            None => Next::Close(DECODE_ERROR),
        }
    }

    fn acknowledge(&self) {
        let answers = self.core.read(|world| world.gateway.heartbeat_answers);
        if answers == HeartbeatAnswers::Given {
            self.send(&json!({ "op": 11, "s": null, "t": null, "d": null }));
        }
    }

    fn send(&self, payload: &Value) {
        // The receiver lives as long as this conversation.
        drop(self.out.send(Frame::Text(payload.to_string())));
    }

    fn identify(&mut self, data: &Value) -> Next {
        let Some(token) = data["token"].as_str().filter(|token| self.core.accepts(token)) else {
            return Next::Close(AUTHENTICATION_FAILED);
        };
        if !data["properties"].is_object() {
            return Next::Close(DECODE_ERROR);
        }
        let Some(intents) = data["intents"].as_u64().filter(|bits| bits & !KNOWN == 0) else {
            return Next::Close(INVALID_INTENTS);
        };
        if intents & PRIVILEGED != 0 && self.core.options.privileged_intents == PrivilegedIntents::Refused {
            return Next::Close(DISALLOWED_INTENTS);
        }
        let shard = match (data["shard"][0].as_u64(), data["shard"][1].as_u64()) {
            (Some(shard), Some(shards)) if shard < shards => Some((shard, shards)),
            (None, None) => None,
            _ => return Next::Close(INVALID_SHARD),
        };
        self.authenticated = true;
        let (connection, out) = (self.connection, self.out.clone());
        self.core
            .change(|world| world.identify(token, intents, shard, connection, out));
        Next::Continue
    }

    fn resume(&mut self, data: &Value) -> Next {
        let Some(token) = data["token"].as_str().filter(|token| self.core.accepts(token)) else {
            return Next::Close(AUTHENTICATION_FAILED);
        };
        let id = data["session_id"].as_str().unwrap_or_default();
        let sequence = data["seq"].as_u64().unwrap_or_default();
        let (connection, out) = (self.connection, self.out.clone());
        let resumption = self.core.change(|world| {
            let resumption = world.gateway.resume(id, token, sequence, connection, out);
            world.tell_of_connection();
            resumption
        });
        match resumption {
            Resumption::Done => self.authenticated = true,
            Resumption::Invalid => {
                self.send(&json!({ "op": 9, "s": null, "t": null, "d": false }));
            }
        }
        Next::Continue
    }

    /// Answers a request for a guild's members, all in one chunk.
    fn send_members(&self, data: &Value) {
        let guild = data["guild_id"].as_str().and_then(|id| id.parse().ok());
        let query = data["query"].as_str().unwrap_or_default().to_lowercase();
        let wanted: Option<Vec<String>> = match &data["user_ids"] {
            Value::String(id) => Some(vec![id.clone()]),
            Value::Array(ids) => Some(
                ids.iter()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        };
        self.core.change(|world| {
            let Some(guild) = guild.and_then(|guild| world.guilds.get(&guild)) else {
                return;
            };
            let members: Vec<Value> = guild
                .members
                .keys()
                .filter(|id| match &wanted {
                    Some(ids) => ids.contains(&id.to_string()),
                    None => world
                        .users
                        .get(id)
                        .is_some_and(|user| user.username.starts_with(&query)),
                })
                .map(|&id| world.member_json(guild.id, id))
                .collect();
            let (guild, chunk) = (
                guild.id,
                json!({
                    "guild_id": guild.id,
                    "members": members,
                    "chunk_index": 0,
                    "chunk_count": 1,
                    "not_found": [],
                    "nonce": data["nonce"],
                }),
            );
            world.dispatch_to_guild(Some(guild), 0, "GUILD_MEMBERS_CHUNK", &chunk);
        });
    }
}
