//! A service on loopback for the checks to probe.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A running service. It goes when it is dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    state: Arc<Seen>,
    hanging: mpsc::Receiver<()>,
    _runtime: Runtime,
}

struct Seen {
    healthy: AtomicBool,
    asked: AtomicUsize,
    hangs: mpsc::Sender<()>,
}

impl Service {
    /// One that is healthy.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (hangs, hanging) = mpsc::channel();
        let state = Arc::new(Seen {
            healthy: AtomicBool::new(true),
            asked: AtomicUsize::new(0),
            hangs,
        });
        let router = Router::new()
            .route("/health", get(health))
            .route("/echo", get(echo))
            .route("/hang", get(hang))
            .route("/once", get(once))
            .with_state(Arc::clone(&state));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            state,
            hanging,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it is ill.
    pub(crate) fn fall_ill(&self) {
        self.state.healthy.store(false, Ordering::SeqCst);
    }

    /// How often its health was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Waits until somebody waits for an answer that never comes.
    pub(crate) fn wait_until_it_hangs(&self) {
        let patience = Duration::from_mins(1);
        self.hanging.recv_timeout(patience).expect("it is asked");
    }
}

async fn health(State(state): State<Arc<Seen>>) -> (StatusCode, Json<Value>) {
    state.asked.fetch_add(1, Ordering::SeqCst);
    let healthy = state.healthy.load(Ordering::SeqCst);
    let (status, word) = if healthy {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    (status, Json(json!({ "status": word })))
}

/// Sends back what came as a token, in the body and in a header.
async fn echo(headers: HeaderMap) -> (HeaderMap, String) {
    let mut answer = HeaderMap::new();
    let Some(token) = headers.get("x-token") else {
        return (answer, "you said nothing".to_owned());
    };
    answer.insert("x-echo", token.clone());
    let said = token.to_str().unwrap_or_default();
    (answer, format!("you said {said}"))
}

async fn hang(State(state): State<Arc<Seen>>) {
    // The test may have seen enough and gone.
    let _ = state.hangs.send(());
    std::future::pending::<()>().await;
}

/// Answers the first time only.
async fn once(state: State<Arc<Seen>>) {
    if state.asked.fetch_add(1, Ordering::SeqCst) > 0 {
        hang(state).await;
    }
}
