use std::path::Path;
use std::time::Duration;

use sqlx::{Connection as _, Executor as _};

use super::*;

const TABLES: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL, photo BLOB);
    INSERT INTO users VALUES (1, 'Ada', 1.5, x'0102'), (2, NULL, -3.0, NULL);
    CREATE INDEX users_name ON users (name);
";

async fn filled(file: &Path) -> String {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options)
        .await
        .expect("a connection");
    connection
        .execute(sqlx::raw_sql(TABLES))
        .await
        .expect("the tables");
    connection.close().await.expect("an end");
    format!("sqlite:{}", file.display())
}

#[tokio::test]
async fn a_file_is_asked_and_never_changed() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("app.db");
    let url = filled(&file).await;
    let before = std::fs::read(&file).expect("the file");
    let mut table = Vec::new();
    for (query, pass) in [
        ("SELECT count(*) FROM users", None),
        ("SELECT count(*) FROM users", Some("value == 2 && count == 1")),
        (
            "SELECT * FROM users ORDER BY id;",
            Some(
                "rows[0] == {'id': 1, 'name': 'Ada', 'score': 1.5, 'photo': '2 bytes'} && rows[1].name == null",
            ),
        ),
        (
            "SELECT name FROM sqlite_master WHERE type = 'index'",
            Some("rows.exists(row, row.name == 'users_name')"),
        ),
        ("SELECT id FROM users WHERE id > 5", None),
        ("SELECT id FROM users", Some("value == 1")),
        ("PRAGMA integrity_check", Some("value == 'ok'")),
        (
            "EXPLAIN QUERY PLAN SELECT * FROM users WHERE name = 'Ada'",
            Some("rows[0].detail.contains('users_name')"),
        ),
        ("SELECT name AS a, id AS a FROM users", None),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            None,
        ),
        ("SELECT hex(zeroblob(2000000))", None),
        ("SELECT * FROM user_accounts", None),
        ("SELECT FROM", None),
        ("SELECT 1; DELETE FROM users", None),
        ("WITH x AS (SELECT 1) DELETE FROM users", None),
        ("PRAGMA user_version = 7", None),
    ] {
        table.push(format!("{query}\n  {}", told_of(&url, query, pass).await));
    }
    insta::assert_snapshot!(table.join("\n").replace(&file.display().to_string(), "app.db"), @r#"
    SELECT count(*) FROM users
      Passed: value is 2
    SELECT count(*) FROM users
      Passed: value is 2 and count is 1
    SELECT * FROM users ORDER BY id;
      Passed: rows[0] is an object with {id, name, photo, score} and rows[1].name is null
    SELECT name FROM sqlite_master WHERE type = 'index'
      Passed: rows.exists(row, row.name == 'users_name') holds
    SELECT id FROM users WHERE id > 5
      Failed: the query gives no row, expected at least one
    SELECT id FROM users
      Failed: the query gives 2 rows and not the one value of one column; look at `rows`
    PRAGMA integrity_check
      Passed: value is "ok"
    EXPLAIN QUERY PLAN SELECT * FROM users WHERE name = 'Ada'
      Passed: rows[0].detail contains "users_name"
    SELECT name AS a, id AS a FROM users
      Error: two columns of the query are called "a"; give them names of their own with AS
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n
      Error: the query gives more than 1000 rows; count them with count(*), or add a LIMIT
    SELECT hex(zeroblob(2000000))
      Error: what the query gives is longer than 1048576 bytes; ask for fewer columns or rows
    SELECT * FROM user_accounts
      Error: app.db cannot answer the query: no such table: user_accounts; mend `query`
    SELECT FROM
      Error: app.db cannot answer the query: near "FROM": syntax error; mend `query`
    SELECT 1; DELETE FROM users
      Error: `query` has more than one statement; keep one, and make another check of the other
    WITH x AS (SELECT 1) DELETE FROM users
      Error: the query would write to app.db, and a check only reads (attempt to write a readonly database); mend `query`
    PRAGMA user_version = 7
      Error: the query would write to app.db, and a check only reads (attempt to write a readonly database); mend `query`
    "#);
    assert_eq!(std::fs::read(&file).expect("the file"), before);
}

#[tokio::test]
async fn a_query_without_end_is_ended() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = filled(&directory.path().join("app.db")).await;
    let query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let result = run(&in_short(check(ask(url, query), None))).await;
    assert_eq!(
        told(&result),
        "Error: the query did not end within 200 ms; raise `timeout` if that is too short"
    );
    assert!(result.duration_ms < 200 + Duration::from_millis(500).as_millis() as u64);
}

#[tokio::test]
async fn what_is_no_database_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = directory.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, but long enough to have a header of one hundred bytes. ".repeat(4),
    )
    .expect("a file");
    let mut table = Vec::new();
    for path in [directory.path(), &text, &directory.path().join("missing.db")] {
        let told = told_of(
            &format!("sqlite://{}", path.display()),
            "SELECT 1 FROM sqlite_master",
            None,
        )
        .await;
        table.push(told.replace(&directory.path().display().to_string(), "DIRECTORY"));
    }
    assert!(!directory.path().join("missing.db").exists());
    insta::assert_snapshot!(table.join("\n"), @"
    Error: DIRECTORY is a directory, not a file that can be read; name a file
    Error: the file DIRECTORY/notes.txt is no SQLite database; mend `url`
    Error: the file DIRECTORY/missing.db is not there; create it, or mend its path (it is relative to the bot's working directory)
    ");
}
