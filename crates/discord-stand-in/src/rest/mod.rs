//! REST v10: one door for every request, which is matched, faulted, authorised, counted, answered and recorded.

mod applications;
pub(crate) mod body;
pub(crate) mod cdn;
mod channels;
pub(crate) mod error;
mod guilds;
mod interactions;
mod messages;
mod reactions;
mod routes;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::faults::Fault;
use crate::listener::{Cut, Line};
use crate::rate_limit::{Count, RateLimitScope, Verdict};
use crate::recording::RecordedRequest;
use crate::server::Core;
use crate::snowflake::Snowflake;
use crate::world::World;
use body::Body;
use error::ApiError;
use routes::{Authorization, Found};

/// The largest request that is read: ten files and their message.
pub(crate) const MAX_REQUEST_BYTES: usize = 110 * 1024 * 1024;
/// The content type of a file of which no more is known.
const BYTES: &str = "application/octet-stream";

/// What a route answers.
#[derive(Debug)]
enum Reply {
    Json(u16, Value),
    /// 204.
    Empty,
}

/// One request to a route.
struct Visit<'a> {
    parameters: Vec<(&'static str, String)>,
    query: &'a str,
    body: Body,
}

/// What goes back over the wire, or that the wire is cut.
struct Outcome {
    status: Option<u16>,
    body: Value,
    headers: Vec<(&'static str, String)>,
}

impl Reply {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "every route answers a Result, and this is how it says yes"
    )]
    fn ok(json: Value) -> Result<Self, ApiError> {
        Ok(Self::Json(200, json))
    }
}

impl Visit<'_> {
    fn text(&self, name: &str) -> &str {
        self.parameters
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// A path parameter that is an id.
    fn id(&self, name: &str) -> Result<Snowflake, ApiError> {
        let value = self.text(name);
        value.parse().map_err(|_| not_an_id(&format!("{name}_id"), value))
    }

    /// A query parameter, percent-decoded.
    fn query(&self, name: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| decoded(value))
    }

    fn query_id(&self, name: &str) -> Result<Option<Snowflake>, ApiError> {
        self.query(name)
            .map(|value| value.parse().map_err(|_| not_an_id(name, &value)))
            .transpose()
    }

    /// The `limit` of a list, between 1 and `most`.
    fn limit(&self, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.query("limit") else {
            return Ok(default);
        };
        match text.parse() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            _ => Err(ApiError::invalid_form(json!({ "limit": { "_errors": [{
                "code": "NUMBER_TYPE_MAX",
                "message": format!("int value should be between 1 and {most}."),
            }] } }))),
        }
    }

    fn is_true(&self, name: &str) -> bool {
        self.query(name)
            .is_some_and(|value| matches!(value.as_str(), "true" | "1" | "True"))
    }
}

impl Outcome {
    fn error(error: &ApiError) -> Self {
        Self {
            status: Some(error.status),
            body: error.json(),
            headers: Vec::new(),
        }
    }

    fn limited(scope: RateLimitScope, retry_after: Duration, count: Option<Count>) -> Self {
        let seconds = retry_after.as_secs_f64();
        let mut headers = vec![
            ("retry-after", format!("{}", seconds.ceil())),
            ("x-ratelimit-scope", scope.name().to_owned()),
        ];
        if scope == RateLimitScope::Global {
            headers.push(("x-ratelimit-global", "true".to_owned()));
        }
        match count {
            Some(count) => headers.extend(count.headers()),
            // The clients that count by themselves read this one from every 429.
            None => headers.push(("x-ratelimit-reset-after", format!("{seconds:.3}"))),
        }
        Self {
            status: Some(429),
            body: json!({
                "message": if scope == RateLimitScope::Shared {
                    "The resource is being rate limited."
                } else {
                    "You are being rate limited."
                },
                "retry_after": (seconds * 1000.0).ceil() / 1000.0,
                "global": scope == RateLimitScope::Global,
            }),
            headers,
        }
    }

    const fn cut() -> Self {
        Self {
            status: None,
            body: Value::Null,
            headers: Vec::new(),
        }
    }

