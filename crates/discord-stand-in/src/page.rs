//! The page's side: its files, and the endpoints by which it sees and does what people do.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post, put};
use futures_util::Stream;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::clock::iso;
use crate::options::SwitchPosition;
use crate::people::choices;
use crate::rest::MAX_REQUEST_BYTES;
use crate::rest::body::{Body, Upload};
use crate::rest::error::ApiError;
use crate::server::Core;
use crate::snowflake::Snowflake;
use crate::world::World;
use crate::world::channel::ChannelKind;
use crate::world::invoke::{Purpose, Reacting, Refusal};
use crate::world::message::Message;

/// The page's files: name, content type, content.
const FILES: [(&str, &str, &str); 12] = [
    (
        "index.html",
        "text/html; charset=utf-8",
        include_str!("../page/index.html"),
    ),
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../page/style.css"),
    ),
    ("app.js", JAVASCRIPT, include_str!("../page/app.js")),
    ("api.js", JAVASCRIPT, include_str!("../page/api.js")),
    ("render.js", JAVASCRIPT, include_str!("../page/render.js")),
    ("markdown.js", JAVASCRIPT, include_str!("../page/markdown.js")),
    ("composer.js", JAVASCRIPT, include_str!("../page/composer.js")),
    ("components.js", JAVASCRIPT, include_str!("../page/components.js")),
    ("file.js", JAVASCRIPT, include_str!("../page/file.js")),
    ("modal.js", JAVASCRIPT, include_str!("../page/modal.js")),
    (
        "interactions.js",
        JAVASCRIPT,
        include_str!("../page/interactions.js"),
    ),
    ("unread.js", JAVASCRIPT, include_str!("../page/unread.js")),
];
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

type Shared = State<Arc<Core>>;

/// A sentence that says what cannot be, with its status.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(StatusCode::BAD_REQUEST, refusal.to_string())
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let sentence = if status == StatusCode::PAYLOAD_TOO_LARGE {
            "A file can have at most 10 MiB. Choose a smaller one.".to_owned()
        } else {
            format!("The body cannot be read: {}", error.message)
        };
        Self(status, sentence)
    }
}

/// Who looks.
#[derive(Debug, Deserialize)]
struct Viewer {
    user: Option<String>,
}

/// Which messages are wanted.
#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<usize>,
    before: Option<String>,
    user: Option<String>,
}

/// The page's routes.
pub(crate) fn routes() -> Router<Arc<Core>> {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/page/") }))
        .route("/page", get(|| async { Redirect::temporary("/page/") }))
        .route("/page/", get(|| async { file("index.html") }))
        .route("/page/state", get(state))
        .route("/page/commands", get(commands))
        .route("/page/channels/{channel}/messages", get(messages))
        .route("/page/channels/{channel}/pins", get(pins))
        .route("/page/events", get(events))
        .route(
            "/page/interactions/command",
            post(command).layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES)),
        )
        .route("/page/interactions/autocomplete", post(autocomplete))
        .route("/page/interactions/component", post(component))
        .route("/page/interactions/modal", post(modal))
        .route("/page/messages", post(say))
        .route("/page/reactions", put(react).delete(unreact))
        .route("/page/clock", post(clock))
        .route("/page/switches/{id}", put(switch))
        .route("/page/requests", get(requests))
        .route(
            "/page/{file}",
            get(|Path(name): Path<String>| async move { file(&name) }),
        )
}

fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some((_, kind, content)) => {
            ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-store")], *content).into_response()
        }
        None => Refused(StatusCode::NOT_FOUND, format!("There is no file {name}.")).into_response(),
    }
}

/// Reads a request's JSON.
fn read(bytes: &Bytes) -> Result<Value, Refused> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refused(StatusCode::BAD_REQUEST, format!("The body is not JSON: {error}.")))
}

fn id(body: &Value, key: &str) -> Result<Snowflake, Refused> {
    optional_id(body, key).ok_or_else(|| {
        Refused(
            StatusCode::BAD_REQUEST,
            format!("The field {key} has to be an id in a string."),
        )
    })
}

fn optional_id(body: &Value, key: &str) -> Option<Snowflake> {
    body[key].as_str()?.parse().ok()
}

fn viewer(user: Option<&String>) -> Snowflake {
    user.and_then(|user| user.parse().ok())
        .unwrap_or(Snowflake::new(0))
}

fn clock_json(core: &Core) -> Value {
    json!({ "now": iso(core.clock.now_ms()), "clock_offset_ms": core.clock.offset_ms() })
}

