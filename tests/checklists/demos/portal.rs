//! The portal of `staged-rollout-portal`: its API, its pages, its Prometheus and the machine beside it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::response::{IntoResponse as _, Response};
use holdpoint::domain::check::CheckStatus;
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::VariableName;
use secrecy::SecretString;
use serde_json::json;
use tokio::task::JoinSet;

use super::service::{self, Asked, Collection, figure, only, rules, says};
use super::{Machine, Results, assert_not_passed, figures, variables};
use crate::shipped::named;

/// What Prometheus says for each check while all is well, and what once its switch is thrown.
const FIGURES: [(&str, f64, f64); 10] = [
    ("watch-application", 2.0, 1.0),
    ("watch-database", 2.0, 1.0),
    ("watch-users", 2.0, 1.0),
    ("watch-break-ins", 2.0, 0.0),
    ("watch-business", 2.0, 1.0),
    ("uptime", 0.9995, 0.9985),
    ("mean-answer", 0.12, 0.21),
    ("error-rate", 0.001, 0.006),
    ("users", 1.02, 0.9),
    ("faster", 0.8, 1.1),
];

/// The alerts of the portal: the check that asks for one, its name and its query.
const ALERTS: [(&str, &str, &str); 5] = [
    ("alert-errors", "ErrorRate", "portal:error_ratio:rate5m > 0.01"),
    ("alert-answers", "ResponseTime", "portal:request_seconds:p95 > 2"),
    (
        "alert-database",
        "DatabaseConnections",
        "increase(db_connection_errors_total[5m]) > 0",
    ),
    ("alert-memory", "Memory", "portal:memory_used:ratio > 0.8"),
    ("alert-disk", "Disk", "portal:disk_used:ratio > 0.85"),
];

/// The files beside it, by the check that looks for each.
const FILES: [(&str, &str, &str); 3] = [
    (
        "production-settings",
        ".env.production",
        "DATABASE_URL=postgresql://db.example/portal\nENVIRONMENT=production\nDEBUG=false\n\
         SECRET_KEY=00112233445566778899aabbccddeeff\nALLOWED_ORIGINS=[\"https://portal.example\"]\n",
    ),
    ("summary", "docs/rollout-summary.md", "# It went well\n"),
    ("lessons", "docs/lessons-learnt.md", "# What we have learnt\n"),
];

#[tokio::test]
async fn on_the_demo_all_checks_pass() {
    let results = run("").await;
    assert_not_passed("no switch", &results, &BTreeMap::new());
    assert_eq!(results.len(), portal().checks.len());
}

#[tokio::test]
async fn each_switch_makes_its_check_fail_and_no_other() {
    let checklist = portal();
    for check in checklist.checks.keys() {
        let mut expected = BTreeMap::from([(check.as_str(), CheckStatus::Failed)]);
        for other in checklist.checks.values() {
            if other.after.contains(check) {
                expected.insert(other.id.as_str(), CheckStatus::Skipped);
            }
        }
        assert_not_passed(check.as_str(), &run(check.as_str()).await, &expected);
    }
}

fn portal() -> Checklist {
    named("staged-rollout-portal")
}

/// Runs all checks against a portal of which one thing is not as it should be, called after the check that finds it.
async fn run(switch: &str) -> Results {
    let checklist = portal();
    let files: Vec<(&str, &str)> = FILES
        .iter()
        .filter(|(check, _, _)| *check != "production-settings")
        .filter(|(check, _, _)| *check != switch)
        .map(|(_, path, content)| (*path, *content))
        .collect();
    let (_, settings, content) = FILES[0];
    let content = if switch == "production-settings" {
        content.replace("DEBUG=false", "DEBUG=true")
    } else {
        content.to_owned()
    };
    let mut files = files;
    files.push((settings, &content));
    let program = match switch {
        "test-suite" => "case $0 in */pytest) exit 1;; esac",
        "security-audit" => "case $0 in */python) exit 1;; esac",
        _ => "exit 0",
    };
    let machine = Machine::with(&["pytest", "python"], program, &files);
    let migrated = "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('4f2a');";
    let statements = if switch == "database" {
        "CREATE TABLE alembic_version (version_num);"
    } else {
        migrated
    };
    let database = machine.database(statements).await;
    let mut servers = JoinSet::new();
    let portal = Portal::new(&checklist, switch);
    let address = service::start(&mut servers, move |asked| portal.answer(asked)).await;
    let variables = variables(&checklist, address)
        .with_secret(VariableName::new("database_url"), SecretString::from(database));
    machine.run(&checklist, variables).await
}