    fn into_response(self, cut: Option<&Cut>) -> Response {
        let Some(status) = self.status else {
            if let Some(cut) = cut {
                cut.cut();
            }
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let mut response = if self.body.is_null() {
            Response::default()
        } else {
            let mut response = Response::new(self.body.to_string().into());
            // Not a letter more: there are clients that compare it as a whole.
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        };
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                let name = if name == "retry-after" {
                    RETRY_AFTER
                } else {
                    HeaderName::from_static(name)
                };
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Answers any request below `/api`.
pub(crate) async fn serve(State(core): State<Arc<Core>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let cut = parts
        .extensions
        .get::<ConnectInfo<Line>>()
        .map(|ConnectInfo(line)| line.cut.clone());
    let at = core.read(World::now_iso);
    let Ok(bytes) = axum::body::to_bytes(body, MAX_REQUEST_BYTES).await else {
        return Outcome::error(&ApiError::request_too_large()).into_response(None);
    };
    let path = parts.uri.path().to_owned();
    let segments: Vec<String> = api_path(&path)
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decoded)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let found = routes::find(&parts.method, &segments);
    let name = found.as_ref().map(Found::name).unwrap_or_default();
    let body = Body::read(&parts.headers, &bytes);
    let recorded = body.as_ref().map_or(Value::Null, |body| body.json.clone());

    let fault = core.faults.decide(parts.method.as_str(), &segments);
    let query = parts.uri.query().unwrap_or_default();
    let outcome = match before(&core, fault).await {
        Some(outcome) => outcome,
        None => answer(&core, found, &parts.headers, query, body),
    };
    let outcome = if fault == Some(Fault::LoseReply) {
        Outcome::cut()
    } else {
        outcome
    };
    core.recording.add(RecordedRequest {
        at,
        method: parts.method.to_string(),
        path,
        body: recorded,
        status: outcome.status,
        name,
    });
    outcome.into_response(cut.as_ref())
}

/// Lets a fault happen that comes before the work.
async fn before(core: &Core, fault: Option<Fault>) -> Option<Outcome> {
    match fault? {
        Fault::RateLimited { scope, retry_after } => Some(Outcome::limited(scope, retry_after, None)),
        Fault::Status(status) => Some(Outcome {
            status: Some(status),
            body: json!({ "message": format!("{status}: The stand-in was told to fail"), "code": 0 }),
            headers: Vec::new(),
        }),
        Fault::Slow(delay) => {
            wait(core, delay).await;
            None
        }
        Fault::Hang(delay) => {
            wait(core, delay).await;
            Some(Outcome::cut())
        }
        Fault::Refuse => Some(Outcome::cut()),
        Fault::LoseReply => None,
    }
}

async fn wait(core: &Core, delay: Duration) {
    tokio::select! {
        () = core.stopping.cancelled() => {}
        () = tokio::time::sleep(delay) => {}
    }
}

/// Authorises, counts and does a request's work.
fn answer(
    core: &Arc<Core>,
    found: Result<Found, ApiError>,
    headers: &HeaderMap,
    query: &str,
    body: Result<Body, ApiError>,
) -> Outcome {
    let found = match found {
        Ok(found) => found,
        Err(error) => return Outcome::error(&error),
    };
    if found.route.authorization == Authorization::Bot && !authorized(core, headers) {
        return Outcome::error(&ApiError::unauthorized());
    }
    let name = found.name();
    let count = match core.limiter.count(&name, found.major(), found.route.allowance) {
        Verdict::Passed(count) => count,
        Verdict::Limited {
            scope,
            retry_after,
            count,
        } => return Outcome::limited(scope, retry_after, count),
    };
    let result = body.and_then(|body| {
        let visit = Visit {
            parameters: found.parameters,
            query,
            body,
        };
        core.change(|world| (found.route.handler)(world, &visit))
    });
    let mut outcome = match result {
        Ok(Reply::Json(status, body)) => Outcome {
            status: Some(status),
            body,
            headers: Vec::new(),
        },
        Ok(Reply::Empty) => Outcome {
            status: Some(204),
            body: Value::Null,
            headers: Vec::new(),
        },
        Err(error) => Outcome::error(&error),
    };
    outcome.headers.extend(count.iter().flat_map(Count::headers));
    outcome
}

fn authorized(core: &Core, headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bot "))
        .is_some_and(|token| core.accepts(token))
}

/// A path below the API's version, which may be left out.
fn api_path(path: &str) -> &str {
    let path = path.strip_prefix("/api").unwrap_or(path);
    ["/v10", "/v9"]
        .iter()
        .find_map(|version| path.strip_prefix(version).filter(|rest| rest.starts_with('/')))
        .unwrap_or(path)
}

/// Undoes percent-encoding; what is not valid UTF-8 or not valid encoding stays as well as it can.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = (bytes[index] == b'%')
            .then(|| text.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escaped {
            plain.push(byte);
            index += 3;
        } else {
            plain.push(bytes[index]);
            index += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn not_an_id(field: &str, value: &str) -> ApiError {
    ApiError::invalid_form(json!({ field: { "_errors": [{
        "code": "NUMBER_TYPE_COERCE",
        "message": format!("Value \"{value}\" is not snowflake."),
    }] } }))
}

/// Serves a file of a message.
pub(crate) async fn attachment(
    State(core): State<Arc<Core>>,
    axum::extract::Path((_channel, id, _name)): axum::extract::Path<(String, String, String)>,
) -> Response {
    let file = id
        .parse::<Snowflake>()
        .ok()
        .and_then(|id| core.read(|world| world.files.get(&id).cloned()));
    match file {
        Some(file) => {
            let bytes: Bytes = file.bytes;
            let content_type = file.content_type.unwrap_or_else(|| BYTES.to_owned());
            ([(CONTENT_TYPE, content_type)], bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Whether a method is one that the API has at all.
fn known_method(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE
    )
}
