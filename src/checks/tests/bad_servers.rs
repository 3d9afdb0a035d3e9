//! Every probe that asks another machine, against every way in which one can fail to answer: each ends in time, with one
//! sentence that names the cause.

use std::fmt::Write as _;
use std::time::Instant;

use super::server::{Behaviour, Server, nobody};
use super::*;
use crate::domain::check::{
    BurstProbe, DatabaseProbe, GithubProbe, GithubQuestion, HttpStep, HttpSteps, LoadExtent, LoadProbe,
    PrometheusProbe, TlsProbe,
};

/// The time-out of checks that run into it: time enough for what can be known before.
const SOON: Duration = Duration::from_secs(1);
/// How late a check may end on a machine that does much else.
const LATE: Duration = Duration::from_secs(5);

/// Each kind of probe that needs a conversation with the machine at this place.
fn asking(place: &str) -> Vec<(&'static str, Probe)> {
    let url = format!("http://{place}/");
    let steps = vec![HttpStep {
        request: get(&url),
        pass: None,
        line: 1,
        column: 1,
    }];
    let database = |scheme: &str, query: &str| {
        Probe::Database(DatabaseProbe {
            url: format!("{scheme}://{place}/it"),
            query: query.to_owned(),
        })
    };
    vec![
        ("http", Probe::Http(get(&url))),
        ("https", Probe::Http(get(url.replace("http:", "https:")))),
        ("steps", Probe::HttpSteps(HttpSteps { steps })),
        (
            "burst",
            Probe::Burst(BurstProbe {
                request: get(&url),
                requests: 2,
                within: Duration::from_millis(150),
            }),
        ),
        (
            "load",
            Probe::Load(LoadProbe {
                request: get(&url),
                connections: 2,
                extent: LoadExtent::Requests(2),
                rate: None,
                warm_up: Duration::ZERO,
                baseline: None,
            }),
        ),
        (
            "prometheus",
            Probe::Prometheus(PrometheusProbe {
                url: url.clone(),
                query: "up".to_owned(),
                range: None,
                headers: BTreeMap::new(),
            }),
        ),
        (
            "github",
            Probe::Github(GithubProbe {
                repository: "some/thing".to_owned(),
                question: GithubQuestion::Workflow {
                    file: "ci.yml".to_owned(),
                    branch: None,
                },
                token: None,
                base_url: url,
            }),
        ),
        (
            "tls",
            Probe::Tls(TlsProbe {
                host: place.to_owned(),
                ca: None,
                name: None,
            }),
        ),
        ("postgres", database("postgres", "SELECT 1")),
        ("redis", database("redis", "PING")),
    ]
}

/// Runs all of them at once, and gives a line for each. What can be known at once is not waited for.
async fn told_by_all(place: &str, timeout: Duration) -> String {
    let waits = if timeout == SOON { SOON } else { Duration::ZERO };
    let mut table = String::new();
    let runs = asking(place).into_iter().map(|(kind, probe)| async move {
        let started = Instant::now();
        let mut check = check(probe, None);
        check.timeout = timeout;
        let result = run(&check).await;
        let took = started.elapsed();
        assert!(took < waits + LATE, "{kind} took {took:?}: {}", result.why);
        assert_ne!(result.status, CheckStatus::Passed, "{kind}: {}", result.why);
        assert!(
            !result.why.is_empty() && !result.why.contains('\n'),
            "{kind}: {:?}",
            result.why
        );
        let told = told(&result);
        // How much had come by then is the machine's to say.
        let told = Regex::new(r"\(\d+ bytes of its body came\)")
            .expect("a regular expression")
            .replace(&told, "(SOME bytes of its body came)")
            .into_owned();
        format!("{kind}: {told}\n")
    });
    for line in futures_util::future::join_all(runs).await {
        let _ = write!(table, "{line}");
    }
    table
}

