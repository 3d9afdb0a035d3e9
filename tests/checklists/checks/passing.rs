//! A check that cannot pass is as bad as one that cannot fail: it holds a release for nothing. What services answer over
//! HTTP is played in the demos; here is what else checks look at, as it is when all is well.

use std::fs;

use base64::Engine as _;
use holdpoint::checks::{Environment, Variables};
use holdpoint::domain::check::{
    Check, CheckStatus, EnvFormat, EnvSource, EnvVariable, GithubQuestion, Probe,
};
use tokio::task::JoinSet;

use super::super::shipped::shipped;
use super::figures::{database, redis};
use super::{checks, fakes, json_answer, path_of, serve, variables};

/// What the tables of a database that is in order hold, after [`super::figures::EMPTY`].
const FILLED: &str = r#"
    INSERT INTO pg_tables VALUES ('public', 'breakout_rooms', 1), ('public', 'breakout_room_participants', 1),
        ('public', 'breakout_room_transitions', 1), ('public', 'sessions', 1);
    INSERT INTO pg_policies SELECT schemaname, tablename FROM pg_tables;
    INSERT INTO pg_class VALUES (1, 'breakout_rooms');
    INSERT INTO pg_trigger VALUES (1, 0, 'O');
    INSERT INTO pg_indexes SELECT schemaname, tablename, 'first', 'CREATE UNIQUE INDEX' FROM pg_tables;
    INSERT INTO pg_indexes SELECT schemaname, tablename, 'second', 'CREATE INDEX' FROM pg_tables;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16)
        INSERT INTO pg_indexes SELECT 'public', 'Booking', i, 'CREATE INDEX' FROM n;
    INSERT INTO pg_indexes VALUES
        ('public', 'Booking', 'day', 'CREATE UNIQUE INDEX day ON public."Booking" USING btree ("tenantId", date)'),
        ('public', 'Payment', 'once', 'CREATE UNIQUE INDEX once ON public."Payment" USING btree ("processorId")');
    INSERT INTO pg_settings VALUES ('in_hot_standby', 'off');
    INSERT INTO pg_stat_user_tables VALUES (100, 5, 5), (20000, 0, 5);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5)
        INSERT INTO profiles SELECT 'patient', i || '+test@telehealth.example' FROM n;
    INSERT INTO "User" VALUES ('PLATFORM_ADMIN', 'root@booking.example', NULL),
        ('TENANT_ADMIN', 'demo@booking.example', 'one');
    INSERT INTO "Tenant" VALUES ('one', 'demo-tenant', 'pk_live_1', 'hashed'), ('two', 'b', NULL, NULL), ('three', 'c', NULL, NULL);
    INSERT INTO "Package" VALUES ('one', 1);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
        INSERT INTO "Booking" SELECT i, 'CONFIRMED', 'one' FROM n;
    INSERT INTO "Payment" VALUES (1, 'CAPTURED');
    INSERT INTO organizations VALUES (1, 1);
    INSERT INTO users VALUES ('admin');
    INSERT INTO subscriptions VALUES (1);
    INSERT INTO usage_limits VALUES (1);
    INSERT INTO calendar_channels VALUES (1, '9999-12-31', 'https://api.clients.example/webhooks/gcal');
    INSERT INTO "_prisma_migrations" VALUES ('2026-01-01', NULL);
    INSERT INTO alembic_version VALUES ('4f2a');
"#;

/// What Redis says that takes what is written, keeps it, and has a limit.
const INFO: &str = "role:master\r\nmaxmemory:268435456\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:1\r\n\
                    aof_last_write_status:ok\r\n";

/// What programs print when all is well, each in a script of its own; a program is content with one of them.
const CONTENT: [&str; 6] = [
    "exit 0",
    "exit 1",
    "echo '## staging...origin/staging'",
    "printf '# branch.oid 0123abcd\\n# branch.head main\\n# branch.ab +0 -0\\n'",
    "echo 'Tests:       100 passed, 100 total'",
    "echo 'Generated Prisma Client PERMISSION_DENIED RATE_LIMIT_EXCEEDED Compiled successfully Generating static pages
        Database schema is up to date! success TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN TWILIO_API_KEY_SID
        TWILIO_API_KEY_SECRET OPENAI_API_KEY twilio-video-token create-breakout-room close-breakout-room
        move-participant bulk-assign-participants
        {\"id\": \"first-contentful-paint\", \"score\": 1, \"numericValue\": 812.5}
        {\"id\": \"largest-contentful-paint\", \"score\": 1, \"numericValue\": 1812.5}'",
];

#[tokio::test]
async fn every_check_of_variables_passes_when_all_are_as_they_should_be() {
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Env(probe) = &mut check.probe else {
                continue;
            };
            probe.source = EnvSource::Bot;
            let names: Environment = [&probe.required, &probe.recommended, &probe.optional]
                .into_iter()
                .flatten()
                .map(|variable| (variable.name.clone(), sound(variable)))
                .chain([("SOMETHING".to_owned(), "there".to_owned())])
                .collect();
            let _beside = super::beside(probe);
            let result = checks(&[], names).run(&check, &Variables::new()).await;
            assert_eq!(
                result.status,
                CheckStatus::Passed,
                "{} {}: {result:#?}",
                shipped.name,
                check.id
            );
        }
    }
}

