use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::domain::check::{EnvFormat, EnvVariable};

fn named(name: &str, formats: impl IntoIterator<Item = EnvFormat>) -> EnvVariable {
    EnvVariable {
        name: name.to_owned(),
        formats: formats.into_iter().collect(),
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
        @"Error: the file no/such/.env is not there; create it, or mend its path (it is relative to the bot's working directory)"
    );
    let large = run_on(&"# canary\n".repeat(200_000), |_| {}, None).await;
    assert_snapshot!(told(&large), @"Error: the file .env is larger than 1 MiB, which is no `.env` file; mend its path");
    let directory = tempfile::tempdir().expect("a directory");
    let result = run(&check(Probe::Env(env_file(directory.path())), None)).await;
    assert_eq!(result.status, CheckStatus::Error);
    assert!(
        result
            .why
            .ends_with(" is a directory, not a file that can be read; name a file"),
        "{}",
        result.why
    );
}

/// Two files side by side, and the check of the first.
struct Pair {
    directory: tempfile::TempDir,
}

impl Pair {
    fn new(here: &str, there: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, content) in [(".env", here), ("other", there)] {
            std::fs::write(directory.path().join(name), content).expect("the file is written");
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Runs the check, and holds that no value of either file is in its result.
    async fn told(
        &self,
        change: impl FnOnce(&mut EnvProbe, String),
        pass: Option<&str>,
    ) -> (String, CheckResult) {
        let mut probe = EnvProbe {
            source: EnvSource::File(self.path(".env")),
            ..EnvProbe::default()
        };
        change(&mut probe, self.path("other"));
        let result = run(&check(Probe::Env(probe), pass)).await;
        assert_no_value(&result);
        (
            told(&result).replace(&format!("{}/", self.directory.path().display()), ""),
            result,
        )
    }
}

/// Holds that no shape of a value with the canary in it is told.
fn assert_no_value(result: &CheckResult) {
    let printed = serde_json::to_string(result).expect("JSON");
    // As it is, in base64 wherever in a longer text it stands, in hexadecimal and in part.
    for shape in [
        "canary",
        "CANARY",
        "Y2FuYXJ5",
        "NhbmFye",
        "jYW5hcn",
        "63616e617279",
        "can%61ry",
    ] {
        assert!(!printed.contains(shape), "{shape} is in {printed}");
    }
}

#[tokio::test]
async fn secrets_that_are_the_same_elsewhere_fail_without_being_shown() {
    let pair = Pair::new(
        "A=canary-one\nB='canary two'\nC=\nNODE_ENV=production\nPORT=80",
        "export A=\"canary-one\"\nB=canary-2\nC=\nNODE_ENV=production\nPORT=80\nD=canary",
    );
    let differs = |names: &'static [&'static str]| {
        move |probe: &mut EnvProbe, other| {
            probe.required = plain(names);
            probe
                .required
                .push(named("NODE_ENV", [EnvFormat::Equals("production".to_owned())]));
            probe.differs_from = Some(other);
        }
    };
    let (failed, result) = pair.told(differs(&["A", "B", "PORT"]), None).await;
    assert_snapshot!(failed, @"Failed: A and PORT have the same value in other, expected other ones");
    assert_eq!(result.observed["same"], json!(["A", "PORT"]));
    let (passed, _) = pair.told(differs(&["B"]), None).await;
    assert_snapshot!(passed, @"Passed: all 2 required variables are set in .env; none has its value of other");
    let (by_condition, _) = pair.told(differs(&["A", "B"]), Some("same == []")).await;
    assert_snapshot!(by_condition, @r#"Failed: same is ["A"], expected []"#);
}

#[tokio::test]
async fn a_template_names_what_must_be_there() {
    let pair = Pair::new(
        "A=canary\nEXTRA=canary\nKEY=x\nMIIcanaryQIBADANBg=\nB=canary\nMIIcanaryQIBADANBg=\n",
        "# what is needed\nA=\nB=\nC=example\nKEY=\n",
    );
    let template = |probe: &mut EnvProbe, other| probe.template = Some(other);
    let (failed, result) = pair.told(template, None).await;
    assert_snapshot!(failed, @"Failed: C is in other and not in .env");
    assert_eq!(result.observed["not_set"], json!(["C"]));
    assert_eq!(
        result.observed["undocumented"],
        json!(["EXTRA", "the name in line 6"])
    );
    assert_eq!(result.observed["repeated"], json!(["the name in line 6"]));
    let (by_condition, _) = pair
        .told(template, Some("undocumented == [] && not_set == []"))
        .await;
    assert_snapshot!(by_condition, @r#"Failed: undocumented is ["EXTRA", "the name in line 6"], expected []"#);
    let whole = Pair::new("A=canary\nB=canary", "A=\nB=");
    let (passed, _) = whole.told(template, None).await;
    assert_snapshot!(passed, @"Passed: all that other names is in .env");
}

#[tokio::test]
async fn several_formats_must_all_hold() {
    let formats = |formats: Vec<EnvFormat>| {
        move |probe: &mut EnvProbe, _| probe.required = vec![named("A", formats), named("B", None)]
    };
    let pair = Pair::new("A=canary-one\nB=canary-two\nC=canary-one", "");
    let held = formats(vec![
        EnvFormat::SameAs("C".to_owned()),
        EnvFormat::MinLength(10),
        EnvFormat::Matches("^can.ry-".to_owned()),
    ]);
    assert!(pair.told(held, None).await.0.starts_with("Passed: "));
    let broken = formats(vec![
        EnvFormat::SameAs("B".to_owned()),
        EnvFormat::MinLength(10),
        EnvFormat::Matches("^[0-9]+$".to_owned()),
        EnvFormat::SameAs("NOWHERE".to_owned()),
    ]);
    let (failed, result) = pair.told(broken, None).await;
    assert_snapshot!(failed, @"Failed: A is malformed (expected the value of B, it to match ^[0-9]+$ and the value of NOWHERE) in .env");
    assert_eq!(result.observed["malformed"], json!(["A"]));
    let wrong = formats(vec![EnvFormat::Matches("(canary".to_owned())]);
    let mut probe = env_file(std::path::Path::new(&pair.path(".env")));
    wrong(&mut probe, String::new());
    assert_snapshot!(
        told(&run(&check(Probe::Env(probe), None)).await),
        @"Error: matches((canary) is not a regular expression; mend it in the front matter"
    );
}

fn printed_by(script: &str) -> EnvProbe {
    EnvProbe {
        source: EnvSource::Command(["sh", "-c", script].map(str::to_owned).to_vec()),
        required: plain(&["A", "B"]),
        ..EnvProbe::default()
    }
}

#[tokio::test]
async fn what_a_command_prints_is_looked_at_and_never_shown() {
    let mut table = String::new();
    for script in [
        "printf 'export A=\"canary\"\\r\\nB=canary\\n'",
        "echo A=canary; echo canary >&2",
        "echo A=canary; echo B=canary; echo canary >&2; exit 3",
        "echo 'prlimit: failed to set canary' >&2; exit 1",
        "echo 'prlimit: canary' >&2; exit 1",
        "while :; do echo A=canary; done | head -c 2000000",
        "echo canary",
        "kill -9 $$",
    ] {
        let result = run(&check(Probe::Env(printed_by(script)), None)).await;
        assert_no_value(&result);
        table.extend([format!("{}\n", told(&result))]);
    }
    let late = in_short(check(
        Probe::Env(printed_by("echo A=canary; echo canary >&2; sleep 1000")),
        None,
    ));
    let result = run(&late).await;
    assert_no_value(&result);
    table.push_str(&told(&result));
    assert_snapshot!(table, @"
    Passed: all 2 required variables are set in the output of sh
    Failed: B is missing in the output of sh
    Error: sh ended with exit code 3, so its output does not count; run it by hand to see why, as its output is not shown here
    Error: the program sh was not started, for its limits could not be set; the operator can change checks.commands.memory_limit_bytes and checks.commands.process_limit
    Error: sh ended with exit code 1, so its output does not count; run it by hand to see why, as its output is not shown here
    Error: sh said more than 1 MiB, which are no variables; have it print NAME=value and nothing else
    Failed: A and B are missing in the output of sh; not NAME=value: line 1
    Error: sh ended with exit code 137, so its output does not count; run it by hand to see why, as its output is not shown here
    Error: sh had not ended within 200 ms; raise `timeout` if that is too short
    ");
    let off = checks_with(|settings, _| settings.commands.clear());
    assert_snapshot!(
        told(&off.run(&check(Probe::Env(printed_by("")), None), &Variables::new()).await),
        @"Error: commands are off; the operator can allow programs by name, here sh"
    );
}

#[tokio::test]
async fn what_a_command_prints_is_held_against_a_template() {
    let pair = Pair::new("", "A=\nC=");
    let probe = EnvProbe {
        template: Some(pair.path("other")),
        required: Vec::new(),
        ..printed_by("echo A=canary; echo D=canary; printenv")
    };
    let result = run(&check(
        Probe::Env(probe),
        Some("size(undocumented) > 0 && not_set == [\"C\"]"),
    ))
    .await;
    assert_no_value(&result);
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    let undocumented = result.observed["undocumented"].to_string();
    assert!(
        undocumented.contains("\"D\"") && !undocumented.contains("HOLDPOINT"),
        "{undocumented}"
    );
}

#[tokio::test]
async fn no_path_shows_a_value_whatever_shape_it_has() {
    // Plain, encoded for a URL, in base64 and escaped as in JSON.
    let content = "PLAIN=canary\nURL=https://me:canary@db/can%61ry\nBASE64=Y2FuYXJ5LWNhbmFyeQ==\nJSON='{\"a\":\"canary\"}'\nHEX=63616e617279\ncanary canary\nOPEN=\"canary";
    let names = ["PLAIN", "URL", "BASE64", "JSON", "HEX", "OPEN"];
    let pair = Pair::new(content, content);
    for format in [
        EnvFormat::Url(Some("canine".to_owned())),
        EnvFormat::Hex(3),
        EnvFormat::Prefix("x".to_owned()),
        EnvFormat::Equals("x".to_owned()),
        EnvFormat::SameAs("NOWHERE".to_owned()),
        EnvFormat::Matches("^$".to_owned()),
        EnvFormat::MinLength(1000),
        EnvFormat::Base64Json,
        EnvFormat::Integer,
    ] {
        for pass in [
            None,
            Some("malformed == [] && same == [] && not_set == []"),
            Some("undocumented.exists(name, name == \"x\")"),
            Some("malformed[0] == same[9]"),
        ] {
            let change = |probe: &mut EnvProbe, other: String| {
                probe.required = names.map(|name| named(name, [format.clone()])).to_vec();
                probe.optional = names.map(|name| named(name, [format.clone()])).to_vec();
                probe.differs_from = Some(other.clone());
                probe.template = Some(other);
            };
            let (told, result) = pair.told(change, pass).await;
            assert_ne!(result.status, CheckStatus::Passed, "{told}");
        }
    }
}

#[tokio::test]
async fn the_bots_own_settings_are_not_looked_at() {
    for (name, format) in [
        ("HOLDPOINT__DISCORD__TOKEN", None),
        (
            "PORT",
            Some(EnvFormat::SameAs("holdpoint__discord__token".to_owned())),
        ),
    ] {
        let probe = EnvProbe {
            required: vec![named(name, format)],
            ..EnvProbe::default()
        };
        let result = run(&check(Probe::Env(probe), None)).await;
        assert!(
            told(&result)
                .to_lowercase()
                .starts_with("error: holdpoint__discord__token is a setting of holdpoint itself"),
            "{}",
            result.why
        );
    }
}

#[tokio::test]
async fn a_file_outside_or_one_that_would_wait_is_refused() {
    let pair = Pair::new("A=canary", "A=canary");
    let fifo = pair.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, fifo.as_str(), rustix::fs::Mode::RWXU).expect("a FIFO");
    let inside = checks_with(|settings, _| settings.readable = vec![pair.directory.path().to_owned()]);
    let mut table = String::new();
    for path in [fifo.as_str(), "/etc/passwd", "no/such/.env"] {
        for place in ["file", "differs_from", "template"] {
            let mut probe = EnvProbe {
                source: EnvSource::File(pair.path(".env")),
                required: plain(&["A"]),
                ..EnvProbe::default()
            };
            match place {
                "file" => probe.source = EnvSource::File(path.to_owned()),
                "differs_from" => probe.differs_from = Some(path.to_owned()),
                _ => probe.template = Some(path.to_owned()),
            }
            let result = inside
                .run(&check(Probe::Env(probe), None), &Variables::new())
                .await;
            assert_no_value(&result);
            let told = told(&result).replace(&format!("{}/", pair.directory.path().display()), "");
            table.extend([format!("{place}: {told}\n")]);
        }
    }
    assert_snapshot!(table, @"
    file: Error: fifo is a FIFO, not a file that can be read; name a file
    differs_from: Error: fifo is a FIFO, not a file that can be read; name a file
    template: Error: fifo is a FIFO, not a file that can be read; name a file
    file: Error: /etc/passwd lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    differs_from: Error: /etc/passwd lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    template: Error: /etc/passwd lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    file: Error: no/such/.env lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    differs_from: Error: no/such/.env lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    template: Error: no/such/.env lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    ");
}
