//! The service that is asked: a health document, and a large one. It has a thread of its own, so that what it costs is not
//! counted as ours.

use std::net::SocketAddr;
use std::sync::mpsc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;

/// What `/health` answers.
pub(crate) const HEALTH: &str =
    r#"{"status":"healthy","checks":{"database":true,"queue":{"depth":3}},"version":"2.4.1"}"#;

/// Bytes of what `/large` answers: one long JSON text.
pub(crate) const LARGE: usize = 1_000_000;

/// Starts it on a thread of its own, which ends with the process.
pub(crate) fn start() -> Result<SocketAddr> {
    let (sender, address) = mpsc::channel();
    std::thread::Builder::new()
        .name("service".to_owned())
        .spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                sender.send(listener.local_addr()?)?;
                Ok(axum::serve(listener, router()).await?)
            })
        })?;
    address.recv().context("the service did not start")
}

fn router() -> Router {
    const JSON: &str = "application/json";
    let large = Bytes::from(format!("\"{}\"", "x".repeat(LARGE - 2)));
    Router::new()
        .route("/health", get(async move || ([(CONTENT_TYPE, JSON)], HEALTH)))
        .route("/large", get(async move || ([(CONTENT_TYPE, JSON)], large)))
}
