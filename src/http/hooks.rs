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
    body_limit: Duration,
}

/// The route.
pub(super) fn router(hooks: Arc<dyn Hooks>) -> Router {
    router_within(BODY_LIMIT, hooks)
}

/// The route, where a body may take so long to come.
fn router_within(body_limit: Duration, hooks: Arc<dyn Hooks>) -> Router {
    Router::new()
        .route("/hooks/{deployment}/{check}", post(take))
        .with_state(Shared {
            hooks,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            body_limit,
        })
}

async fn take(
    State(shared): State<Shared>,
    Path((deployment, check)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = match timeout(shared.body_limit, to_bytes(body, LONGEST_BODY)).await {
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
        // Whoever has signed it knows what there is, and may know that it has ended.
        Taken::Ended => refused(
            StatusCode::GONE,
            "the deployment has ended and takes no posts any more; post to the one that runs now",
        ),
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Takes nothing.
    struct Closed;

    #[async_trait]
    impl Hooks for Closed {
        async fn take(&self, _post: IncomingPost) -> Taken {
            Taken::Unwelcome
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let limit = Duration::from_millis(100);
        let router = router_within(limit, Arc::new(Closed));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (mut answer, mut request) = stream.into_split();
        request
            .write_all(b"POST /hooks/1/it HTTP/1.1\r\nhost: it\r\ncontent-length: 60000\r\n\r\n")
            .await
            .expect("the head is taken");
        // One byte after another, until nobody takes them any more.
        let dripping = tokio::spawn(async move {
            let mut every = tokio::time::interval(limit / 10);
            while request.write_all(b" ").await.is_ok() {
                every.tick().await;
            }
        });
        let mut told = String::new();
        answer.read_to_string(&mut told).await.expect("an answer in text");
        assert!(told.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{told}");
        assert!(
            told.ends_with(r#"{"error":"the body took longer than 10 seconds"}"#),
            "{told}"
        );
        dripping.await.expect("the connection is closed in the end");
        serving.abort();
    }
}