/// The portal and its Prometheus.
struct Portal {
    switch: String,
    /// The queries that Prometheus is asked, with its answers.
    figures: BTreeMap<String, f64>,
    couples: Collection,
    invoices: Collection,
    ceremonies: Collection,
    files: Mutex<BTreeMap<String, String>>,
}

impl Portal {
    fn new(checklist: &Checklist, switch: &str) -> Self {
        Self {
            switch: switch.to_owned(),
            figures: figures(checklist, switch, &FIGURES),
            couples: Collection::default(),
            invoices: Collection::default(),
            ceremonies: Collection::default(),
            files: Mutex::default(),
        }
    }

    fn is(&self, switch: &str) -> bool {
        self.switch == switch
    }

    fn answer(&self, asked: &Asked) -> Response {
        let method = asked.method.as_str();
        match asked.path.as_str() {
            "/" if self.is("api-response") => only(503),
            "/" => says(200, json!({ "name": "portal" })),
            "/support" if self.is("support-page") => "Nobody is here to help.".into_response(),
            "/support" => r#"<a href="mailto:support@portal.example">Write to us</a>"#.into_response(),
            "/api/v1/query" => figure(
                asked
                    .query
                    .get("query")
                    .and_then(|query| self.figures.get(query))
                    .copied(),
            ),
            "/api/v1/rules" => {
                let known: Vec<(&str, &str)> = ALERTS
                    .iter()
                    .filter(|(check, _, _)| !self.is(check))
                    .map(|(_, name, query)| (*name, *query))
                    .collect();
                rules(&known)
            }
            "/api/v1/auth/register" if self.is("registration") => only(503),
            "/api/v1/auth/register" => says(201, asked.json()),
            "/api/v1/auth/login" => {
                let email = asked.json()["email"].as_str().unwrap_or_default().to_owned();
                if self.is("login") && email == "tester@portal.example" {
                    return only(401);
                }
                says(200, json!({ "access_token": format!("token-of-{email}") }))
            }
            "/api/v1/auth/me" if method == "DELETE" => only(204),
            "/api/v1/auth/me" => match asked.bearer().and_then(|token| token.strip_prefix("token-of-")) {
                Some(email) => says(200, json!({ "email": email })),
                None => only(401),
            },
            path => self.answer_signed_in(asked, path),
        }
    }

    fn answer_signed_in(&self, asked: &Asked, path: &str) -> Response {
        if asked.bearer() != Some("token-of-tester@portal.example") {
            return only(401);
        }
        let method = asked.method.as_str();
        if let Some(id) = path.strip_prefix("/api/v1/couples/") {
            // A deletion that leaves things as they were.
            return if method == "DELETE" && self.is("couples") {
                only(204)
            } else {
                self.couples.answer(asked, id)
            };
        }
        if let Some(id) = path.strip_prefix("/api/v1/invoices/") {
            return if method == "PATCH" && self.is("invoices") {
                says(200, json!({ "id": id, "status": "open" }))
            } else {
                self.invoices.answer(asked, id)
            };
        }
        if let Some(id) = path.strip_prefix("/api/v1/ceremonies/") {
            return if method == "GET" && self.is("ceremonies") {
                says(200, json!({ "id": id, "date": "2030-06-01", "venue": null }))
            } else {
                self.ceremonies.answer(asked, id)
            };
        }
        let Some(name) = path.strip_prefix("/api/v1/files/") else {
            return only(404);
        };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match method {
            "PUT" => {
                let kept = if self.is("files") { "" } else { asked.body.as_str() };
                files.insert(name.to_owned(), kept.to_owned());
                only(201)
            }
            "DELETE" => {
                files.remove(name);
                only(204)
            }
            _ => match files.get(name) {
                Some(content) => content.clone().into_response(),
                None => only(404),
            },
        }
    }
}
