use insta::assert_snapshot;

use super::server::{Behaviour, Server, response};
use super::*;
use crate::domain::check::{HttpCapture, HttpStep, HttpSteps};

const TOKEN: &str = "t0ken-canary-4711";
const SESSION: &str = "sess1on-canary";

/// A shop: who logs in gets a token and a session, and needs both to see orders.
async fn shop() -> Server {
    Server::answering(|request| {
        let lower = request.to_lowercase();
        let known = lower.contains(&format!("authorization: bearer {TOKEN}"))
            && lower.contains(&format!("cookie: session={SESSION}"));
        Behaviour::Say(if request.starts_with("POST /login") {
            response(
                "200 OK",
                &format!("set-cookie: session={SESSION}; Path=/; HttpOnly\r\n"),
                &format!(r#"{{"token":"{TOKEN}","user":{{"id":7}}}}"#),
            )
        } else if request.starts_with("GET /broken") {
            response("500 Internal Server Error", "", &format!("no luck with {TOKEN}"))
        } else if known {
            response("200 OK", "", r#"{"orders":[1,2]}"#)
        } else {
            response("401 Unauthorized", "", &lower)
        })
    })
    .await
}

fn expression(text: &str) -> Condition {
    Condition {
        text: text.to_owned(),
        line: 20,
        column: 9,
    }
}

fn capture(name: &str, value: &str) -> HttpCapture {
    HttpCapture {
        name: name.to_owned(),
        value: expression(value),
    }
}

fn step(request: HttpProbe, pass: Option<&str>) -> HttpStep {
    HttpStep {
        request,
        pass: pass.map(expression),
        line: 15,
        column: 7,
    }
}

fn login(server: &Server) -> HttpProbe {
    HttpProbe {
        method: "POST".to_owned(),
        capture: vec![capture("token", "json.token")],
        ..get(server.url("/login"))
    }
}

fn with_token(url: String) -> HttpProbe {
    HttpProbe {
        headers: BTreeMap::from([("Authorization".to_owned(), "Bearer {{ token }}".to_owned())]),
        ..get(url)
    }
}

fn sequence(steps: Vec<HttpStep>, pass: Option<&str>) -> Check {
    check(Probe::HttpSteps(HttpSteps { steps }), pass)
}

#[tokio::test]
async fn a_token_and_a_cookie_are_carried_from_step_to_step() {
    let shop = shop().await;
    let to = |path: &str| with_token(shop.url(path));
    let mut table = String::new();
    for (steps, pass) in [
        (
            vec![step(login(&shop), None), step(to("/orders"), None)],
            Some("size(json.orders) == 2"),
        ),
        (vec![step(login(&shop), None), step(to("/orders"), None)], None),
        // Without the token, what comes back is what is expected.
        (vec![step(get(shop.url("/orders")), None)], Some("status == 401")),
        (
            vec![
                step(login(&shop), None),
                step(get(shop.url("/orders")), Some("status == 401")),
            ],
            None,
        ),
        (
            vec![
                step(login(&shop), None),
                step(to("/broken"), Some("status == 200")),
            ],
            Some("status == 500"),
        ),
        (
            vec![step(get(shop.url("/orders")), None), step(login(&shop), None)],
            None,
        ),
        (
            vec![step(
                HttpProbe {
                    capture: vec![capture("token", "json.tokens.access")],
                    ..login(&shop)
                },
                None,
            )],
            None,
        ),
        (
            vec![step(
                HttpProbe {
                    capture: vec![capture("user", "json.user")],
                    ..login(&shop)
                },
                None,
            )],
            None,
        ),
        (
            vec![
                step(login(&shop), Some("json.user.id > 10")),
                step(to("/orders"), None),
            ],
            None,
        ),
    ] {
        table += &told(&run(&sequence(steps, pass)).await);
        table.push('\n');
    }
    assert_snapshot!(table, @"
    Passed: size(json.orders) is 2
    Passed: all 2 steps passed; at the last, status is 200 and latency is SPAN
    Passed: status is 401
    Passed: all 2 steps passed; at the last, status is 401
    Failed: step 2 (GET /broken): status is 500, expected 200
    Failed: step 1 (GET /orders): status is 401, expected 200 to 299
    Failed: step 1 (POST /login): json.tokens is missing, so nothing could be captured as token
    Failed: step 1 (POST /login): json.user is an object, which is not a text, so nothing could be captured as user
    Failed: step 1 (POST /login): json.user.id is 7, expected more than 10
    ");
}

#[tokio::test]
async fn what_is_captured_and_cookies_are_in_no_result() {
    let shop = shop().await;
    let echoed = with_token(shop.url("/orders?{{ token }}"));
    for pass in [
        None,
        Some(r#"body == "x""#),
        Some(r#"headers["set-cookie"] == """#),
        Some(r#"url == """#),
    ] {
        let steps = vec![
            step(login(&shop), None),
            step(with_token(shop.url("/broken")), None),
        ];
        let one = HttpProbe {
            capture: vec![capture("token", "json.token")],
            ..login(&shop)
        };
        let forgetful = HttpProbe {
            headers: BTreeMap::from([("Cookie".to_owned(), "session={{ token }}".to_owned())]),
            ..echoed.clone()
        };
        for check in [
            sequence(steps, pass),
            check(Probe::Http(one), pass),
            sequence(
                vec![step(login(&shop), None), step(forgetful, Some("status == 200"))],
                pass,
            ),
            sequence(vec![step(login(&shop), pass)], pass),
        ] {
            let printed = serde_json::to_string(&run(&check).await).expect("JSON");
            assert!(
                !printed.to_lowercase().contains("canary"),
                "{check:?} gave {printed}"
            );
        }
    }
}

#[tokio::test]
async fn cookies_go_where_they_belong_and_nowhere_else() {
    let server = Server::answering(|request| {
        let cookies = "set-cookie: app=1; Path=/app\r\nset-cookie: tls=1; Secure\r\nset-cookie: gone=1; Max-Age=0\r\n\
                       set-cookie: old=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT\r\nset-cookie: theirs=1; Domain=other.example\r\n\
                       set-cookie: all=1; Path=/\r\nset-cookie: later=1; Path=/; Max-Age=60\r\n";
        if request.starts_with("GET /set") {
            Behaviour::Say(response("302 Found", &format!("{cookies}location: /app\r\n"), ""))
        } else {
            Behaviour::Say(response("200 OK", "", ""))
        }
    })
    .await;
    let follows = HttpProbe {
        follow: 1,
        ..get(server.url("/set"))
    };
    let own = HttpProbe {
        headers: BTreeMap::from([("Cookie".to_owned(), "own=1".to_owned())]),
        ..get(server.url("/app"))
    };
    let steps = [
        follows,
        get(server.url("/app/more")),
        get(server.url("/other")),
        own,
    ];
    let check = sequence(
        steps.into_iter().map(|request| step(request, None)).collect(),
        None,
    );
    assert_eq!(run(&check).await.status, CheckStatus::Passed);
    // A second run knows nothing of the first.
    let fresh = sequence(vec![step(get(server.url("/app")), None)], None);
    assert_eq!(run(&fresh).await.status, CheckStatus::Passed);

    let sent: Vec<String> = server
        .requests()
        .iter()
        .map(|request| {
            let cookie = request
                .lines()
                .find_map(|line| line.strip_prefix("cookie: "))
                .unwrap_or("none");
            let mut cookies: Vec<&str> = cookie.split("; ").collect();
            cookies.sort_unstable();
            let target = request.split(' ').nth(1).unwrap_or_default();
            format!("{target}: {}", cookies.join(" "))
        })
        .collect();
    // `Secure` lets a cookie go to this machine itself, as browsers do.
    assert_snapshot!(sent.join("\n"), @"
    /set: none
    /app: all=1 app=1 later=1 tls=1
    /app/more: all=1 app=1 later=1 tls=1
    /other: all=1 later=1 tls=1
    /app: own=1
    /app: none
    ");
}

#[tokio::test]
async fn the_time_out_is_over_all_steps() {
    let server = Server::answering(|request| {
        if request.starts_with("GET /hangs") {
            Behaviour::SayAndHang(Vec::new())
        } else {
            Behaviour::Say(response("200 OK", "", "ok"))
        }
    })
    .await;
    let steps = vec![
        step(get(server.url("/")), None),
        step(get(server.url("/hangs")), None),
        step(get(server.url("/")), None),
    ];
    assert_snapshot!(told(&run(&in_short(sequence(steps, None))).await), @"Error: step 2 (GET /hangs): no answer came from 127.0.0.1:PORT within 200 ms; raise `timeout` if that is too short");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn what_is_wrong_with_steps_is_told_with_its_place() {
    let variables = [("base_url", Variable::default()), ("token", Variable::default())]
        .map(|(name, variable)| (VariableName::new(name), variable))
        .into_iter()
        .collect();
    let url = "{{ base_url }}/login";
    let capturing = |name: &str, value: &str| HttpProbe {
        capture: vec![capture(name, value)],
        ..get(url)
    };
    let mut table = Vec::new();
    for steps in [
        vec![
            step(capturing("session", "json.session"), Some("status == 200")),
            step(get("{{ base_url }}/{{ session }}"), None),
        ],
        vec![
            step(get("{{ base_url }}/{{ session }}"), None),
            step(capturing("session", "json.session"), None),
        ],
        vec![step(
            HttpProbe {
                url: "{{ base_url }}/{{ session }}".to_owned(),
                ..capturing("session", "json.session")
            },
            None,
        )],
        vec![step(get("{{ base_ulr }}/"), Some("statsu == 200"))],
        vec![step(capturing("session", "jsn.session"), Some("status = 200"))],
        vec![step(capturing("session", "headers"), None)],
        vec![step(capturing("session", "'json.token'"), None)],
        vec![step(capturing("session", "json.("), None)],
        vec![step(capturing("token", "json.token"), None)],
        vec![
            step(capturing("session", "json.a"), None),
            step(capturing("session", "json.b"), None),
        ],
        vec![step(get("ftp://app.example"), None)],
    ] {
        for problem in Checks::problems(&sequence(steps, None), &variables) {
            table.push(format!("{}:{} {}", problem.line, problem.column, problem.message));
        }
    }
    assert_snapshot!(table.join("\n"), @"
    15:7 step 1 uses `session`, which step 2 captures only afterwards; swap them
    15:7 step 1 uses `session`, which it captures itself only when it is answered
    15:7 there is no variable base_ulr; did you mean base_url?
    20:9 `statsu` is not observed by this check; did you mean `status`?
    20:16 `=` is not an operator; write `==` to compare
    20:9 `jsn` is not observed by this check; did you mean `json`?
    20:9 `headers` is an object, and only a text, a number or a truth value can be captured
    20:9 this captures nothing that is observed; write it as in json.token, without more quotes
    20:14 `.(` is not expected here; the condition cannot be read
    20:9 `token` is the name of a variable as well; choose another for what is captured
    20:9 `session` is captured by step 1 already; choose another name
    15:7 step 1: `url` has the scheme ftp, and only http and https are spoken
    ");
}