async fn told_of(behaviour: Behaviour, timeout: Duration) -> String {
    let server = Server::doing(behaviour).await;
    let url = server.url("");
    told_by_all(url.trim_start_matches("http://"), timeout).await
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    insta::assert_snapshot!(told_by_all("no-such-host.invalid:1", AMPLE).await, @"
    http: Error: the host no-such-host.invalid does not resolve; check `url` and DNS
    https: Error: the host no-such-host.invalid does not resolve; check `url` and DNS
    steps: Error: step 1 (GET /): the host no-such-host.invalid does not resolve; check `url` and DNS
    burst: Error: the host no-such-host.invalid does not resolve; check `url` and DNS
    load: Error: the host no-such-host.invalid does not resolve; check `url` and DNS
    prometheus: Error: the host no-such-host.invalid does not resolve; check `url` and DNS
    github: Error: the host no-such-host.invalid does not resolve; check `base_url` and DNS
    tls: Error: the host no-such-host.invalid does not resolve; check the name and DNS
    postgres: Error: the host no-such-host.invalid does not resolve; check the name and DNS
    redis: Error: the host no-such-host.invalid does not resolve; check the name and DNS
    ");
}

#[tokio::test]
async fn a_port_that_refuses() {
    let url = nobody().await;
    let place = url.trim_start_matches("http://").trim_end_matches('/');
    insta::assert_snapshot!(told_by_all(place, AMPLE).await, @"
    http: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    https: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    steps: Error: step 1 (GET /): nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    burst: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    load: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    prometheus: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    github: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    tls: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    postgres: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    redis: Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    ");
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing() {
    insta::assert_snapshot!(told_of(Behaviour::SayAndHang(Vec::new()), SOON).await, @"
    http: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    https: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    steps: Error: step 1 (GET /): no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    burst: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    load: Failed: 2 of 2 requests failed (100 %): 2 got no answer in time
    prometheus: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    github: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    tls: Error: 127.0.0.1:PORT took the connection and did not finish the TLS handshake within 1 s; raise `timeout` if that is too short
    postgres: Error: 127.0.0.1:PORT took the connection and did not answer within 1 s; raise `timeout` if that is too short
    redis: Error: 127.0.0.1:PORT took the connection and did not answer within 1 s; raise `timeout` if that is too short
    ");
}

#[tokio::test]
async fn a_server_that_closes_at_once() {
    insta::assert_snapshot!(told_of(Behaviour::Say(Vec::new()), AMPLE).await, @"
    http: Error: 127.0.0.1:PORT closed the connection without an answer; look at its log
    https: Error: 127.0.0.1:PORT could not be spoken to by TLS (tls handshake eof); check that it serves https there
    steps: Error: step 1 (GET /): 127.0.0.1:PORT closed the connection without an answer; look at its log
    burst: Error: 127.0.0.1:PORT closed the connection without an answer; look at its log
    load: Failed: 2 of 2 requests failed (100 %): 2 got no answer before the connection was closed
    prometheus: Error: 127.0.0.1:PORT closed the connection without an answer; look at its log
    github: Error: 127.0.0.1:PORT closed the connection without an answer; look at its log
    tls: Error: 127.0.0.1:PORT closed the connection in the middle of the TLS handshake; look at its log, and whether TLS is spoken at that port
    postgres: Error: 127.0.0.1:PORT closed the connection; look at its log, and whether PostgreSQL is what runs there
    redis: Error: 127.0.0.1:PORT closed the connection without an answer; look at its log, and whether it wants rediss://
    ");
}

#[tokio::test]
async fn a_server_that_drips_a_head_without_end() {
    let head = b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec();
    insta::assert_snapshot!(told_of(Behaviour::Drip(head), SOON).await, @"
    http: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    https: Error: 127.0.0.1:PORT could not be spoken to by TLS (received corrupt message of type InvalidContentType); check that it serves https there
    steps: Error: step 1 (GET /): no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    burst: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    load: Failed: 2 of 2 requests failed (100 %): 2 got no answer in time
    prometheus: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    github: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    tls: Error: 127.0.0.1:PORT does not speak TLS; check the port, and whether TLS is switched on
    postgres: Error: 127.0.0.1:PORT does not answer as PostgreSQL does; mend `url`
    redis: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    ");
}

#[tokio::test]
async fn a_server_that_drips_a_body_without_end() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_vec();
    insta::assert_snapshot!(told_of(Behaviour::Drip(head), SOON).await, @"
    http: Error: the answer of 127.0.0.1:PORT had begun but did not end (SOME bytes of its body came) within 1 s; raise `timeout` if that is too short
    https: Error: 127.0.0.1:PORT could not be spoken to by TLS (received corrupt message of type InvalidContentType); check that it serves https there
    steps: Error: step 1 (GET /): the answer of 127.0.0.1:PORT had begun but did not end (SOME bytes of its body came) within 1 s; raise `timeout` if that is too short
    burst: Error: no answer came from 127.0.0.1:PORT within 1 s; raise `timeout` if that is too short
    load: Failed: 2 of 2 requests failed (100 %): 2 got no answer in time
    prometheus: Error: the answer of 127.0.0.1:PORT had begun but did not end (SOME bytes of its body came) within 1 s; raise `timeout` if that is too short
    github: Error: the answer of 127.0.0.1:PORT had begun but did not end (SOME bytes of its body came) within 1 s; raise `timeout` if that is too short
    tls: Error: 127.0.0.1:PORT does not speak TLS; check the port, and whether TLS is switched on
    postgres: Error: 127.0.0.1:PORT does not answer as PostgreSQL does; mend `url`
    redis: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    ");
}

#[tokio::test]
async fn a_server_that_closes_in_the_middle_of_its_answer() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\": \"he".to_vec();
    insta::assert_snapshot!(told_of(Behaviour::Say(half), AMPLE).await, @"
    http: Error: 127.0.0.1:PORT broke the connection off in the middle of its answer (SOME bytes of its body came); look at its log
    https: Error: 127.0.0.1:PORT could not be spoken to by TLS (received corrupt message of type InvalidContentType); check that it serves https there
    steps: Error: step 1 (GET /): 127.0.0.1:PORT broke the connection off in the middle of its answer (SOME bytes of its body came); look at its log
    burst: Error: 127.0.0.1:PORT broke the connection off in the middle of its answer; look at its log
    load: Failed: 2 of 2 requests failed (100 %): 2 were broken off in the middle of the answer
    prometheus: Error: 127.0.0.1:PORT broke the connection off in the middle of its answer (SOME bytes of its body came); look at its log
    github: Error: 127.0.0.1:PORT broke the connection off in the middle of its answer (SOME bytes of its body came); look at its log
    tls: Error: 127.0.0.1:PORT does not speak TLS; check the port, and whether TLS is switched on
    postgres: Error: 127.0.0.1:PORT does not answer as PostgreSQL does; mend `url`
    redis: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    ");
}

#[tokio::test]
async fn a_server_that_sends_bytes_that_mean_nothing() {
    let noise: Vec<u8> = (0..4096_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    insta::assert_snapshot!(told_of(Behaviour::Say(noise), AMPLE).await, @"
    http: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    https: Error: 127.0.0.1:PORT could not be spoken to by TLS (received corrupt message of type InvalidContentType); check that it serves https there
    steps: Error: step 1 (GET /): 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    burst: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    load: Failed: 2 of 2 requests failed (100 %): 2 were not answered in HTTP
    prometheus: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    github: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    tls: Error: 127.0.0.1:PORT does not speak TLS; check the port, and whether TLS is switched on
    postgres: Error: 127.0.0.1:PORT does not answer as PostgreSQL does; mend `url`
    redis: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    ");
}

#[tokio::test]
async fn a_server_that_never_stops_sending() {
    insta::assert_snapshot!(told_of(Behaviour::SayAndFlood(Vec::new()), AMPLE).await, @"
    http: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    https: Error: 127.0.0.1:PORT could not be spoken to by TLS (received corrupt message of type InvalidContentType); check that it serves https there
    steps: Error: step 1 (GET /): 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    burst: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    load: Failed: 2 of 2 requests failed (100 %): 2 were not answered in HTTP
    prometheus: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    github: Error: 127.0.0.1:PORT did not answer in HTTP; check the port, and whether it wants https
    tls: Error: 127.0.0.1:PORT does not speak TLS; check the port, and whether TLS is switched on
    postgres: Error: 127.0.0.1:PORT does not answer as PostgreSQL does; mend `url`
    redis: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    ");
}

#[tokio::test]
async fn a_server_whose_head_never_ends() {
    let line = b"x-more: and more\r\n".repeat(100_000);
    let head = [&b"HTTP/1.1 200 OK\r\n"[..], &line].concat();
    insta::assert_snapshot!(told_of(Behaviour::SayAndHang(head), AMPLE).await, @"
    http: Error: 127.0.0.1:PORT answers with more headers than are read; look at what it sends
    https: Error: 127.0.0.1:PORT could not be spoken to by TLS (received corrupt message of type InvalidContentType); check that it serves https there
    steps: Error: step 1 (GET /): 127.0.0.1:PORT answers with more headers than are read; look at what it sends
    burst: Error: 127.0.0.1:PORT answers with more headers than are read; look at what it sends
    load: Failed: 2 of 2 requests failed (100 %): 2 were answered with more headers than are read
    prometheus: Error: 127.0.0.1:PORT answers with more headers than are read; look at what it sends
    github: Error: 127.0.0.1:PORT answers with more headers than are read; look at what it sends
    tls: Error: 127.0.0.1:PORT does not speak TLS; check the port, and whether TLS is switched on
    postgres: Error: 127.0.0.1:PORT does not answer as PostgreSQL does; mend `url`
    redis: Error: 127.0.0.1:PORT does not answer as Redis does; mend `url`
    ");
}
