//! Metrics that are gone or bad, databases in which nothing is, and a repository in which nothing went well.

use std::path::Path;

use holdpoint::checks::Environment;
use holdpoint::domain::check::{CheckStatus, GithubQuestion, Probe};
use sqlx::{Connection as _, Executor as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::shipped::shipped;
use super::{assert_fails, checks, json_answer, serve, variables};

/// Every table that the checklists ask, with the columns that they name, and nothing in it. PostgreSQL's own are tables
/// like all others here: what is asked of them is SQL that SQLite understands as well.
pub(super) const EMPTY: &str = r#"
    CREATE TABLE pg_tables (schemaname, tablename, rowsecurity);
    CREATE TABLE pg_policies (schemaname, tablename);
    CREATE TABLE pg_class (oid, relname);
    CREATE TABLE pg_trigger (tgrelid, tgisinternal, tgenabled);
    CREATE TABLE pg_indexes (schemaname, tablename, indexname, indexdef);
    CREATE TABLE pg_settings (name, setting);
    CREATE TABLE pg_stat_user_tables (n_live_tup, seq_scan, idx_scan);
    CREATE TABLE profiles (role, email);
    CREATE TABLE "User" (role, email, "tenantId");
    CREATE TABLE "Tenant" (id, slug, "apiKeyPublic", "apiKeySecret");
    CREATE TABLE "Package" ("tenantId", active);
    CREATE TABLE "Booking" (id, status, "tenantId");
    CREATE TABLE "Payment" ("bookingId", status);
    CREATE TABLE organizations (id, is_default);
    CREATE TABLE users (role);
    CREATE TABLE subscriptions (organization_id);
    CREATE TABLE usage_limits (organization_id);
    CREATE TABLE calendar_channels (organization_id, expires_at, address);
    CREATE TABLE "_prisma_migrations" (finished_at, rolled_back_at);
    CREATE TABLE alembic_version (version_num);
"#;

/// What Redis says that follows another, has no limit, evicts nothing and keeps nothing.
const CARELESS: &str = "role:slave\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\n";

#[tokio::test]
async fn every_query_of_metrics_fails_when_they_are_gone_and_most_when_they_are_bad() {
    let mut servers = JoinSet::new();
    let gone = serve(&mut servers, vector("[]")).await;
    let high = serve(
        &mut servers,
        vector(r#"[{"metric": {}, "value": [0, "1000000"]}]"#),
    )
    .await;
    let low = serve(&mut servers, vector(r#"[{"metric": {}, "value": [0, "-1"]}]"#)).await;
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let [gone, high, low] =
            [gone, high, low].map(|server| variables(checklist, &format!("http://{server}")));
        for check in checklist.checks.values() {
            if !matches!(check.probe, Probe::Prometheus(_)) {
                continue;
            }
            assert_fails(shipped.name, check, &checks.run(check, &gone).await);
            let results = [checks.run(check, &high).await, checks.run(check, &low).await];
            let bad = results.iter().any(|result| result.status == CheckStatus::Failed);
            // That something always fires is asked by the presence of a series alone.
            let is_presence = check.pass.as_ref().is_none_or(|pass| pass.text.contains("count"));
            assert!(bad || is_presence, "{} {}: {results:#?}", shipped.name, check.id);
        }
    }
}

#[tokio::test]
async fn every_question_to_github_fails_when_nothing_went_well() {
    let mut servers = JoinSet::new();
    let runs = r#"{"total_count": 1, "workflow_runs": [{"run_number": 1, "status": "completed", "conclusion": "failure",
        "head_branch": "main", "head_sha": "0", "updated_at": "1970-01-01T00:00:00Z"}]}"#;
    let runs = serve(&mut servers, json_answer(runs)).await;
    let alerts = r#"[{"state": "open", "security_advisory": {"severity": "critical"},
        "rule": {"security_severity_level": "critical"}}]"#;
    let alerts = serve(&mut servers, json_answer(alerts)).await;
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        for check in checklist.checks.values() {
            let Probe::Github(probe) = &check.probe else {
                continue;
            };
            let server = match probe.question {
                GithubQuestion::Workflow { .. } => runs,
                GithubQuestion::Alerts { .. } => alerts,
                GithubQuestion::Checks { .. } | GithubQuestion::Compare { .. } => {
                    panic!("{} {}: this test has no answer to that", shipped.name, check.id)
                }
            };
            let variables = variables(checklist, &format!("http://{server}"));
            assert_fails(shipped.name, check, &checks.run(check, &variables).await);
            count += 1;
        }
    }
    assert!(count > 4, "only {count} questions to GitHub were looked at");
}

#[tokio::test]
async fn every_query_of_a_database_fails_when_nothing_is_in_it() {
    let mut servers = JoinSet::new();
    let redis = redis(&mut servers, CARELESS).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let empty = database(&directory.path().join("empty.db"), "").await;
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        let variables = variables(&shipped.parsed.checklist, "http://127.0.0.1:9");
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Database(probe) = &mut check.probe else {
                continue;
            };
            let of_redis = probe.query.starts_with("INFO");
            probe.url = if of_redis { redis.clone() } else { empty.clone() };
            assert_fails(shipped.name, &check, &checks.run(&check, &variables).await);
            count += 1;
        }
    }
    assert!(count > 20, "only {count} queries of databases were looked at");
}

/// What Prometheus answers to a query.
fn vector(result: &str) -> String {
    json_answer(&format!(
        r#"{{"status": "success", "data": {{"resultType": "vector", "result": {result}}}}}"#
    ))
}

/// A database in this file, with all tables, in which these statements have been carried out.
pub(super) async fn database(file: &Path, statements: &'static str) -> String {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options)
        .await
        .expect("a connection");
    for part in [EMPTY, statements] {
        connection.execute(sqlx::raw_sql(part)).await.expect("the tables");
    }
    connection.close().await.expect("an end");
    format!("sqlite:{}", file.display())
}

/// A Redis that says this of itself.
pub(super) async fn redis(servers: &mut JoinSet<()>, info: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    servers.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut command = [0; 1024];
            while stream.read(&mut command).await.is_ok_and(|came| came > 0) {
                let answer = format!("${}\r\n{info}\r\n", info.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    format!("redis://{address}")
}
