//! `/health`, `/ready` and `/metrics`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::time::timeout;

use crate::telemetry::Metrics;

/// How long a probe of what Holdpoint needs may take. Kubernetes gives up after one second unless told otherwise, and
/// load balancers after about five.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Whether the parts that Holdpoint needs are there: the database, the gateway, the catalog and the outbox.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Looks at each part now. It is asked often and must change nothing.
    async fn probe(&self) -> Vec<ReadinessPart>;
}

/// One part, and why it is not ready if it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadinessPart {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl ReadinessPart {
    /// A part that is ready.
    pub fn ready(name: &'static str) -> Self {
        Self {
            name,
            ok: true,
            why: None,
        }
    }

    /// A part that is not, with a sentence that says why.
    pub fn not_ready(name: &'static str, why: impl Into<String>) -> Self {
        Self {
            name,
            ok: false,
            why: Some(why.into()),
        }
    }
}

/// The routes. `/health` says that the process answers, `/ready` that it can do its work (503 when it cannot) and
/// `/metrics` has the figures in Prometheus' text format.
pub fn router(readiness: Arc<dyn Readiness>, metrics: Metrics) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(figures))
        .with_state(Shared { readiness, metrics })
}

#[derive(Clone)]
struct Shared {
    readiness: Arc<dyn Readiness>,
    metrics: Metrics,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    parts: Vec<ReadinessPart>,
}

async fn health() -> Json<Health> {
    Json(Health {
        status: "alive",
        version: env!("CARGO_PKG_VERSION"),
    })
}

async fn ready(State(shared): State<Shared>) -> Response {
    let parts = match timeout(PROBE_LIMIT, shared.readiness.probe()).await {
        Ok(parts) => parts,
        Err(_elapsed) => vec![ReadinessPart::not_ready(
            "probe",
            format!(
                "the parts did not answer within {} seconds",
                PROBE_LIMIT.as_secs()
            ),
        )],
    };
    let ready = parts.iter().all(|part| part.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, parts })).into_response()
}

async fn figures(State(shared): State<Shared>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], shared.metrics.render()).into_response()
}
