//! The `database` probe. `servers` says where real servers come from.

mod postgres;
mod redis;
mod servers;
mod sqlite;

use super::*;
use crate::domain::check::DatabaseProbe;

fn ask(url: impl Into<String>, query: &str) -> Probe {
    Probe::Database(DatabaseProbe {
        url: url.into(),
        query: query.to_owned(),
    })
}

async fn told_of(url: &str, query: &str, pass: Option<&str>) -> String {
    told(&run(&check(ask(url, query), pass)).await)
}

#[test]
fn parameters_and_conditions_are_tried_when_the_checklist_is_loaded() {
    let mut table = Vec::new();
    for (url, query, pass) in [
        ("db.example/app", "SELECT 1", "count == 1"),
        ("mysql://db.example/app", "SELECT 1", "count == 1"),
        ("postgres:///app", "SELECT 1", "count == 1"),
        (
            "postgres://me:p@ss@word/@db.example/app",
            "SELECT 1",
            "count == 1",
        ),
        (
            "postgres://db.example/app?sslmode=maybe",
            "SELECT 1",
            "count == 1",
        ),
        ("sqlite:", "SELECT 1", "count == 1"),
        ("sqlite::memory:", "SELECT 1", "count == 1"),
        (
            "postgres://db.example/app",
            "UPDATE users SET admin = true",
            "count == 1",
        ),
        ("postgres://{{ host }}/app", "SELECT 1; SELECT 2", "row == 1"),
        ("sqlite:app.db", "ATTACH 'other.db' AS other", "latency < 5"),
        ("redis://cache.example", "FLUSHALL", "value == 'PONG'"),
        (
            "redis://cache.example",
            "INFO memory",
            "value.used_memory < 1000000 && rows[0].value.role == 'master'",
        ),
    ] {
        let variables = BTreeMap::new();
        let problems = Checks::problems(&check(ask(url, query), Some(pass)), &variables);
        let told: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        table.push(format!("{url} {query:?}\n  {}", told.join("\n  ")));
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    db.example/app "SELECT 1"
      `url` must begin with postgres://, sqlite:, redis:// or rediss://; write it as in postgres://user@db.example/app
    mysql://db.example/app "SELECT 1"
      `url` must begin with postgres://, sqlite:, redis:// or rediss://; write it as in postgres://user@db.example/app
    postgres:///app "SELECT 1"
      `url` names no host; write it as in postgres://user@db.example/app
    postgres://me:p@ss@word/@db.example/app "SELECT 1"
      
    postgres://db.example/app?sslmode=maybe "SELECT 1"
      `sslmode` in `url` must be disable, prefer, require, verify-ca or verify-full
    sqlite: "SELECT 1"
      `url` names no file; write it as in sqlite:data/app.db
    sqlite::memory: "SELECT 1"
      `url` names no file; write it as in sqlite:data/app.db
    postgres://db.example/app "UPDATE users SET admin = true"
      `query` begins with UPDATE, and a check only reads; begin with SELECT, WITH, VALUES, TABLE, EXPLAIN or SHOW
    postgres://{{ host }}/app "SELECT 1; SELECT 2"
      `query` has more than one statement; keep one, and make another check of the other
      there is no variable host; declare it under `variables`
      `row` is not observed by this check; did you mean `rows`?
    sqlite:app.db "ATTACH 'other.db' AS other"
      `query` begins with ATTACH, and a check only reads; begin with SELECT, WITH, VALUES, EXPLAIN or PRAGMA
      `latency` is a span of time and `5` is a whole number, which `<` does not take together; write a span of time as in duration("500ms")
    redis://cache.example "FLUSHALL"
      of Redis, `query` may ask PING, INFO or INFO and a section, as in INFO memory
    redis://cache.example "INFO memory"
    "#);
}
