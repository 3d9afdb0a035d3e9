use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use super::server::{Behaviour, Server, nobody, response};
use super::*;
use crate::domain::check::{PrometheusProbe, PrometheusRange};

fn query(server: &Server, query: &str) -> PrometheusProbe {
    PrometheusProbe {
        url: server.url("/"),
        query: query.to_owned(),
        range: None,
        headers: BTreeMap::new(),
    }
}

/// A server that gives this for every query.
async fn giving(result_type: &str, result: Value) -> Server {
    let body = json!({ "status": "success", "data": { "resultType": result_type, "result": result } });
    Server::saying(&body.to_string()).await
}

fn vector(values: &[(&str, &str)]) -> Value {
    values
        .iter()
        .map(|(instance, value)| json!({ "metric": { "instance": instance }, "value": [1_435_781_451.5, value] }))
        .collect()
}

async fn told_of(probe: PrometheusProbe, pass: Option<&str>) -> String {
    told(&run(&check(Probe::Prometheus(probe), pass)).await)
}

#[tokio::test]
async fn the_single_value_of_a_query_is_judged() {
    let mut table = Vec::new();
    for (name, result_type, result) in [
        ("one", "vector", vector(&[("a", "0.012")])),
        ("scalar", "scalar", json!([1_435_781_451.5, "42"])),
        ("none", "vector", json!([])),
        ("two", "vector", vector(&[("a", "0.5"), ("b", "3")])),
        ("NaN", "vector", vector(&[("a", "NaN")])),
        ("infinite", "vector", vector(&[("a", "+Inf")])),
    ] {
        let server = giving(result_type, result).await;
        for pass in [
            None,
            Some("value < 0.05"),
            Some("count == 0 || series.all(s, s.value < 1)"),
        ] {
            let told = told_of(query(&server, "q"), pass).await;
            table.push(format!("{name}, pass {}\n  {told}", pass.unwrap_or("-")));
        }
    }
    insta::assert_snapshot!(table.join("\n"), @"
    one, pass -
      Passed: value is 0.012
    one, pass value < 0.05
      Passed: value is 0.012
    one, pass count == 0 || series.all(s, s.value < 1)
      Passed: count == 0 || series.all(s, s.value < 1) holds
    scalar, pass -
      Passed: value is 42
    scalar, pass value < 0.05
      Failed: value is 42, expected less than 0.05
    scalar, pass count == 0 || series.all(s, s.value < 1)
      Failed: count == 0 || series.all(s, s.value < 1) does not hold (count is 1 and series is [an object with {labels, value}])
    none, pass -
      Failed: the query gives no value, expected one
    none, pass value < 0.05
      Failed: the query gives no value
    none, pass count == 0 || series.all(s, s.value < 1)
      Passed: count is 0
    two, pass -
      Passed: the query gives 2 series with 2 values
    two, pass value < 0.05
      Failed: the query gives 2 series and no single value; use sum() or max(), or look at `series`
    two, pass count == 0 || series.all(s, s.value < 1)
      Failed: count == 0 || series.all(s, s.value < 1) does not hold (count is 2 and series is [an object with {labels, value}, an object with {labels, value}])
    NaN, pass -
      Failed: the value is NaN, which is what nothing divided by nothing gives, expected a number
    NaN, pass value < 0.05
      Failed: the value is NaN, which is what nothing divided by nothing gives
    NaN, pass count == 0 || series.all(s, s.value < 1)
      Failed: count == 0 || series.all(s, s.value < 1) does not hold (count is 1 and series is [an object with {labels, value}])
    infinite, pass -
      Passed: value is +Inf
    infinite, pass value < 0.05
      Failed: value is inf, expected less than 0.05
    infinite, pass count == 0 || series.all(s, s.value < 1)
      Failed: count == 0 || series.all(s, s.value < 1) does not hold (count is 1 and series is [an object with {labels, value}])
    ");
}

#[tokio::test]
async fn a_range_gives_values_over_time() {
    let server = giving(
        "matrix",
        json!([{ "metric": { "job": "api" }, "values": [[0, "0.1"], [60, "0.4"], [120, "NaN"]] }]),
    )
    .await;
    let mut probe = query(&server, "rate(errors[5m])");
    probe.range = Some(PrometheusRange {
        over: Duration::from_hours(1),
        step: Duration::from_mins(1),
    });
    let mut table = Vec::new();
    for pass in [
        None,
        Some("series.all(s, s.values.filter(v, v != 'NaN').all(v, v < 0.5))"),
        Some("value < 1.0"),
    ] {
        table.push(told_of(probe.clone(), pass).await);
    }
    insta::assert_snapshot!(table.join("\n"), @"
    Passed: the query gives 1 series with 2 values
    Passed: series.all(s, s.values.filter(v, v != 'NaN').all(v, v < 0.5)) holds
    Failed: a range gives values over time and no single one; look at `series`
    ");
    let request = server.requests().remove(0);
    let line = request.lines().next().expect("a request line");
    for part in [
        "GET /api/v1/query_range?query=rate%28errors%5B5m%5D%29&timeout=",
        "&start=-3600.000&end=0.000&step=60 HTTP",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    let result = run(&check(Probe::Prometheus(probe), None)).await;
    assert_eq!(
        result.observed,
        BTreeMap::from([
            ("count".to_owned(), json!(1)),
            (
                "series".to_owned(),
                json!(["{job=\"api\"}: 3 values from 0.1 to 0.4"])
            ),
        ])
    );
}

#[tokio::test]
async fn the_query_is_asked_below_the_base_with_its_headers() {
    let server = giving("vector", vector(&[("a", "1")])).await;
    let probe = PrometheusProbe {
        url: server.url("/prometheus/"),
        query: "up{env=\"{{ environment }}\"}".to_owned(),
        range: None,
        headers: BTreeMap::from([("Authorization".to_owned(), "Bearer {{ token }}".to_owned())]),
    };
    let variables = Variables::new()
        .with(VariableName::new("environment"), "staging")
        .with_secret(VariableName::new("token"), SecretString::from("t0ken-canary"));
    let result = checks()
        .run(&check(Probe::Prometheus(probe), None), &variables)
        .await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    let request = server.requests().remove(0);
    assert!(
        request.starts_with("GET /prometheus/api/v1/query?query=up%7Benv%3D%22staging%22%7D&"),
        "{request}"
    );
    assert!(
        request.contains("authorization: Bearer t0ken-canary\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn what_stands_in_the_way_is_told() {
    let failing = |status: &'static str, body: Value| async move {
        Server::doing(Behaviour::Say(response(status, "", &body.to_string()))).await
    };
    let error = |kind: &str, error: &str| json!({ "status": "error", "errorType": kind, "error": error });
    let servers = [
        failing(
            "400 Bad Request",
            error("bad_data", "1:5: parse error: unexpected end of input"),
        )
        .await,
        failing(
            "422 Unprocessable Entity",
            error("execution", "found duplicate series"),
        )
        .await,
        failing(
            "503 Service Unavailable",
            error("timeout", "query timed out in expression evaluation"),
        )
        .await,
        failing("503 Service Unavailable", error("unavailable", "starting up")).await,
        failing("401 Unauthorized", json!("no")).await,
        failing("404 Not Found", json!({})).await,
        Server::saying("<html>").await,
        giving("string", json!([0, "text"])).await,
        giving("vector", json!([{ "metric": {}, "histogram": [0, {}] }])).await,
        giving("vector", vector(&[("a", "many")])).await,
        Server::doing(Behaviour::SayAndFlood(
            b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n".to_vec(),
        ))
        .await,
        Server::doing(Behaviour::Say(
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx".to_vec(),
        ))
        .await,
    ];
    let mut table = Vec::new();
    for server in &servers {
        table.push(told_of(query(server, "q"), Some("count >= 0")).await);
    }
    let mut gone = query(&servers[0], "q");
    gone.url = nobody().await;
    table.push(told_of(gone, None).await);
    let silent = Server::doing(Behaviour::SayAndHang(Vec::new())).await;
    let check = in_short(check(Probe::Prometheus(query(&silent, "q")), None));
    table.push(told(&run(&check).await));
    insta::assert_snapshot!(table.join("\n"), @r#"
    Error: 127.0.0.1:PORT cannot take the query: 1:5: parse error: unexpected end of input; mend `query`
    Error: 127.0.0.1:PORT could not work the query out: found duplicate series
    Error: 127.0.0.1:PORT could not answer the query in time: query timed out in expression evaluation; make it simpler, or raise `timeout`
    Error: 127.0.0.1:PORT is not ready to answer queries: starting up; try again soon
    Error: 127.0.0.1:PORT does not let the query in (status 401); give it credentials in `headers`
    Error: 127.0.0.1:PORT does not answer as Prometheus does (status 404); `url` must be the server's base, without /api/v1
    Error: 127.0.0.1:PORT does not answer as Prometheus does (status 200); `url` must be the server's base, without /api/v1
    Error: the query gives a text, and only numbers can be judged; mend `query`
    Error: the query gives native histograms, which are no numbers; use histogram_quantile() or histogram_count()
    Error: the server gives "many" for a number
    Error: the answer of 127.0.0.1:PORT is longer than 1048576 bytes; ask for less, with sum(), topk() or a longer `step`
    Error: 127.0.0.1:PORT broke the connection off in the middle of its answer (1 bytes of its body came); look at its log
    Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    Error: no answer came from 127.0.0.1:PORT within 200 ms; raise `timeout` if that is too short
    "#);
}

#[test]
fn parameters_and_conditions_are_tried_when_the_checklist_is_loaded() {
    let probe = |url: &str| {
        Probe::Prometheus(PrometheusProbe {
            url: url.to_owned(),
            query: "up".to_owned(),
            range: None,
            headers: BTreeMap::from([("a b".to_owned(), "{{ token }}".to_owned())]),
        })
    };
    let mut table = Vec::new();
    for (url, pass) in [
        ("prometheus:9090", "value < duration('1s')"),
        ("no url", "values[0] < 1"),
        (
            "https://prometheus.example",
            "value < 0.05 && series[0].labels.job == 'a' && count == 1",
        ),
    ] {
        for problem in Checks::problems(&check(probe(url), Some(pass)), &BTreeMap::new()) {
            table.push(format!("{url}: {}", problem.message));
        }
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    prometheus:9090: `a b` cannot be the name of a header; mend `headers`
    prometheus:9090: `url` has the scheme prometheus, and only http and https are spoken
    prometheus:9090: there is no variable token; declare it under `variables`
    prometheus:9090: `value` is a fraction and `duration("1s")` is a span of time, which `<` does not take together; write a span of time as in duration("500ms")
    no url: `a b` cannot be the name of a header; mend `headers`
    no url: `url` is not a URL; write it as in https://prometheus.example
    no url: there is no variable token; declare it under `variables`
    no url: `values` is not observed by this check; did you mean `value`?
    https://prometheus.example: `a b` cannot be the name of a header; mend `headers`
    https://prometheus.example: there is no variable token; declare it under `variables`
    "#);
}
