use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::server::{Behaviour, Server, nobody, response};
use super::*;
use crate::domain::check::{LoadBaseline, LoadExtent, LoadProbe};

fn load(url: impl Into<String>, requests: u32) -> LoadProbe {
    LoadProbe {
        request: get(url),
        connections: 2,
        extent: LoadExtent::Requests(requests),
        rate: None,
        warm_up: Duration::ZERO,
        baseline: None,
    }
}

/// The sentence, with what differs from run to run made the same.
fn steady(result: &CheckResult) -> String {
    let mut told = told(result);
    for (pattern, same) in [
        (r"\b(p95|rate) is (less than )?[\d.]+( m?s)?", "$1 is FIGURE"),
        (r"(p95|baseline\.p95) \((less than )?[\d.]+ m?s\)", "$1 (FIGURE)"),
    ] {
        told = Regex::new(pattern)
            .expect("a regular expression")
            .replace_all(&told, same)
            .into_owned();
    }
    told
}

/// A server that keeps its connections and answers every request on them.
struct Keeping {
    url: String,
    opened: Arc<AtomicUsize>,
    asked: Arc<Notify>,
    closed: Arc<Notify>,
}

impl Keeping {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let keeping = Self {
            url,
            opened: Arc::default(),
            asked: Arc::default(),
            closed: Arc::default(),
        };
        let (opened, asked, closed) = (
            Arc::clone(&keeping.opened),
            Arc::clone(&keeping.asked),
            Arc::clone(&keeping.closed),
        );
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                let (asked, closed) = (Arc::clone(&asked), Arc::clone(&closed));
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    // A request comes in one piece here.
                    while let Ok(1..) = stream.read(&mut bytes).await {
                        asked.notify_one();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        if stream.write_all(answer).await.is_err() {
                            break;
                        }
                    }
                    closed.notify_one();
                });
            }
        });
        keeping
    }
}

#[tokio::test]
async fn a_load_is_counted_and_timed_over_connections_that_are_kept() {
    let server = Keeping::start().await;
    let pass = "requests == 40 && errors == 0 && error_percent == 0.0 && rate > 0.0 && statuses['200'] == 40 \
                && p50 <= p90 && p90 <= p95 && p95 <= p99 && p99 <= max && mean <= max && max < duration('20s')";
    let probe = Probe::Load(load(server.url.as_str(), 40));
    let result = run(&check(probe.clone(), Some(pass))).await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    assert_eq!(result.observed["statuses"], serde_json::json!({ "200": 40 }));
    assert!(result.observed["p95_ms"].as_f64().is_some_and(|wait| wait > 0.0));
    assert_eq!(server.opened.load(Ordering::SeqCst), 2);
    assert_eq!(
        steady(&run(&check(probe, None)).await),
        "Passed: p95 is FIGURE and rate is FIGURE a second over 40 requests, none of which failed"
    );
}

#[tokio::test]
async fn a_load_by_time_ends_and_leaves_its_warm_up_out() {
    let server = Server::saying("ok").await;
    let mut probe = load(server.url("/"), 1);
    probe.extent = LoadExtent::Duration(Duration::from_millis(500));
    probe.warm_up = Duration::from_millis(100);
    probe.rate = Some(200);
    let result = run(&check(Probe::Load(probe), Some("requests <= 100 && errors == 0"))).await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
}