async fn state(State(core): Shared, Query(query): Query<Viewer>) -> Json<Value> {
    let viewer = viewer(query.user.as_ref());
    let switches = core.switches.json();
    let clock = clock_json(&core);
    Json(core.read(|world| {
        let guild = world.guilds.values().next();
        let guild_id = guild.map(|guild| guild.id);
        let first_channel = world
            .channels
            .values()
            .filter(|channel| channel.guild == guild_id && channel.kind == ChannelKind::Text)
            .min_by_key(|channel| channel.position)
            .map(|channel| channel.id);
        let shared = world
            .channels
            .values()
            .filter(|channel| channel.guild == guild_id && channel.kind != ChannelKind::Direct)
            .map(|channel| channel.json(world.bot));
        let own = world
            .channels
            .values()
            .filter(|channel| channel.recipient == Some(viewer))
            .map(|channel| {
                let mut json = world.channel_json(channel.id);
                json["name"] = json!("direct messages");
                json
            });
        let channels: Vec<Value> = shared.chain(own).collect();
        let members: Vec<Value> = guild
            .into_iter()
            .flat_map(|guild| {
                guild
                    .members
                    .keys()
                    .map(|&user| world.member_json(guild.id, user))
            })
            .collect();
        json!({
            "guild": guild.map(|guild| json!({ "id": guild.id, "name": guild.name })),
            "me": world.bot,
            "bot": world.user_json(world.bot),
            "application_id": world.application,
            "now": clock["now"],
            "clock_offset_ms": clock["clock_offset_ms"],
            "channels": channels,
            "members": members,
            "roles": guild.map(crate::world::guild::Guild::roles_json),
            "switches": switches,
            "title": world.options.title,
            "welcome": world.options.welcome.as_ref().map(|welcome| json!({
                "channel": first_channel, "text": welcome.text, "command": welcome.command,
            })),
            "connected": world.gateway.connected(),
        })
    }))
}

async fn commands(State(core): Shared) -> Json<Value> {
    Json(core.read(|world| {
        let guild = world.guilds.keys().next().copied();
        world
            .commands
            .values()
            .filter(|command| command.guild.is_none() || command.guild == guild)
            .map(|command| command.json.clone())
            .collect()
    }))
}

