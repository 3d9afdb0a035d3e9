//! Rate limits, faults on demand, and the recording of it all.

use std::path::PathBuf;
use std::time::Duration;

use discord_stand_in::{Fault, Options, RateLimitScope, RateLimits, Requests, StandIn};
use serde_json::{Value, json};

use crate::support::{Outcome, Rest, messages_of, options, text};

fn posts() -> Requests {
    Requests::of("post", "/channels/*/messages")
}

#[tokio::test]
async fn the_sixth_message_has_to_wait() -> Outcome {
    let stand_in = StandIn::start(Options {
        rate_limits: RateLimits::Discord,
        ..options()
    })
    .await?;
    let rest = Rest::new(&stand_in);
    let path = messages_of(stand_in.channel("releases")?.id());
    for left in (0..5).rev() {
        let answer = rest.post(&path, json!({ "content": "c" })).await?;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["x-ratelimit-limit"], "5");
        assert_eq!(answer.headers["x-ratelimit-remaining"], left.to_string().as_str());
        assert!(answer.headers.contains_key("x-ratelimit-bucket"));
    }
    let limited = rest.post(&path, json!({ "content": "c" })).await?;
    assert_eq!(limited.status, 429);
    assert_eq!(limited.headers["x-ratelimit-scope"], "user");
    assert!(limited.headers.contains_key("retry-after"));
    assert_eq!(limited.body["global"], false);
    let wait = limited.body["retry_after"].as_f64().ok_or("no retry_after")?;
    assert!((0.0..=5.0).contains(&wait), "{wait}");
    // Another channel has a bucket of its own.
    let other = messages_of(stand_in.channel("general")?.id());
    assert_eq!(rest.post(&other, json!({ "content": "c" })).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_told_429_comes_first_and_the_next_passes() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let retry_after = Duration::from_millis(1500);
    let scope = RateLimitScope::Global;
    stand_in
        .faults()
        .next(1, posts(), Fault::RateLimited { scope, retry_after });
    stand_in.faults().next(1, posts(), Fault::Status(503));
    let limited = rest
        .post(&messages_of(channel.id()), json!({ "content": "c" }))
        .await?;
    assert_eq!((limited.status, &limited.body["retry_after"]), (429, &json!(1.5)));
    assert_eq!(limited.headers["x-ratelimit-global"], "true");
    assert_eq!(limited.headers["retry-after"], "2");
    assert_eq!(rest.get("/users/@me").await?.status, 200);
    let failed = rest
        .post(&messages_of(channel.id()), json!({ "content": "c" }))
        .await?;
    assert_eq!(failed.status, 503);
    let passed = rest
        .post(&messages_of(channel.id()), json!({ "content": "c" }))
        .await?;
    assert_eq!(passed.status, 200);
    assert_eq!(channel.messages().len(), 1);
    assert_eq!(stand_in.faults().happened(), 2);
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_has_done_its_work_and_a_refused_one_has_not() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let path = messages_of(channel.id());
    let body = json!({ "content": "owed", "nonce": "7", "enforce_nonce": true });
    for (fault, posted) in [
        (Fault::Refuse, 0),
        (Fault::Hang(Duration::ZERO), 0),
        (Fault::LoseReply, 1),
    ] {
        stand_in.faults().next(1, posts(), fault);
        let answer = rest.post(&path, body.clone()).await;
        assert!(answer.is_err(), "{fault:?}: {answer:?}");
        assert_eq!(channel.messages().len(), posted, "{fault:?}");
    }
    let again = rest.post(&path, body).await?;
    assert_eq!(again.body["id"], json!(channel.messages()[0].id()));
    assert_eq!(channel.messages().len(), 1);
    Ok(())
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() -> Outcome {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let stand_in = StandIn::start(options()).await?;
        let rest = Rest::new(&stand_in);
        stand_in
            .faults()
            .sometimes(0.3, 42, Requests::all(), Fault::Status(500));
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(rest.get("/users/@me").await?.status);
        }
        stand_in.faults().clear();
        assert_eq!(rest.get("/users/@me").await?.status, 200);
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    let failed = runs[0].iter().filter(|&&status| status == 500).count();
    assert!((4..=20).contains(&failed), "{failed} of 40 failed");
    Ok(())
}

#[tokio::test]
async fn every_request_is_recorded_in_memory_and_in_the_file() -> Outcome {
    let file =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("recording-{}.jsonl", std::process::id()));
    let stand_in = StandIn::start(Options {
        recording: Some(file.clone()),
        ..options()
    })
    .await?;
    let rest = Rest::new(&stand_in);
    let path = messages_of(stand_in.channel("releases")?.id());
    rest.post(&path, json!({ "content": "c" })).await?;
    stand_in.faults().next(1, posts(), Fault::LoseReply);
    assert!(rest.post(&path, json!({ "content": "d" })).await.is_err());
    rest.get("/nowhere?x=1").await?;

    let written = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let lines = written
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Value>, _>>()?;
    assert_eq!(json!(lines), json!(stand_in.requests()));
    assert_eq!(text(&lines[0], "path"), format!("/api/v10{path}"));
    assert_eq!(text(&lines[0], "name"), "POST /channels/{channel}/messages");
    assert_eq!(
        (&lines[0]["status"], &lines[0]["body"]),
        (&json!(200), &json!({ "content": "c" }))
    );
    assert_eq!(
        (&lines[1]["status"], &lines[1]["body"]["content"]),
        (&Value::Null, &json!("d"))
    );
    assert_eq!(
        (&lines[2]["status"], text(&lines[2], "method")),
        (&json!(404), "GET")
    );
    Ok(())
}

#[tokio::test]
async fn a_reply_is_lost_through_the_proxy_too() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let channel = stand_in.channel("releases")?;
    let authority = reqwest::Certificate::from_pem(stand_in.ca_certificate_pem().as_bytes())?;
    let client = reqwest::Client::builder()
        .proxy(reqwest::Proxy::https(stand_in.proxy_url())?)
        .add_root_certificate(authority)
        .build()?;
    stand_in.faults().next(1, posts(), Fault::LoseReply);
    let url = format!("https://discord.com/api/v10{}", messages_of(channel.id()));
    let send = || {
        let body = json!({ "content": "owed" });
        client
            .post(&url)
            .header("authorization", "Bot token")
            .json(&body)
            .send()
    };
    assert!(send().await.is_err());
    assert_eq!(channel.messages().len(), 1);
    assert_eq!(send().await?.status(), 200);
    Ok(())
}