#[tokio::test]
async fn what_goes_wrong_is_counted_and_named() {
    let mut table = Vec::new();
    let whole = response("200 OK", "", "ok");
    let error = response("500 Internal Server Error", "", "");
    let missing = response("404 Not Found", "", "");
    let moved = response("302 Found", "location: /elsewhere\r\n", "");
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let foreign = b"220 mail.example ESMTP\r\n".to_vec();
    for (name, answers) in [
        ("errors", vec![whole.clone(), error, missing, whole.clone()]),
        ("redirects", vec![moved]),
        ("cut", vec![cut, whole.clone()]),
        ("closed", vec![Vec::new(), whole.clone(), whole]),
        ("not HTTP", vec![foreign]),
    ] {
        let number = AtomicUsize::new(0);
        let server = Server::answering(move |_| {
            let number = number.fetch_add(1, Ordering::SeqCst);
            Behaviour::Say(answers[number % answers.len()].clone())
        })
        .await;
        let result = run(&check(Probe::Load(load(server.url("/"), 12)), None)).await;
        let unheard = server
            .requests()
            .iter()
            .filter(|asked| asked.starts_with("GET /elsewhere"))
            .count();
        assert_eq!((server.requests().len(), unheard), (12, 0));
        table.push(format!("{name}: {}", steady(&result)));
    }
    insta::assert_snapshot!(table.join("\n"), @"
    errors: Failed: 6 of 12 requests failed (50 %): 3 were answered 404 and 3 were answered 500
    redirects: Passed: p95 is FIGURE and rate is FIGURE a second over 12 requests, none of which failed
    cut: Failed: 6 of 12 requests failed (50 %): 6 were broken off in the middle of the answer
    closed: Failed: 4 of 12 requests failed (33.33 %): 4 got no answer before the connection was closed
    not HTTP: Failed: 12 of 12 requests failed (100 %): 12 were not answered in HTTP
    ");
}

#[tokio::test]
async fn a_service_that_is_silent_in_the_end_is_not_waited_for_without_end() {
    let server = Server::doing(Behaviour::SayAndHang(Vec::new())).await;
    let mut by_time = load(server.url("/"), 1);
    by_time.extent = LoadExtent::Duration(Duration::from_millis(200));
    let mut by_time = check(
        Probe::Load(by_time),
        Some("max > duration('200ms') && errors == 2 && requests == 2"),
    );
    by_time.timeout = Duration::from_millis(800);
    let waited = run(&by_time).await;
    assert_eq!(waited.status, CheckStatus::Passed, "{}", waited.why);
    by_time.pass = None;
    let mut by_number = by_time.clone();
    by_number.probe = Probe::Load(load(server.url("/"), 7));
    insta::assert_snapshot!(
        format!("{}\n{}", told(&run(&by_time).await), told(&run(&by_number).await)),
        @"
    Failed: 2 of 2 requests failed (100 %): 2 got no answer in time
    Error: 5 of the 7 requests of the load were not over within 800 ms; raise `timeout` if that is too short
    "
    );
}

#[tokio::test]
async fn a_load_that_cannot_begin_is_told() {
    let denying = checks_with(|settings, _| settings.denied_networks.push("127.0.0.0/8".to_owned()));
    let mut table = Vec::new();
    for url in [
        nobody().await.as_str(),
        "http://no-such-host.invalid/",
        "http://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "https://localhost:1/",
        "ftp://app.example/",
    ] {
        let check = check(Probe::Load(load(url, 5)), None);
        table.push(told(&run(&check).await));
    }
    let server = Server::saying("ok").await;
    let refused = denying
        .run(
            &check(Probe::Load(load(server.url("/"), 5)), None),
            &Variables::new(),
        )
        .await;
    table.push(told(&refused));
    assert!(server.requests().is_empty());
    insta::assert_snapshot!(table.join("\n"), @"
    Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    Error: the host no-such-host.invalid does not resolve; check `url` and DNS
    Error: the address 169.254.169.254 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: the address ::ffff:169.254.169.254 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: nothing listens at localhost:PORT (connection refused); start the service, or mend the port
    Error: the address has the scheme ftp, and only http and https are spoken
    Error: the address 127.0.0.1 may not be reached; the operator can change checks.network.deny and checks.network.allow
    ");
}

#[tokio::test]
async fn two_loads_on_one_host_come_one_after_the_other() {
    let server = Server::saying("ok").await;
    let wanted = ["/one", "/two"]
        .map(|path| check(Probe::Load(load(server.url(path), 30)), None))
        .to_vec();
    let results: Vec<CheckResult> = checks()
        .run_all(wanted, Arc::new(Variables::new()), CancellationToken::new())
        .collect()
        .await;
    assert!(
        results.iter().all(|result| result.status == CheckStatus::Passed),
        "{results:?}"
    );
    let asked = server.requests();
    let changes = asked
        .windows(2)
        .filter(|pair| pair[0][..8] != pair[1][..8])
        .count();
    assert_eq!((asked.len(), changes), (60, 1));
}

#[tokio::test]
async fn a_load_that_is_dropped_stops() {
    let server = Keeping::start().await;
    let mut probe = load(server.url.as_str(), 1);
    probe.connections = 1;
    probe.extent = LoadExtent::Duration(Duration::from_secs(15));
    let running = tokio::spawn(async move { run(&check(Probe::Load(probe), None)).await });
    server.asked.notified().await;
    running.abort();
    // The connection goes with the load.
    server.closed.notified().await;
    assert!(running.await.expect_err("it was ended").is_cancelled());
}

#[tokio::test]
async fn an_earlier_run_can_be_compared_with() {
    let server = Server::saying("ok").await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("before.json");
    std::fs::write(
        &file,
        r#"{"checks":[{"id":"pace","observed":{"p95_ms":50000.0,"rate":0.001}}]}"#,
    )
    .expect("a file");
    let mut probe = load(server.url("/"), 10);
    probe.baseline = Some(LoadBaseline {
        file: file.to_str().expect("a path in UTF-8").to_owned(),
        check: Some("pace".to_owned()),
    });
    let mut table = Vec::new();
    let ratios = Regex::new(r"(ratio\S+) is [\d.e-]+").expect("a regular expression");
    for pass in [
        "p95 < baseline.p95 && baseline.p95 == duration('50s')",
        "ratio.p95 < 0.5 && ratio['rate'] > 1.0",
        "ratio.p95 > 0.99",
        "ratio.p50 < 2.0",
    ] {
        let result = run(&check(Probe::Load(probe.clone()), Some(pass))).await;
        let steadied = ratios.replace_all(&steady(&result), "$1 is FIGURE").into_owned();
        table.push(steadied);
    }
    probe.baseline = Some(LoadBaseline {
        file: "no-such-file.json".to_owned(),
        check: None,
    });
    table.push(told(&run(&check(Probe::Load(probe), None)).await));
    insta::assert_snapshot!(table.join("\n"), @r#"
    Passed: p95 is FIGURE and baseline.p95 is FIGURE
    Passed: ratio.p95 is FIGURE and ratio["rate"] is FIGURE
    Failed: ratio.p95 is FIGURE, expected more than 0.99
    Failed: ratio.p50 is missing
    Error: the file no-such-file.json is not there; create it, or mend its path (it is relative to the bot's working directory)
    "#);
}

#[test]
fn what_cannot_be_meant_is_told_at_once() {
    let by_time = |seconds| LoadProbe {
        extent: LoadExtent::Duration(Duration::from_secs(seconds)),
        ..load("https://app.example/", 1)
    };
    let compared = LoadProbe {
        baseline: Some(LoadBaseline {
            file: "{{ before }}".to_owned(),
            check: None,
        }),
        ..by_time(1)
    };
    let mut table = Vec::new();
    for (probe, pass) in [
        (by_time(20), None),
        (by_time(19), None),
        (load("app.example", 1), None),
        (by_time(1), Some("p95 < 0.5")),
        (by_time(1), Some("p97 < duration('1s') && error_percent < 1")),
        (by_time(1), Some("p95 < baseline.p95")),
        (compared.clone(), Some("p95 < baseline.p97")),
        (compared.clone(), Some("p95 < ratio.p95")),
        (compared, Some("baseline < 1")),
    ] {
        let problems = Checks::problems(&check(Probe::Load(probe), pass), &BTreeMap::new());
        let told: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        table.push(told.join("; "));
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    the load takes 20 s with its warm-up, and `timeout` is 20 s; make it longer than that, or leave it out

    `url` is not a URL; write it as in https://app.example/health
    `p95` is a span of time and `0.5` is a fraction, which `<` does not take together; write a span of time as in duration("500ms")
    `p97` is not observed by this check; did you mean `p90`?
    `baseline` is not observed by this check; it observes error_percent, errors, max, mean, p50, p90, p95, p99, rate, requests and statuses
    there is no variable before; declare it under `variables`; there is no part `p97`; there are p50, p90, p95, p99, max and mean
    there is no variable before; declare it under `variables`; `p95` is a span of time and `ratio.p95` is a fraction, which `<` does not take together; write a span of time as in duration("500ms")
    there is no variable before; declare it under `variables`; `baseline` is an object and `1` is a whole number, which `<` does not take together
    "#);
}
