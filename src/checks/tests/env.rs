use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::domain::check::{EnvFormat, EnvVariable};

fn named(name: &str, format: Option<EnvFormat>) -> EnvVariable {
    EnvVariable {
        name: name.to_owned(),
        format,
    }
}

fn plain(names: &[&str]) -> Vec<EnvVariable> {
    names.iter().map(|name| named(name, None)).collect()
}

fn file(content: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("the file is written");
    file
}

/// Runs the check, and holds that no value of the file is in its result.
async fn run_on(content: &str, change: impl FnOnce(&mut EnvProbe), pass: Option<&str>) -> CheckResult {
    let file = file(content);
    let mut probe = env_file(file.path());
    change(&mut probe);
    let mut result = run(&check(Probe::Env(probe), pass)).await;
    let printed = serde_json::to_string(&result).expect("JSON");
    assert!(!printed.contains("canary"), "{printed}");
    let path = file.path().to_str().expect("a path in UTF-8");
    result.why = result.why.replace(path, ".env");
    result
}

#[tokio::test]
async fn the_bots_own_environment_is_looked_at_without_a_file() {
    let probe = EnvProbe {
        required: vec![
            named("DATABASE_URL", Some(EnvFormat::Url(Some("postgres".to_owned())))),
            named("PORT", Some(EnvFormat::Integer)),
        ],
        ..EnvProbe::default()
    };
    assert_snapshot!(
        told(&run(&check(Probe::Env(probe), None)).await),
        @"Passed: all 2 required variables are set in the bot's environment"
    );
    let probe = EnvProbe {
        required: plain(&["DATABASE_URL", "EMPTY", "JWT_SECRET"]),
        ..EnvProbe::default()
    };
    let result = run(&check(Probe::Env(probe), None)).await;
    assert_snapshot!(
        told(&result),
        @"Failed: JWT_SECRET is missing and EMPTY is empty in the bot's environment"
    );
    assert!(!serde_json::to_string(&result).expect("JSON").contains("canary"));
}

#[tokio::test]
async fn tiers_count_as_they_should() {
    let content = "export A='canary-1'\r\nB=\r\nA=\"canary-2\"\r\nnonsense canary\r\nOPT=canary # note\r\n";
    let result = run_on(
        content,
        |probe| {
            probe.required = plain(&["A"]);
            probe.recommended = plain(&["B", "C"]);
            probe.optional = vec![
                named("OPT", Some(EnvFormat::Integer)),
                named("NOT_THERE", Some(EnvFormat::Integer)),
            ];
        },
        None,
    )
    .await;
    assert_snapshot!(
        told(&result),
        @"Passed: A is set in .env; of the recommended ones C is missing and B is empty; of the optional ones OPT is malformed (expected a whole number)"
    );
    let mut observed = serde_json::to_value(&result.observed).expect("JSON");
    observed["looked_in"] = json!("");
    assert_eq!(
        observed,
        json!({
            "looked_in": "",
            "missing": [],
            "empty": [],
            "malformed": [],
            "recommended_missing": ["C"],
            "recommended_empty": ["B"],
            "optional_malformed": ["OPT"],
            "repeated": ["A"],
            "unreadable_lines": [4],
        })
    );
}

#[tokio::test]
async fn a_condition_can_hold_an_optional_variable_to_its_form() {
    let optional = |probe: &mut EnvProbe| {
        probe.optional = vec![named("PORT", Some(EnvFormat::Integer)), named("KEY", None)];
    };
    let pass = Some("size(empty) == 0 && size(malformed) == 0");
    assert_eq!(run_on("", optional, pass).await.status, CheckStatus::Passed);
    assert_eq!(
        run_on("PORT=993\nKEY=canary", optional, pass).await.status,
        CheckStatus::Passed
    );
    assert_eq!(
        run_on("PORT=canary", optional, pass).await.status,
        CheckStatus::Failed
    );
    assert_eq!(run_on("KEY=", optional, pass).await.status, CheckStatus::Failed);
}

#[tokio::test]
async fn a_failure_names_every_variable_and_no_value() {
    let result = run_on(
        "EMPTY=\"  \"\nHEX=canary\n[canary]\nA=1",
        |probe| {
            probe.required = [
                plain(&["A", "EMPTY", "GONE", "LOST"]),
                vec![named("HEX", Some(EnvFormat::Hex(64)))],
            ]
            .concat();
        },
        None,
    )
    .await;
    assert_snapshot!(
        told(&result),
        @"Failed: GONE and LOST are missing, EMPTY is empty and HEX is malformed (expected 64 hexadecimal digits) in .env; not NAME=value: line 3"
    );
}

#[tokio::test]
async fn every_format_takes_what_it_should_and_nothing_else() {
    let json = "eyJhIjoiY2FuYXJ5In0";
    for (format, good, bad, expected) in [
        (
            EnvFormat::Url(None),
            "https://canary.example/x",
            "canary.example",
            "a URL",
        ),
        (
            EnvFormat::Url(Some("postgresql".to_owned())),
            "postgres://canary:pw@db/app",
            "mysql://canary@db/app",
            "a URL that begins with postgresql://",
        ),
        (EnvFormat::Hex(4), "0aF9", "0aFg", "4 hexadecimal digits"),
        (
            EnvFormat::Prefix("sk_live_".to_owned()),
            "sk_live_canary",
            "sk_test_canary",
            "it to begin with sk_live_",
        ),
        (
            EnvFormat::Equals("production".to_owned()),
            "production",
            "canary",
            "production",
        ),
        (
            EnvFormat::MinLength(6),
            "canäry",
            "short",
            "at least 6 characters",
        ),
        (
            EnvFormat::Base64Json,
            json,
            "canary-not-base64",
            "a JSON document in base64",
        ),
        (EnvFormat::Integer, "-42", "4.2", "a whole number"),
    ] {
        let holding = |value: &str, format: EnvFormat| {
            let content = format!("A={value}");
            async move {
                told(
                    &run_on(
                        &content,
                        |probe| probe.required = vec![named("A", Some(format))],
                        None,
                    )
                    .await,
                )
            }
        };
        assert_eq!(holding(good, format.clone()).await, "Passed: A is set in .env");
        assert_eq!(
            holding(bad, format).await,
            format!("Failed: A is malformed (expected {expected}) in .env")
        );
    }
}

#[tokio::test]
async fn a_condition_sees_names_only() {
    let required = |probe: &mut EnvProbe| probe.required = plain(&["A", "B"]);
    assert_snapshot!(
        told(&run_on("A=canary", required, Some(r#"!("A" in missing) && size(missing) <= 1"#)).await),
        @"Passed: !(\"A\" in missing) holds and size(missing) is 1"
    );
    assert_snapshot!(
        told(&run_on("A=canary", required, Some("missing == [] && empty == []")).await),
        @r#"Failed: missing is ["B"], expected []"#
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told() {
    let gone = env_file(std::path::Path::new("no/such/.env"));
    assert_snapshot!(
        told(&run(&check(Probe::Env(gone), None)).await),
        @"Error: the file no/such/.env is not there; create it, or mend `file` (it is relative to the bot's working directory)"
    );
    let large = run_on(&"# canary\n".repeat(200_000), |_| {}, None).await;
    assert_snapshot!(told(&large), @"Error: the file .env is larger than 1 MiB, which is no `.env` file; mend `file`");
    let directory = tempfile::tempdir().expect("a directory");
    let result = run(&check(Probe::Env(env_file(directory.path())), None)).await;
    assert_eq!(result.status, CheckStatus::Error);
    assert!(result.why.contains(" could not be read: "), "{}", result.why);
}