#[tokio::test]
async fn every_command_passes_with_a_program_that_is_content() {
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let variables = variables(checklist, "http://127.0.0.1:9");
        for check in checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Command(command) = &mut check.probe else {
                continue;
            };
            command.cwd = None;
            let program = command.run.first().expect("a command names its program").clone();
            let mut results = Vec::new();
            for script in CONTENT {
                let directory = fakes(&[&program], script);
                let checks = checks(&[&program], path_of(directory.path()));
                results.push(checks.run(&check, &variables).await);
                if results
                    .last()
                    .is_some_and(|result| result.status == CheckStatus::Passed)
                {
                    break;
                }
            }
            assert!(
                results.iter().any(|result| result.status == CheckStatus::Passed),
                "{} {}: {results:#?}",
                shipped.name,
                check.id
            );
        }
    }
}

#[tokio::test]
async fn every_check_of_a_file_passes_when_it_is_as_it_should_be() {
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::File(probe) = &mut check.probe else {
                continue;
            };
            let directory = tempfile::tempdir().expect("a temporary directory");
            let file = directory.path().join(probe.path.replace('*', "x"));
            fs::create_dir_all(file.parent().expect("a directory")).expect("it can be made");
            fs::write(&file, content_of(&probe.path)).expect("a file can be written");
            probe.path = directory.path().join(&probe.path).display().to_string();
            let result = checks.run(&check, &Variables::new()).await;
            assert_eq!(
                result.status,
                CheckStatus::Passed,
                "{} {}: {result:#?}",
                shipped.name,
                check.id
            );
        }
    }
}

#[tokio::test]
async fn every_query_of_a_database_passes_when_all_is_in_it() {
    let mut servers = JoinSet::new();
    let redis = redis(&mut servers, INFO).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let filled = database(&directory.path().join("filled.db"), FILLED).await;
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        let variables = variables(&shipped.parsed.checklist, "http://127.0.0.1:9");
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = patient(check);
            let Probe::Database(probe) = &mut check.probe else {
                continue;
            };
            let of_redis = probe.query.starts_with("INFO");
            probe.url = if of_redis { redis.clone() } else { filled.clone() };
            let result = checks.run(&check, &variables).await;
            assert_eq!(
                result.status,
                CheckStatus::Passed,
                "{} {}: {result:#?}",
                shipped.name,
                check.id
            );
        }
    }
}

#[tokio::test]
async fn every_question_to_github_passes_when_all_went_well() {
    let mut servers = JoinSet::new();
    let runs = r#"{"total_count": 1, "workflow_runs": [{"run_number": 1, "status": "completed", "conclusion": "success",
        "head_branch": "main", "head_sha": "0", "updated_at": "1970-01-01T00:00:00Z"}]}"#;
    let runs = serve(&mut servers, json_answer(runs)).await;
    let alerts = serve(&mut servers, json_answer("[]")).await;
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        for check in checklist.checks.values() {
            let Probe::Github(probe) = &check.probe else {
                continue;
            };
            let server = if matches!(probe.question, GithubQuestion::Alerts { .. }) {
                alerts
            } else {
                runs
            };
            let variables = variables(checklist, &format!("http://{server}"));
            let result = checks.run(check, &variables).await;
            assert_eq!(
                result.status,
                CheckStatus::Passed,
                "{} {}: {result:#?}",
                shipped.name,
                check.id
            );
        }
    }
}

/// The check, tried again where it is held to a time that a busy machine may miss.
fn patient(check: &Check) -> Check {
    let mut check = check.clone();
    if check
        .pass
        .as_ref()
        .is_some_and(|pass| pass.text.contains("latency"))
    {
        check.retry = Some(holdpoint::domain::check::Retry {
            times: 10,
            wait: std::time::Duration::from_millis(20),
        });
    }
    check
}

/// A value that has all the forms that a variable's must have.
fn sound(variable: &EnvVariable) -> String {
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    let mut value = letters.to_owned();
    for format in &variable.formats {
        value = match format {
            EnvFormat::Url(scheme) => {
                let scheme = scheme.as_deref().unwrap_or("https");
                format!("{scheme}://user:word@db.example:6543/base")
            }
            EnvFormat::Hex(digits) => "0123456789abcdef".repeat(digits / 16),
            EnvFormat::Prefix(prefix) => format!("{prefix}{letters}"),
            EnvFormat::Equals(text) => text.clone(),
            EnvFormat::Base64Json => {
                base64::engine::general_purpose::STANDARD.encode(r#"{"type": "service_account"}"#)
            }
            EnvFormat::Integer => "993".to_owned(),
            EnvFormat::Matches(pattern) if pattern.contains("info") => "info".to_owned(),
            // The form before it is a URL with that port, or long enough.
            EnvFormat::Matches(_) | EnvFormat::MinLength(_) | EnvFormat::SameAs(_) => value,
        };
    }
    value
}

/// What stands in a file that is looked for, by its path.
fn content_of(path: &str) -> &'static str {
    match path {
        "reports/qa.json" => r#"{"failed": 0, "passed": 120}"#,
        "coverage/coverage-summary.json" => r#"{"total": {"lines": {"pct": 96.1}}}"#,
        "docs/administrators.md" => "# Onboarding\n\n## Packages\n\n## The look\n\n## What may go wrong\n",
        "docs/runbook.md" => "# Deploying\n\n## Going back\n\n## Trouble\n\n## Whom to call\n",
        "docs/rollback.md" => "# The database\n\n# The application\n\n# DNS\n",
        "docs/emergency-contacts.md" => "ops@clients.example\n",
        "docs/*.postman_collection.json" => {
            r#"{"info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/"}, "item": [{"name": "one"}]}"#
        }
        workflow if workflow.starts_with(".github/workflows/") => {
            "on:\n  push:\n    branches: [main]\njobs:\n  deploy:\n    steps:\n      - run: prisma migrate deploy\n      - run: curl --fail https://api.clients.example/health\n"
        }
        _ => "Something stands here.\n",
    }
}
