use std::sync::atomic::{AtomicUsize, Ordering};

use super::server::{Behaviour, Server, nobody, response};
use super::*;
use crate::domain::check::BurstProbe;

fn burst(url: impl Into<String>, requests: u32) -> BurstProbe {
    BurstProbe {
        request: get(url),
        requests,
        within: Duration::from_secs(10),
    }
}

/// Answers so many requests with 200, and all others with 429 and these headers.
async fn limiting(allowed: usize, headers: &'static str) -> Server {
    let number = AtomicUsize::new(0);
    Server::answering(move |_| {
        Behaviour::Say(if number.fetch_add(1, Ordering::SeqCst) < allowed {
            response("200 OK", "", "ok")
        } else {
            response("429 Too Many Requests", headers, "slow down")
        })
    })
    .await
}

#[tokio::test]
async fn a_limit_is_seen_with_what_it_says() {
    let server = limiting(30, "retry-after: 30\r\nx-ratelimit-limit: 30\r\n").await;
    let probe = Probe::Burst(burst(server.url("/"), 50));
    let seen = run(&check(probe.clone(), None)).await;
    assert_eq!(
        told(&seen),
        "Passed: limited is 20 of 50 requests and retry_after is 30 s"
    );
    assert_eq!(
        seen.observed["statuses"],
        serde_json::json!({ "200": 30, "429": 20 })
    );
    assert_eq!(server.requests().len(), 50);

    let mut table = Vec::new();
    for pass in [
        r#"sent == 50 && limited == 50 && headers["x-ratelimit-limit"] == "30" && retry_after <= duration("1m")"#,
        r#"headers["x-ratelimit-limit"] == "100""#,
        "statuses['200'] == 100",
        "retry_after < duration('10s')",
    ] {
        table.push(told(&run(&check(probe.clone(), Some(pass))).await));
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    Passed: sent is 50, limited is 50, headers["x-ratelimit-limit"] is "30" and retry_after is 30 s
    Failed: headers["x-ratelimit-limit"] is "30", expected "100"
    Failed: statuses["200"] is missing
    Failed: retry_after is 30 s, expected less than 10 s
    "#);
}

#[tokio::test]
async fn a_limit_may_name_a_date_or_nothing() {
    let mut table = Vec::new();
    for headers in [
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:51:07 GMT\r\n",
        "retry-after: later\r\n",
        "",
    ] {
        let server = limiting(1, headers).await;
        let probe = Probe::Burst(burst(server.url("/"), 5));
        for pass in [None, Some("retry_after == duration('90s')")] {
            table.push(told(&run(&check(probe.clone(), pass)).await));
        }
    }
    insta::assert_snapshot!(table.join("\n"), @"
    Passed: limited is 4 of 5 requests and retry_after is 1 min 30 s
    Passed: retry_after is 1 min 30 s
    Passed: limited is 4 of 5 requests
    Failed: the retry-after header of the 429 is neither seconds nor a date
    Passed: limited is 4 of 5 requests
    Failed: the 429 has no retry-after header
    ");
}

#[tokio::test]
async fn no_limit_fails_and_leaves_nothing_to_say_of_its_headers() {
    let server = Server::saying("ok").await;
    let probe = Probe::Burst(burst(server.url("/"), 25));
    let mut table = Vec::new();
    for pass in [
        None,
        Some("limited > 0"),
        Some("retry_after > duration('1s')"),
        Some(r#"headers["retry-after"] == "1""#),
        Some("limited == 0 && statuses['200'] == 25"),
    ] {
        table.push(told(&run(&check(probe.clone(), pass)).await));
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    Failed: limited is 0, expected some of 25 requests to be answered 429
    Failed: limited is 0, expected more than 0
    Failed: there is no retry_after: none of the 25 requests was answered 429
    Failed: there are no headers of a 429: none of the 25 requests was answered 429
    Passed: limited is 0 and statuses["200"] is 25
    "#);
}

#[tokio::test]
async fn answers_that_did_not_come_are_told_beside_those_that_did() {
    let number = AtomicUsize::new(0);
    let server = Server::answering(move |_| {
        Behaviour::Say(if number.fetch_add(1, Ordering::SeqCst) < 8 {
            response("200 OK", "", "ok")
        } else {
            Vec::new()
        })
    })
    .await;
    let result = run(&check(Probe::Burst(burst(server.url("/"), 12)), None)).await;
    assert_eq!(
        told(&result),
        "Failed: limited is 0, expected some of 12 requests to be answered 429; 4 got no whole answer"
    );
    assert_eq!(result.observed["failed"], 4);
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let server = Server::doing(Behaviour::Say(response(
        "302 Found",
        "location: /elsewhere\r\n",
        "",
    )))
    .await;
    let result = run(&check(
        Probe::Burst(burst(server.url("/"), 8)),
        Some("statuses['302'] == 8"),
    ))
    .await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    assert!(server.requests().iter().all(|asked| asked.starts_with("GET / ")));
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_told() {
    let silent = Server::doing(Behaviour::SayAndHang(Vec::new())).await;
    let closing = Server::doing(Behaviour::Say(Vec::new())).await;
    let cut = Server::doing(Behaviour::Say(
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec(),
    ))
    .await;
    let foreign = Server::doing(Behaviour::Say(b"220 mail.example ESMTP\r\n".to_vec())).await;
    let mut table = Vec::new();
    for url in [
        nobody().await,
        silent.url("/"),
        closing.url("/"),
        cut.url("/"),
        foreign.url("/"),
        "http://169.254.169.254/".to_owned(),
    ] {
        let mut check = check(Probe::Burst(burst(url, 30)), None);
        check.timeout = Duration::from_millis(600);
        table.push(told(&run(&check).await));
    }
    insta::assert_snapshot!(table.join("\n"), @"
    Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    Error: no answer came from 127.0.0.1:PORT within 600 ms; raise `timeout` if that is too short
    Error: 127.0.0.1:PORT closed the connection without an answer; look at its log
    Error: 127.0.0.1:PORT broke the connection off in the middle of its answer; look at its log
    Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    Error: the address 169.254.169.254 may not be reached; the operator can change checks.network.deny and checks.network.allow
    ");
}

#[tokio::test]
async fn what_there_is_no_time_for_is_not_sent() {
    let number = AtomicUsize::new(0);
    // The first is answered, so that there is something to tell; nobody else is.
    let server = Server::answering(move |_| {
        if number.fetch_add(1, Ordering::SeqCst) == 0 {
            Behaviour::Say(response("200 OK", "", "ok"))
        } else {
            Behaviour::SayAndHang(Vec::new())
        }
    })
    .await;
    let mut probe = burst(server.url("/"), 1000);
    probe.within = Duration::from_millis(300);
    let mut check = check(
        Probe::Burst(probe),
        Some("sent < 1000 && failed == sent - 1 && limited == 0"),
    );
    check.timeout = Duration::from_millis(1200);
    let result = run(&check).await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    check.pass = None;
    // Now nobody is answered.
    assert_eq!(
        told(&run(&check).await),
        "Error: no answer came from 127.0.0.1:PORT within 1.2 s; raise `timeout` if that is too short"
    );
}

#[test]
fn what_cannot_be_meant_is_told_at_once() {
    let mut table = Vec::new();
    for (within, url, pass) in [
        (20, "https://app.example/", None),
        (19, "https://app.example/", None),
        (1, "ftp://app.example/", None),
        (1, "https://app.example/{{ path }}", None),
        (1, "https://app.example/", Some("retry_after == 30")),
        (
            1,
            "https://app.example/",
            Some(r#"limited > 0 && headers["Retry-After"] == "30""#),
        ),
    ] {
        let mut probe = burst(url, 1);
        probe.within = Duration::from_secs(within);
        let problems = Checks::problems(&check(Probe::Burst(probe), pass), &BTreeMap::new());
        let told: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        table.push(told.join("; "));
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    the burst may take 20 s, and `timeout` is 20 s; make it longer than that, or leave it out

    `url` has the scheme ftp, and only http and https are spoken
    there is no variable path; declare it under `variables`
    `retry_after` is a span of time and `30` is a whole number, which `==` does not take together; write a span of time as in duration("500ms")
    names of headers are in lower case here; write headers["retry-after"]
    "#);
}
