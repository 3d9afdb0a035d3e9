//! A small service for the trial's checks to probe. Its database is down until the page's switch mends it.

use std::net::{Ipv4Addr, SocketAddr};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The running service.
pub(super) struct Demo {
    /// Where it listens, on loopback.
    pub(super) address: SocketAddr,
}

/// Starts it on this port, or on a free one where that is taken.
pub(super) async fn start(
    port: u16,
    database: watch::Receiver<bool>,
    stop: CancellationToken,
) -> anyhow::Result<Demo> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
    };
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/", get(home))
        .route("/health", get(health))
        .route("/version", get(async || Json(json!({ "version": "2.4.1" }))))
        .route("/admin", get(async || StatusCode::UNAUTHORIZED))
        .with_state(database);
    tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    });
    Ok(Demo { address })
}

async fn home() -> impl IntoResponse {
    let headers = [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    ];
    (
        headers,
        "<!doctype html><title>Northwind</title><h1>Northwind</h1>",
    )
}

async fn health(State(database): State<watch::Receiver<bool>>) -> impl IntoResponse {
    let up = *database.borrow();
    let (status, word) = if up {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    (
        status,
        Json(json!({ "status": word, "checks": { "database": up, "queue": true } })),
    )
}
