//! `POST /hooks/{deployment}/{check}`: results that others have, as a CI job or a monitor.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    domain::ids::{CheckId, DeploymentId},
    engine::{IncomingPost, Taken},
};

/// The most bytes of a body.
const LONGEST_BODY: usize = 64 << 10;
/// How long a body may take to come.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// How many posts are looked at at once; whoever comes besides is asked to come again.
const AT_ONCE: usize = 16;
/// How long an answer to what is not believed is held back, with its place among those looked at: guessing is slow,
/// and the log is not flooded.
const HELD_BACK: Duration = Duration::from_millis(200);

/// Takes what is posted.
#[async_trait]
pub trait Hooks: Send + Sync + 'static {
    /// Takes one post. The same one may come again.
    async fn take(&self, post: IncomingPost) -> Taken;
}

#[derive(Clone)]
struct Shared {
    hooks: Arc<dyn Hooks>,
    places: Arc<Semaphore>,
}

/// The route.
pub(super) fn router(hooks: Arc<dyn Hooks>) -> Router {
    Router::new()
        .route("/hooks/{deployment}/{check}", post(take))
        .with_state(Shared {
            hooks,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
}

async fn take(
    State(shared): State<Shared>,
    Path((deployment, check)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = match timeout(BODY_LIMIT, to_bytes(body, LONGEST_BODY)).await {
        Ok(Ok(body)) => body,
        // Broken off in the middle nobody reads the answer, so it is taken for the other cause.
        Ok(Err(_)) => {
            return refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body must be at most 64 KiB; post what the check needs and no more",
            );
        }
        Err(_elapsed) => {
            return refused(
                StatusCode::REQUEST_TIMEOUT,
                "the body took longer than 10 seconds",
            );
        }
    };
    let Ok(_place) = shared.places.try_acquire() else {
        let answer = refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many posts at once; send it again",
        );
        return ([(header::RETRY_AFTER, "1")], answer).into_response();
    };
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let taken = match deployment.parse() {
        Ok(number) => {
            let post = IncomingPost {
                deployment: DeploymentId(number),
                check: CheckId::new(check),
                id: text("webhook-id"),
                timestamp: text("webhook-timestamp"),
                signatures: text("webhook-signature"),
                body: body.into(),
            };
            shared.hooks.take(post).await
        }
        Err(_) => Taken::Unwelcome,
    };
    match taken {
        Taken::Recorded => Json(json!({ "recorded": true })).into_response(),
        Taken::Repeated => Json(json!({ "recorded": false, "repeated": true })).into_response(),
        Taken::Unwelcome => {
            tokio::time::sleep(HELD_BACK).await;
            refused(
                StatusCode::UNAUTHORIZED,
                "no post is taken here with this signature; Holdpoint's log says why",
            )
        }
        Taken::Unreadable => refused(
            StatusCode::BAD_REQUEST,
            "the body must be JSON, nested at most 64 deep",
        ),
        Taken::Unavailable => refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "it could not be written down; send it again",
        ),
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
