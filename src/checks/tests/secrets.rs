use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;

use super::server::{Behaviour, Server, nobody, response};
use super::*;

const CANARY: &str = "c4nary/+ \"\u{e4}\"-of-the-coal-mine";

fn shapes() -> Vec<String> {
    let json = Value::from(CANARY).to_string();
    vec![
        CANARY.to_owned(),
        utf8_percent_encode(CANARY, NON_ALPHANUMERIC).to_string(),
        STANDARD.encode(CANARY),
        STANDARD.encode(format!("user:{CANARY}")),
        json[1..json.len() - 1].to_owned(),
    ]
}

fn with_secret() -> Variables {
    Variables::new()
        .with_secret(VariableName::new("token"), SecretString::from(CANARY))
        .with_secret(VariableName::new("name"), SecretString::from("C4nary-host"))
        .with(VariableName::new("plain"), "plainly-shown")
}

/// Holds that no shape of the canary is in the result, whole or in part.
fn assert_clean(result: &CheckResult) {
    let printed = serde_json::to_string(result).expect("JSON");
    for part in shapes()
        .iter()
        .map(String::as_str)
        .chain(["c4nary", "coal-mine", "YzRuYXJ5"])
    {
        assert!(!printed.contains(part), "{part} is in {printed}");
    }
}

#[tokio::test]
async fn a_secret_that_comes_back_is_in_no_result_whatever_its_shape() {
    for shape in shapes() {
        let json =
            serde_json::json!({ "echo": shape, "list": [shape], "plain": "plainly-shown" }).to_string();
        let plain_shape = shape.replace('"', "'");
        let header = if plain_shape.is_ascii() {
            format!("x-echo: {plain_shape}\r\n")
        } else {
            String::new()
        };
        let server = Server::doing(Behaviour::Say(response(
            "500 Internal Server Error",
            &header,
            &json,
        )))
        .await;
        for pass in [
            None,
            Some("json.echo == \"other\""),
            Some("json.list == []"),
            Some("body.contains(\"other\")"),
            Some("json.echo"),
            Some("json.echo != \"\" && headers.server == \"x\""),
            Some("size(json.echo) > 0"),
            Some("json.list.all(x, x == \"\")"),
        ] {
            let probe = HttpProbe {
                headers: BTreeMap::from([("authorization".to_owned(), "Bearer {{ plain }}".to_owned())]),
                ..get(server.url("/?t={{ token }}"))
            };
            let result = checks()
                .run(&check(Probe::Http(probe), pass), &with_secret())
                .await;
            assert_clean(&result);
            // The control: what is no secret is there, and so is the mask.
            let body = result.observed["body"].as_str().expect("a body");
            assert!(
                body.contains("plainly-shown") && body.contains("[redacted]"),
                "{body}"
            );
        }
        assert!(
            server.requests()[0].starts_with("GET /?t=c4nary/+"),
            "the secret was sent"
        );
    }
}

#[tokio::test]
async fn a_secret_cut_by_a_limit_is_in_no_result() {
    let server = Server::saying(&format!("see {CANARY}")).await;
    for body_bytes in 4..40 {
        let checker = checks_with(|_, limits| limits.body_bytes = body_bytes);
        let result = checker
            .run(&check(Probe::Http(get(server.url("/"))), None), &with_secret())
            .await;
        let body = result.observed["body"].as_str().expect("a body");
        assert!(body.starts_with("see") && !body.contains("c4n"), "{body}");
    }
}

#[tokio::test]
async fn a_secret_that_begins_with_a_blank_is_removed_before_a_body_is_trimmed() {
    let variables = Variables::new().with_secret(
        VariableName::new("address"),
        SecretString::from("https://me:%20blank-and-word@db.example/"),
    );
    let server = Server::saying("\n  blank-and-word\n").await;
    for pass in [None, Some("json.ok")] {
        let result = checks()
            .run(&check(Probe::Http(get(server.url("/"))), pass), &variables)
            .await;
        assert_eq!(result.observed["body"], Value::from("[redacted]"));
        assert!(!result.why.contains("blank-and-word"), "{}", result.why);
    }
}

#[tokio::test]
async fn what_stands_in_the_way_names_no_secret() {
    let results = [
        checks()
            .run(&check(Probe::Http(get("{{ token }}")), None), &with_secret())
            .await,
        checks()
            .run(
                &check(
                    Probe::Http(get(format!("{}{{{{ token }}}}", nobody().await))),
                    None,
                ),
                &with_secret(),
            )
            .await,
        checks()
            .run(
                &check(Probe::Http(get("http://{{ name }}.invalid/")), None),
                &with_secret(),
            )
            .await,
    ];
    for result in &results {
        assert_eq!(result.status, CheckStatus::Error, "{}", result.why);
        assert_clean(result);
    }
}

#[tokio::test]
async fn a_password_in_an_address_is_not_shown() {
    let server = Server::saying("ok").await;
    let url = server.url("/").replace("http://", "http://me:hunter2-literal@");
    let result = run(&check(Probe::Http(get(url)), None)).await;
    assert_eq!(result.status, CheckStatus::Passed);
    let shown = result.observed["url"].as_str().expect("a URL");
    assert!(shown.starts_with("http://me@127.0.0.1:"), "{shown}");
}

#[tokio::test]
async fn commands_show_neither_secret_variables_nor_what_their_environment_holds() {
    let checker = checks_with(|settings, _| settings.environment.push("DATABASE_URL".to_owned()));
    let mut probe =
        shell("echo \"$1\" $DATABASE_URL; printf %s \"$1\" | base64; echo plainly-shown \"$1\" >&2; exit 1");
    probe.run.extend(["sh".to_owned(), "{{ token }}".to_owned()]);
    probe.capture = Some("(?<all>.+)".to_owned());
    for pass in [
        None,
        Some("all == \"\""),
        Some("stdout == \"\""),
        Some("stderr.contains(\"other\")"),
    ] {
        let result = checker
            .run(&check(Probe::Command(probe.clone()), pass), &with_secret())
            .await;
        assert_eq!(result.status, CheckStatus::Failed);
        assert_clean(&result);
        let printed = serde_json::to_string(&result).expect("JSON");
        assert!(!printed.contains("pa55word"), "{printed}");
        assert!(printed.contains("plainly-shown [redacted]"), "{printed}");
    }
}
