use std::time::Instant;

use insta::assert_snapshot;
use serde_json::json;

use super::server::{Behaviour, Server, nobody, response};
use super::*;

async fn told_of(probe: HttpProbe, pass: Option<&str>) -> String {
    told(&run(&check(Probe::Http(probe), pass)).await)
}

const HEALTHY: &str =
    r#"{"status":"healthy","checks":{"database":true,"queue":{"depth":3}},"rate":0.5,"items":[1,2,3]}"#;

#[tokio::test]
async fn a_condition_that_holds_is_told_with_what_was_seen() {
    let server = Server::saying(HEALTHY).await;
    for (pass, expected) in [
        (None, "Passed: status is 200 and latency is SPAN"),
        (
            Some(r#"status == 200 && json.status == "healthy" && latency < duration("30s")"#),
            r#"Passed: status is 200, json.status is "healthy" and latency is SPAN"#,
        ),
        (
            Some("json.checks.database && !has(json.error) && size(json.items) >= 3 && status in [200, 204]"),
            "Passed: json.checks.database is true, json.error is not there, size(json.items) is 3 and status is 200",
        ),
        (
            Some(r#"body.contains("healthy") && 100 < status && (status == 500 || json.rate < 1)"#),
            r#"Passed: body contains "healthy", status is 200 and json.rate is 0.5"#,
        ),
        (
            Some("json.items.all(x, x > 0)"),
            "Passed: json.items.all(x, x > 0) holds",
        ),
        (
            Some(r#"headers["content-length"].matches("^[0-9]+$")"#),
            "Passed: headers[\"content-length\"] matches \"^[0-9]+$\"",
        ),
    ] {
        assert_eq!(told_of(get(server.url("/health")), pass).await, expected);
    }
}

#[tokio::test]
async fn a_condition_that_fails_is_told_with_observed_and_expected() {
    let body = r#"{"status":"degraded","checks":{"database":false},"rate":0.5,"items":[1,2,3],"up":"yes"}"#;
    let server = Server::doing(Behaviour::Say(response("503 Service Unavailable", "", body))).await;
    for (pass, expected) in [
        (None, "Failed: status is 503, expected 200 to 299"),
        (
            Some("status == 200 && json.nothing == 1"),
            "Failed: status is 503, expected 200",
        ),
        (
            Some(r#"status == 503 && json.status == "healthy""#),
            r#"Failed: json.status is "degraded", expected "healthy""#,
        ),
        (
            Some("json.checks.database"),
            "Failed: json.checks.database is false, expected true",
        ),
        (Some("json.up"), r#"Failed: json.up is "yes", expected true"#),
        (
            Some("json.checks.cache == true"),
            "Failed: json.checks.cache is missing",
        ),
        (Some("json.a.b.c == true"), "Failed: json.a is missing"),
        (
            Some("json.status.code == 1"),
            r#"Failed: json.status is "degraded", so json.status.code is missing"#,
        ),
        (Some("json.items[7] == 1"), "Failed: json.items[7] is missing"),
        (Some("has(json.version)"), "Failed: json.version is missing"),
        (
            Some("!has(json.rate)"),
            "Failed: json.rate is there, expected it not to be",
        ),
        (
            Some(r#"headers["x-frame-options"] == "DENY""#),
            r#"Failed: headers["x-frame-options"] is missing"#,
        ),
        (
            Some("status in [200, 204]"),
            "Failed: status is 503, expected one of 200 or 204",
        ),
        (
            Some("status != 503"),
            "Failed: status is 503, expected anything else",
        ),
        (
            Some("200 >= status"),
            "Failed: status is 503, expected at most 200",
        ),
        (
            Some(r#"latency < duration("0s")"#),
            "Failed: latency is SPAN, expected less than 0 ms",
        ),
        (
            Some("json.rate > size(json.items)"),
            "Failed: json.rate is 0.5, expected more than size(json.items) (3)",
        ),
        (
            Some("json.rate * 2.0 > 1.5"),
            "Failed: json.rate * 2.0 is 1, expected more than 1.5 (json.rate is 0.5)",
        ),
        (
            Some("json.rate * 2 > 1"),
            "Failed: json.rate * 2 cannot be worked out: json.rate is 0.5",
        ),
        (
            Some("status / 0 == 1"),
            "Failed: status / 0 cannot be worked out: status is 503, and nothing can be divided by zero",
        ),
        (
            Some(r#"json.status.startsWith("h")"#),
            r#"Failed: json.status is "degraded", expected it to begin with "h""#,
        ),
        (
            Some("status == 200 || json.rate > 1"),
            "Failed: status is 503, expected 200; and json.rate is 0.5, expected more than 1",
        ),
        (
            Some("json.items.all(x, x > 1)"),
            "Failed: json.items.all(x, x > 1) does not hold (json.items is [1, 2, 3])",
        ),
        (
            Some("!(status == 503)"),
            "Failed: status is 503, expected otherwise",
        ),
    ] {
        assert_eq!(
            told_of(get(server.url("/health")), pass).await,
            expected,
            "{pass:?}"
        );
    }
}

#[tokio::test]
async fn what_was_seen_is_kept_as_evidence() {
    let server = Server::doing(Behaviour::Say(response(
        "200 OK",
        "x-version: 7\r\nx-other: 8\r\n",
        HEALTHY,
    )))
    .await;
    let pass = r#"json.checks.queue.depth < 5 && headers["x-version"] == "7" && "x-none" in headers"#;
    let result = run(&check(Probe::Http(get(server.url("/a?b=c"))), Some(pass))).await;
    assert_eq!(result.check.as_str(), "it");
    assert_eq!(result.at, Timestamp::UNIX_EPOCH);
    let mut observed = serde_json::to_value(&result.observed).expect("JSON");
    assert!(observed["latency_ms"].is_u64());
    observed["latency_ms"] = json!(0);
    assert_eq!(
        observed,
        json!({
            "status": 200,
            "latency_ms": 0,
            "url": server.url("/a?b=c"),
            "address": "127.0.0.1",
            "version": "1.1",
            "body": HEALTHY,
            "headers[\"x-version\"]": "7",
            "json.checks.queue.depth": 3,
        })
    );
}

#[tokio::test]
async fn the_request_is_sent_as_written() {
    let server = Server::saying("ok").await;
    let mut probe = get(server.url("/{{ path }}"));
    probe.method = "POST".to_owned();
    probe.headers = BTreeMap::from([("X-Key".to_owned(), "{{ key }}".to_owned())]);
    probe.json = Some(json!({ "say": "{{ quoted }}" }));
    let variables = Variables::new()
        .with(VariableName::new("path"), "login")
        .with(VariableName::new("key"), "k")
        .with(VariableName::new("quoted"), "a \"b\"");
    let result = checks().run(&check(Probe::Http(probe), None), &variables).await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /login HTTP/1.1\r\n"), "{request}");
    for part in [
        "x-key: k\r\n",
        "content-type: application/json\r\n",
        r#"{"say":"a \"b\""}"#,
        "user-agent: holdpoint/",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_told_when_json_is_asked_for() {
    let html = Server::saying("<html>").await;
    assert_snapshot!(told_of(get(html.url("/")), Some("json.ok")).await, @r#"Failed: the body is not JSON: it begins "<html>""#);
    assert_snapshot!(told_of(get(html.url("/")), Some("status == 200")).await, @"Passed: status is 200");
    let empty = Server::saying("").await;
    assert_snapshot!(told_of(get(empty.url("/")), Some("json.ok")).await, @"Failed: the body is empty, expected JSON");
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_taken_as_they_come() {
    let mut bytes = response("200 OK", "", "caf#");
    *bytes.last_mut().expect("a byte") = 0xe9;
    let server = Server::doing(Behaviour::Say(bytes)).await;
    assert_snapshot!(told_of(get(server.url("/")), Some(r#"body.startsWith("caf")"#)).await, @r#"Passed: body begins with "caf""#);
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let server = Server::doing(Behaviour::SayAndFlood(
        b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n".to_vec(),
    ))
    .await;
    let url = server.url("/");
    let result = run(&check(
        Probe::Http(get(&url)),
        Some("status == 200 && size(body) == 1048576"),
    ))
    .await;
    assert_snapshot!(told(&result), @"Passed: status is 200 and size(body) is 1048576");
    assert_eq!(result.observed["body_cut_at_bytes"], json!(1_048_576));
    assert_snapshot!(
        told_of(get(&url), Some("json.ok")).await,
        @"Failed: the body is longer than 1048576 bytes, so it was not read as JSON"
    );
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_costs_the_time_out_and_no_more() {
    let hanging = Server::doing(Behaviour::SayAndHang(Vec::new())).await;
    let dripping = Server::doing(Behaviour::Drip(
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec(),
    ))
    .await;
    for (server, beginning, end) in [
        (
            &hanging,
            "Error: no answer came from 127.0.0.1:PORT within 200 ms",
            "raise `timeout` if that is too short",
        ),
        (
            &dripping,
            "Error: the answer of 127.0.0.1:PORT had begun but did not end (",
            " bytes of its body came) within 200 ms; raise `timeout` if that is too short",
        ),
    ] {
        let started = Instant::now();
        let told = told(&run(&in_short(check(Probe::Http(get(server.url("/"))), None))).await);
        assert!(told.starts_with(beginning) && told.ends_with(end), "{told}");
        assert!(started.elapsed() < SHORT * 10, "it took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_with_what_to_do() {
    assert_snapshot!(
        told_of(get(nobody().await), None).await,
        @"Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port"
    );
    assert_snapshot!(
        told_of(get("http://no-such-host.invalid/"), None).await,
        @"Error: the host no-such-host.invalid does not resolve; check `url` and DNS"
    );
    let mut named = check(Probe::Http(get("{{ base_url }}/health")), None);
    let variables = Variables::new().with(VariableName::new("base_url"), "http://no-such-host.invalid");
    assert_snapshot!(
        told(&checks().run(&named, &variables).await),
        @"Error: the host no-such-host.invalid does not resolve; check the variable base_url and DNS"
    );
    let variables = Variables::new().with(VariableName::new("base_url"), "app.example");
    assert_snapshot!(
        told(&checks().run(&named, &variables).await),
        @"Error: the address is not a URL (relative URL without a base); check the variable base_url"
    );
    assert_snapshot!(
        told(&run(&named).await),
        @"Error: the variable base_url has no value; give it one when the deployment starts, or a default in the front matter"
    );
    named.probe = Probe::Http(get("ftp://app.example/"));
    assert_snapshot!(
        told(&run(&named).await),
        @"Error: the address has the scheme ftp, and only http and https are spoken"
    );

    let broken = Server::doing(Behaviour::Say(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec(),
    ))
    .await;
    assert_snapshot!(
        told_of(get(broken.url("/")), None).await,
        @"Error: 127.0.0.1:PORT broke the connection off in the middle of its answer (4 bytes of its body came); look at its log"
    );
    let silent = Server::doing(Behaviour::Say(Vec::new())).await;
    assert_snapshot!(
        told_of(get(silent.url("/")), None).await,
        @"Error: 127.0.0.1:PORT closed the connection without an answer; look at its log"
    );
    let foreign = Server::doing(Behaviour::Say(b"220 mail.example ESMTP\r\n".to_vec())).await;
    assert_snapshot!(
        told_of(get(foreign.url("/")), None).await,
        @"Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https"
    );
    let plain = Server::saying("ok").await;
    let by_tls = told_of(get(plain.url("/").replace("http:", "https:")), None).await;
    assert!(
        by_tls.starts_with("Error: 127.0.0.1:PORT could not be spoken to by TLS ("),
        "{by_tls}"
    );

    let header = HttpProbe {
        headers: BTreeMap::from([("x-a".to_owned(), "one\ntwo".to_owned())]),
        ..get(plain.url("/"))
    };
    assert_snapshot!(
        told_of(header, None).await,
        @"Error: the value of the header x-a has a line break or another character that no header can have"
    );
    assert_snapshot!(
        told_of(get(plain.url("/")), Some("status = 200")).await,
        @"Error: the condition cannot be used: `=` is not an operator; write `==` to compare"
    );
}

fn redirecting() -> impl Fn(&str) -> Behaviour {
    |request| {
        let to = |status: &str, place: &str| {
            Behaviour::Say(response(status, &format!("location: {place}\r\n"), ""))
        };
        match request.split(' ').nth(1) {
            Some("/once") => to("302 Found", "/end"),
            Some("/loop") => to("302 Found", "/loop"),
            Some("/keep") => to("307 Temporary Redirect", "/end"),
            Some("/metadata") => to("302 Found", "http://169.254.169.254/latest/"),
            _ => Behaviour::Say(response("200 OK", "", "end")),
        }
    }
}

#[tokio::test]
async fn redirects_are_observed_or_followed_as_asked() {
    let server = Server::answering(redirecting()).await;
    let follow = |path: &str, follow| HttpProbe {
        follow,
        ..get(server.url(path))
    };
    assert_snapshot!(
        told_of(follow("/once", 0), Some(r#"status == 302 && headers.location == "/end" && redirects == 0"#)).await,
        @r#"Passed: status is 302, headers.location is "/end" and redirects is 0"#
    );
    assert_snapshot!(
        told_of(follow("/once", 1), Some(r#"redirects == 1 && url.endsWith("/end")"#)).await,
        @r#"Passed: redirects is 1 and url ends with "/end""#
    );
    assert_snapshot!(
        told_of(follow("/loop", 5), None).await,
        @"Error: http://127.0.0.1:PORT/loop redirects more than 5 times, last to http://127.0.0.1:PORT/loop; look for a loop there, or raise `follow`"
    );
    assert_snapshot!(
        told_of(follow("/metadata", 5), None).await,
        @"Error: the address 169.254.169.254 may not be reached; the operator can change checks.network.deny and checks.network.allow"
    );
}

#[tokio::test]
async fn a_redirect_changes_the_method_only_where_it_says_so() {
    let server = Server::answering(redirecting()).await;
    for (path, begins) in [("/once", "GET /end"), ("/keep", "POST /end")] {
        let probe = HttpProbe {
            method: "POST".to_owned(),
            body: Some("x".to_owned()),
            follow: 1,
            ..get(server.url(path))
        };
        assert_eq!(
            told_of(probe, Some("status == 200")).await,
            "Passed: status is 200"
        );
        assert!(server.requests().last().expect("a request").starts_with(begins));
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_secrets_along() {
    let elsewhere = Server::saying("ok").await;
    let target = elsewhere.url("/x");
    let first = Server::answering(move |request| {
        let status = if request.starts_with("POST") {
            "307 Temporary Redirect"
        } else {
            "302 Found"
        };
        Behaviour::Say(response(status, &format!("location: {target}\r\n"), ""))
    })
    .await;
    let mut probe = HttpProbe {
        headers: [
            ("x-api-key", "k"),
            ("authorization", "Bearer k"),
            ("accept", "text/plain"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect(),
        follow: 1,
        ..get(first.url("/"))
    };
    assert_eq!(
        told_of(probe.clone(), Some("status == 200")).await,
        "Passed: status is 200"
    );
    assert!(first.requests()[0].contains("x-api-key: k"));
    let request = elsewhere.requests().remove(0);
    assert!(
        request.contains("accept: text/plain")
            && !request.contains("x-api-key")
            && !request.contains("Bearer"),
        "{request}"
    );

    probe.method = "POST".to_owned();
    probe.body = Some("secret".to_owned());
    assert_snapshot!(
        told_of(probe, None).await,
        @"Error: http://127.0.0.1:PORT/ redirects to http://127.0.0.1:PORT/x and asks for the body to be sent there, which is not done to another host; set `url` to where it is wanted"
    );
}

#[tokio::test]
async fn a_name_that_resolves_to_a_denied_address_is_not_dialled() {
    let server = Server::saying("ok").await;
    let by_name = check(
        Probe::Http(get(format!("http://localhost:{}/", server.port()))),
        Some("status == 200"),
    );
    let closed = checks_with(|settings, _| {
        settings.denied_networks = vec!["127.0.0.0/8".to_owned(), "::1".to_owned()];
    });
    let told_closed = told(&closed.run(&by_name, &Variables::new()).await);
    assert!(
        told_closed.starts_with("Error: the host localhost is at ")
            && told_closed.ends_with(
                ", which may not be reached; the operator can change checks.network.deny and checks.network.allow"
            ),
        "{told_closed}"
    );
    assert!(server.requests().is_empty());
    assert_eq!(told(&run(&by_name).await), "Passed: status is 200");
}

#[tokio::test]
async fn refusals_are_ordinary_conditions() {
    let server = Server::answering(|request| {
        let (status, headers) = match request.split(' ').nth(1) {
            Some("/private") => ("401 Unauthorized", "www-authenticate: Bearer\r\n"),
            Some("/admin") => ("403 Forbidden", ""),
            Some("/again") => ("409 Conflict", ""),
            _ => ("429 Too Many Requests", "retry-after: 30\r\n"),
        };
        Behaviour::Say(response(status, headers, ""))
    })
    .await;
    let mut table = String::new();
    for (path, pass) in [
        ("/private", r#"status == 401 && "www-authenticate" in headers"#),
        ("/admin", "status == 403"),
        ("/again", "status == 409"),
        ("/busy", r#"status == 429 && int(headers["retry-after"]) <= 60"#),
        ("/admin", "status == 401"),
    ] {
        table += &told_of(get(server.url(path)), Some(pass)).await;
        table.push('\n');
    }
    assert_snapshot!(table, @r#"
    Passed: status is 401 and "www-authenticate" in headers holds
    Passed: status is 403
    Passed: status is 409
    Passed: status is 429 and int(headers["retry-after"]) is 30
    Failed: status is 403, expected 401
    "#);
}

#[tokio::test]
async fn a_preflight_is_a_request_like_any_other() {
    let server = Server::answering(|request| {
        let lower = request.to_lowercase();
        let asks = request.starts_with("OPTIONS /api/orders ")
            && lower.contains("access-control-request-method: post");
        let origin = if asks && lower.contains("origin: https://shop.example") {
            "access-control-allow-origin: https://shop.example\r\naccess-control-allow-methods: GET, POST\r\n"
        } else {
            ""
        };
        Behaviour::Say(response("204 No Content", origin, ""))
    })
    .await;
    let mut table = String::new();
    for origin in ["https://shop.example", "https://evil.example"] {
        let probe = HttpProbe {
            method: "OPTIONS".to_owned(),
            headers: BTreeMap::from([
                ("Origin".to_owned(), origin.to_owned()),
                ("Access-Control-Request-Method".to_owned(), "POST".to_owned()),
            ]),
            ..get(server.url("/api/orders"))
        };
        for pass in [
            r#"headers["access-control-allow-origin"] == "https://shop.example" && headers["access-control-allow-methods"].contains("POST")"#,
            r#"!("access-control-allow-origin" in headers)"#,
        ] {
            table += &told_of(probe.clone(), Some(pass)).await;
            table.push('\n');
        }
    }
    assert_snapshot!(table, @r#"
    Passed: headers["access-control-allow-origin"] is "https://shop.example" and headers["access-control-allow-methods"] contains "POST"
    Failed: !("access-control-allow-origin" in headers) does not hold (headers is an object with {access-control-allow-methods, access-control-allow-origin, connection, content-length})
    Failed: headers["access-control-allow-origin"] is missing
    Passed: !("access-control-allow-origin" in headers) holds
    "#);
}

#[tokio::test]
async fn the_address_and_the_version_are_observed() {
    let server = Server::saying("ok").await;
    let url = format!("http://localhost:{}/", server.port());
    assert_snapshot!(
        told_of(get(url.clone()), Some(r#"address == "127.0.0.1" && version == "1.1""#)).await,
        @r#"Passed: address is "127.0.0.1" and version is "1.1""#
    );
    assert_snapshot!(told_of(get(url), Some(r#"version == "2""#)).await, @r#"Failed: version is "1.1", expected "2""#);
}
