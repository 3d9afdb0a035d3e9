//! Services beside those of a demo: a limit in front of them, one that takes a load, and GitHub.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::service::{self, only, says, with};

/// How many requests a load is made of here.
pub(super) const LOAD: u32 = 20;

/// How many requests each path lets through.
const LIMITS: [(&str, u32); 3] = [
    ("/api/accounts", 100),
    ("/v1/tenant-auth/login", 5),
    ("/v1/packages", 100),
];

/// What lets only so many requests through, but for the check whose switch is thrown.
pub(super) async fn limiting(servers: &mut JoinSet<()>, switch: &str) -> SocketAddr {
    let more = match switch {
        "login-limit" => ("/v1/tenant-auth/login", u32::MAX),
        "tenant-limit" => ("/v1/packages", 110),
        "limit-used-up" => ("/api/accounts", u32::MAX),
        _ => ("", 0),
    };
    let left_out = if switch == "limit-headers" {
        "x-ratelimit-remaining"
    } else {
        ""
    };
    let pause = if switch == "retry-after" { "7200" } else { "30" };
    let asked = Mutex::new(BTreeMap::<String, u32>::new());
    service::start(servers, move |request| {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let count = asked.entry(request.path.clone()).or_default();
        *count += 1;
        let limit = LIMITS.iter().find(|(path, _)| *path == request.path);
        let limit = if more.0 == request.path {
            more.1
        } else {
            limit.expect("a path that has a limit").1
        };
        if *count <= limit {
            return only(200);
        }
        let headers = [
            ("retry-after", pause),
            ("x-ratelimit-limit", "100"),
            ("x-ratelimit-remaining", "0"),
        ];
        let kept: Vec<(&'static str, &str)> = headers
            .into_iter()
            .filter(|(name, _)| *name != left_out)
            .collect();
        with(only(429), &kept)
    })
    .await
}

/// What takes a load, but for the check whose switch is thrown.
pub(super) async fn loaded(servers: &mut JoinSet<()>, switch: &str) -> SocketAddr {
    // How many of [`LOAD`] requests are slow, and how slow.
    let (slow, length) = match switch {
        "api-percentile" => (LOAD, 400),
        "p50" => (LOAD, 200),
        "p95" => (3, 700),
        "p99" => (1, 1200),
        _ => (0, 0),
    };
    let refuses = matches!(
        switch,
        "no-errors" | "load-10" | "load-20" | "load-50" | "load-test"
    );
    let asked = Arc::new(AtomicU32::new(0));
    let router = Router::new().fallback(move || {
        let number = asked.fetch_add(1, Ordering::Relaxed) % LOAD;
        async move {
            if refuses {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            if number < slow {
                tokio::time::sleep(Duration::from_millis(length)).await;
            }
            StatusCode::OK
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    servers.spawn(async move { axum::serve(listener, router).await.expect("a listener") });
    address
}

/// A GitHub where all went well, but for the workflow of this file, and for alerts where it is `alerts`.
pub(super) async fn github(servers: &mut JoinSet<()>, ill: &str) -> SocketAddr {
    let ill = ill.to_owned();
    service::start(servers, move |asked| -> Response {
        if asked.path.ends_with("/dependabot/alerts") {
            let alert =
                json!({ "state": "open", "number": 1, "security_advisory": { "severity": "critical" } });
            return says(
                200,
                if ill == "alerts" {
                    json!([alert])
                } else {
                    json!([])
                },
            );
        }
        let (_, workflow) = asked
            .path
            .split_once("/actions/workflows/")
            .expect("a question about a workflow");
        let conclusion = if workflow.trim_end_matches("/runs") == ill {
            "failure"
        } else {
            "success"
        };
        says(
            200,
            json!({ "total_count": 1, "workflow_runs": [{
                "run_number": 1, "status": "completed", "conclusion": conclusion, "head_branch": "main",
                "head_sha": "0", "updated_at": "1970-01-01T00:00:00Z",
            }] }),
        )
    })
    .await
}