async fn messages(
    State(core): Shared,
    Path(channel): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, Refused> {
    let channel = known_channel(&core, &channel)?;
    let viewer = viewer(wanted.user.as_ref());
    let before: Option<Snowflake> = wanted.before.and_then(|before| before.parse().ok());
    let limit = wanted.limit.unwrap_or(100);
    Ok(Json(core.read(|world| {
        let mut newest: Vec<&Message> = world
            .messages
            .get(&channel)
            .into_iter()
            .flat_map(|messages| messages.values().rev())
            .filter(|message| before.is_none_or(|before| message.id < before))
            .filter(|message| message.visible_to(viewer))
            .take(limit)
            .collect();
        newest.reverse();
        newest
            .into_iter()
            .map(|message| world.page_message_json(message))
            .collect()
    })))
}

async fn pins(State(core): Shared, Path(channel): Path<String>) -> Result<Json<Value>, Refused> {
    let channel = known_channel(&core, &channel)?;
    Ok(Json(core.read(|world| {
        world
            .pins(channel)
            .into_iter()
            .map(|message| world.page_message_json(message))
            .collect()
    })))
}

fn known_channel(core: &Core, id: &str) -> Result<Snowflake, Refused> {
    id.parse()
        .ok()
        .filter(|id| core.read(|world| world.channels.contains_key(id)))
        .ok_or_else(|| Refused(StatusCode::NOT_FOUND, "There is no such channel.".to_owned()))
}

/// What happens, as it happens. A page that falls behind is cut off: it reconnects and fetches again.
async fn events(
    State(core): Shared,
    Query(query): Query<Viewer>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let viewer = viewer(query.user.as_ref());
    let receiver = core.read(|world| world.page.subscribe());
    let stopping = core.stopping.clone();
    let stream = stream::unfold((receiver, stopping), move |(mut receiver, stopping)| async move {
        loop {
            let event = tokio::select! {
                () = stopping.cancelled() => return None,
                event = receiver.recv() => event,
            };
            match event {
                Ok(event) if event.only_for.is_none_or(|only| only == viewer) => {
                    let sent = Event::default().event(event.name).data(event.data.to_string());
                    return Some((Ok(sent), (receiver, stopping)));
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_) | RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Takes JSON, or a form of it in `payload_json` with the files in `files[n]`, whose names are in `attachments`.
async fn command(State(core): Shared, headers: HeaderMap, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let mut body = Body::read(&headers, &bytes)?;
    body.rename_files();
    let id = use_command(&core, &body.json, &body.files, Purpose::Send)?;
    Ok(Json(json!({ "id": id })))
}

async fn autocomplete(State(core): Shared, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let id = use_command(&core, &read(&bytes)?, &[], Purpose::Complete)?;
    // An application that stays silent suggests nothing; the client shows no more than that.
    let choices = choices(&core, id).await.unwrap_or_default();
    Ok(Json(json!({ "choices": choices })))
}

fn use_command(
    core: &Arc<Core>,
    body: &Value,
    files: &[Upload],
    purpose: Purpose,
) -> Result<Snowflake, Refused> {
    let (user, channel) = (id(body, "user")?, id(body, "channel")?);
    let command = id(body, "command_id")?;
    let options = &body["options"];
    Ok(core.interact(|world| world.use_command(user, channel, command, options, files, purpose))?)
}

async fn component(State(core): Shared, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let body = read(&bytes)?;
    let (user, channel) = (id(&body, "user")?, id(&body, "channel")?);
    let message = id(&body, "message")?;
    let custom_id = body["custom_id"].as_str().unwrap_or_default();
    let values: Vec<String> = body["values"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    let id = core.interact(|world| world.use_component(user, channel, message, custom_id, &values))?;
    Ok(Json(json!({ "id": id })))
}

async fn modal(State(core): Shared, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let body = read(&bytes)?;
    let (user, channel) = (id(&body, "user")?, id(&body, "channel")?);
    let opener = optional_id(&body, "interaction_id");
    let custom_id = body["custom_id"].as_str().unwrap_or_default();
    let fields = &body["components"];
    let id = core.interact(|world| world.send_modal(user, channel, opener, custom_id, fields))?;
    Ok(Json(json!({ "id": id })))
}

async fn say(State(core): Shared, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let body = read(&bytes)?;
    let (user, channel) = (id(&body, "user")?, id(&body, "channel")?);
    let content = body["content"].as_str().unwrap_or_default();
    let reply_to = optional_id(&body, "reply_to");
    let message = core.change(|world: &mut World| {
        let id = world.say(user, channel, content, reply_to)?;
        Ok::<_, Refusal>(
            world
                .message(channel, id)
                .map(|message| world.page_message_json(message)),
        )
    })?;
    Ok(Json(message.unwrap_or_default()))
}

async fn react(State(core): Shared, bytes: Bytes) -> Result<StatusCode, Refused> {
    change_reaction(&core, &bytes, Reacting::Adds)
}

async fn unreact(State(core): Shared, bytes: Bytes) -> Result<StatusCode, Refused> {
    change_reaction(&core, &bytes, Reacting::TakesAway)
}

fn change_reaction(core: &Core, bytes: &Bytes, reacting: Reacting) -> Result<StatusCode, Refused> {
    let body = read(bytes)?;
    let (user, channel) = (id(&body, "user")?, id(&body, "channel")?);
    let message = id(&body, "message")?;
    let emoji = body["emoji"].as_str().unwrap_or_default();
    core.change(|world| world.person_reacts(user, channel, message, emoji, reacting))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clock(State(core): Shared, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let body = read(&bytes)?;
    let by = body["advance_ms"].as_i64().ok_or_else(|| {
        Refused(
            StatusCode::BAD_REQUEST,
            "The field advance_ms has to be a whole number of milliseconds.".to_owned(),
        )
    })?;
    core.advance_clock(by);
    Ok(Json(clock_json(&core)))
}

async fn switch(State(core): Shared, Path(id): Path<String>, bytes: Bytes) -> Result<Json<Value>, Refused> {
    let position = match read(&bytes)?["on"].as_bool() {
        Some(true) => SwitchPosition::On,
        Some(false) => SwitchPosition::Off,
        None => {
            let sentence = "The field on has to be true or false.";
            return Err(Refused(StatusCode::BAD_REQUEST, sentence.to_owned()));
        }
    };
    if !core.set_switch(&id, position) {
        let sentence = format!("There is no switch {id}.");
        return Err(Refused(StatusCode::NOT_FOUND, sentence));
    }
    Ok(Json(json!({ "switches": core.switches.json() })))
}

async fn requests(State(core): Shared, Query(wanted): Query<Wanted>) -> Json<Value> {
    Json(json!(core.recording.newest(wanted.limit.unwrap_or(200))))
}
