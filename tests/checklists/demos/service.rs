//! A service in this process, whose answers are a function of what it is asked and what it has been told before.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What is asked.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The query's names and values, decoded.
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    /// The body as JSON, or nothing.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Whose token came along.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let header = self.headers.get("authorization")?.to_str().ok()?;
        header.strip_prefix("Bearer ")
    }
}

/// Starts a service that answers so.
pub(crate) async fn start(
    servers: &mut JoinSet<()>,
    answer: impl Fn(&Asked) -> Response + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    let router = Router::new().fallback(move |request: Request| {
        let answer = Arc::clone(&answer);
        async move { answer(&read(request).await) }
    });
    servers.spawn(async move { axum::serve(listener, router).await.expect("a listener") });
    address
}

async fn read(request: Request) -> Asked {
    let (head, body) = request.into_parts();
    let url = reqwest::Url::parse(&format!("http://service.example{}", head.uri)).expect("an address");
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    Asked {
        method: head.method.to_string(),
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// An answer with JSON.
pub(crate) fn says(status: u16, json: Value) -> Response {
    (code(status), Json(json)).into_response()
}

/// An answer without anything in it.
pub(crate) fn only(status: u16) -> Response {
    code(status).into_response()
}

/// The answer with these headers.
pub(crate) fn with(mut answer: Response, headers: &[(&'static str, &str)]) -> Response {
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a value");
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
    answer
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status")
}

/// Records of one kind that can be made, read, changed and removed.
#[derive(Default)]
pub(crate) struct Collection {
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    made: usize,
    by_id: BTreeMap<String, Value>,
}

impl Collection {
    /// Answers a request for the record of this id, or for all of them when it is empty.
    pub(crate) fn answer(&self, asked: &Asked, id: &str) -> Response {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        match (asked.method.as_str(), id) {
            ("POST", "") => {
                records.made += 1;
                let id = format!("record-{}", records.made);
                let mut record = asked.json();
                record["id"] = json!(id);
                records.by_id.insert(id, record.clone());
                says(201, record)
            }
            ("GET", "") => says(200, records.by_id.values().cloned().collect()),
            ("DELETE", id) => match records.by_id.remove(id) {
                Some(_) => only(204),
                None => only(404),
            },
            (method, id) => {
                let Some(record) = records.by_id.get_mut(id) else {
                    return only(404);
                };
                if let (true, Value::Object(changes)) = (matches!(method, "PUT" | "PATCH"), asked.json()) {
                    for (name, value) in changes {
                        record[name] = value;
                    }
                }
                says(200, record.clone())
            }
        }
    }
}

/// What Prometheus answers to a query: one value, or no series where that is no number.
pub(crate) fn figure(value: Option<f64>) -> Response {
    let result: Vec<Value> = value
        .into_iter()
        .filter(|value| !value.is_nan())
        .map(|value| json!({ "metric": {}, "value": [0, value.to_string()] }))
        .collect();
    says(
        200,
        json!({ "status": "success", "data": { "resultType": "vector", "result": result } }),
    )
}

/// What Prometheus answers about its alerts: one group with these rules, each by its name and its query.
pub(crate) fn rules(rules: &[(&str, &str)]) -> Response {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(name, query)| json!({ "name": name, "query": query, "health": "ok", "type": "alerting" }))
        .collect();
    says(
        200,
        json!({ "status": "success", "data": { "groups": [{ "name": "all", "rules": rules }] } }),
    )
}
