use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::servers::Postgres;
use super::*;

/// What the server of these tests holds.
const TABLES: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, name text, admin boolean, created timestamptz, score numeric, tags text[]);
    INSERT INTO users VALUES (1, 'Ada', true, '2026-01-31 12:00:00Z', 1.5, '{a,\"b c\"}'),
                             (2, NULL, false, NULL, 1234567890.123456789, NULL);
    CREATE INDEX users_name ON users (name);
    CREATE SEQUENCE numbers;
    CREATE TYPE mood AS ENUM ('fine', 'bad');
";

async fn fill(url: &str) {
    use sqlx::{Connection as _, Executor as _};

    let mut connection = sqlx::PgConnection::connect(url).await.expect("a connection");
    connection
        .execute(sqlx::raw_sql(TABLES))
        .await
        .expect("the tables");
}

/// Checks of a bot whose environment names an authority of its own.
fn trusting(certificate: &str) -> Checks {
    let environment = [("PGSSLROOTCERT", certificate)].into_iter().collect();
    let guard = Guard::new(GuardSettings::default(), environment).expect("the settings are right");
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    Checks::new(Limits::default(), guard, clock).expect("a client")
}

/// One server for all that is held of it: starting one takes longer than asking it everything.
#[tokio::test]
async fn a_real_server_is_asked_and_never_changed() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = server.url("s3cret-canary", "disable");
    fill(&url).await;

    let mut table = Vec::new();
    for (query, pass) in [
        ("SELECT count(*) FROM users", None),
        (
            "SELECT count(*) FROM users;",
            Some("value == 2 && latency < duration('10s')"),
        ),
        (
            "SELECT * FROM users ORDER BY id",
            Some(
                "rows[0].name == 'Ada' && rows[0].admin && rows[0].tags == ['a', 'b c'] && rows[0].score == 1.5 \
             && rows[0].created == '2026-01-31T12:00:00Z' && rows[1].name == null",
            ),
        ),
        ("SELECT id FROM users WHERE id > 5", None),
        ("SELECT id FROM users WHERE id > 5", Some("count == 0")),
        ("SELECT id FROM users", Some("value == 1")),
        (
            "SELECT indexname FROM pg_indexes WHERE tablename = 'users'",
            Some("rows.exists(row, row.indexname == 'users_name')"),
        ),
        (
            "SELECT 'fine'::mood AS mood, '\\x0102'::bytea AS blob, '{\"a\": [1]}'::jsonb AS doc, interval '1 day' AS span",
            Some(
                "rows[0].mood == 'fine' && rows[0].blob == '2 bytes' && rows[0].doc.a[0] == 1 && rows[0].span == '1 day'",
            ),
        ),
        (
            "EXPLAIN (COSTS OFF) SELECT * FROM users",
            Some("rows.exists(row, row['QUERY PLAN'].startsWith('Seq Scan on users'))"),
        ),
        ("SHOW transaction_read_only", Some("value == 'on'")),
        ("SELECT name AS a, id AS a FROM users", None),
        ("SELECT * FROM generate_series(1, 1001)", None),
        ("SELECT repeat('x', 2000000)", None),
        ("SELECT * FROM user_accounts", None),
        ("SELECT nickname FROM users", None),
        ("SELECT 1 / (count(*) - 2) FROM users", None),
        ("SELECT nextval('numbers')", None),
        (
            "WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone",
            None,
        ),
        ("EXPLAIN ANALYZE DELETE FROM users", None),
        ("SELECT set_config('transaction_read_only', 'off', false)", None),
        // What PostgreSQL takes for two statements and the outline for one.
        ("SELECT E'\\''; DELETE FROM users; --'", None),
        ("SELECT $1::text", None),
    ] {
        table.push(format!("{query}\n  {}", told_of(&url, query, pass).await));
    }
    let result = run(&check(ask(&url, "SELECT id, name FROM users ORDER BY id"), None)).await;
    table.push(format!("evidence: {}", result.observed["rows"]));
    let mut slow = check(ask(&url, "SELECT pg_sleep(60)"), None);
    slow.timeout = Duration::from_millis(500);
    table.push(format!("slow: {}", told(&run(&slow).await)));

    for (title, url) in [
        ("wrong password", server.url("wrong-canary", "disable")),
        ("no such database", url.replace("/postgres?", "/nothing?")),
        ("TLS where offered", server.url("s3cret-canary", "prefer")),
        ("TLS", server.url("s3cret-canary", "require")),
        ("TLS of its name", server.url("s3cret-canary", "verify-ca")),
        ("TLS verified", server.url("s3cret-canary", "verify-full")),
    ] {
        let query = "SELECT CASE WHEN ssl THEN version END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let told = told_of(&url, query, Some("value == 'TLSv1.3'")).await;
        assert!(!told.contains("canary"), "{told}");
        table.push(format!("{title}: {told}"));
    }
    let trusting = trusting(&server.certificate());
    for mode in ["verify-ca", "verify-full"] {
        let probe = ask(server.url("s3cret-canary", mode), "SELECT 1");
        let result = trusting.run(&check(probe, None), &Variables::new()).await;
        table.push(format!("{mode}, trusted: {}", told(&result)));
    }
    table.push(format!(
        "still there: {}",
        told_of(&url, "SELECT count(*) FROM users", Some("value == 2")).await
    ));
    insta::assert_snapshot!(table.join("\n"), @r#"
    SELECT count(*) FROM users
      Passed: value is 2
    SELECT count(*) FROM users;
      Passed: value is 2 and latency is SPAN
    SELECT * FROM users ORDER BY id
      Passed: rows[0].name is "Ada", rows[0].admin is true, rows[0].tags is ["a", "b c"], rows[0].score is 1.5, rows[0].created is "2026-01-31T12:00:00Z" and rows[1].name is null
    SELECT id FROM users WHERE id > 5
      Failed: the query gives no row, expected at least one
    SELECT id FROM users WHERE id > 5
      Passed: count is 0
    SELECT id FROM users
      Failed: the query gives 2 rows and not the one value of one column; look at `rows`
    SELECT indexname FROM pg_indexes WHERE tablename = 'users'
      Passed: rows.exists(row, row.indexname == 'users_name') holds
    SELECT 'fine'::mood AS mood, '\x0102'::bytea AS blob, '{"a": [1]}'::jsonb AS doc, interval '1 day' AS span
      Passed: rows[0].mood is "fine", rows[0].blob is "2 bytes", rows[0].doc.a[0] is 1 and rows[0].span is "1 day"
    EXPLAIN (COSTS OFF) SELECT * FROM users
      Passed: rows.exists(row, row['QUERY PLAN'].startsWith('Seq Scan on users')) holds
    SHOW transaction_read_only
      Passed: value is "on"
    SELECT name AS a, id AS a FROM users
      Error: two columns of the query are called "a"; give them names of their own with AS
    SELECT * FROM generate_series(1, 1001)
      Error: the query gives more than 1000 rows; count them with count(*), or add a LIMIT
    SELECT repeat('x', 2000000)
      Error: what the query gives is longer than 1048576 bytes; ask for fewer columns or rows
    SELECT * FROM user_accounts
      Error: localhost:PORT has no such table: relation "user_accounts" does not exist; run the migrations, or mend `query`
    SELECT nickname FROM users
      Error: localhost:PORT has no such column: column "nickname" does not exist; run the migrations, or mend `query`
    SELECT 1 / (count(*) - 2) FROM users
      Error: localhost:PORT cannot answer the query: division by zero (22012); mend `query`
    SELECT nextval('numbers')
      Error: the query would write, and a check only reads: cannot execute nextval() in a read-only transaction; mend `query`
    WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone
      Error: localhost:PORT cannot answer the query: DECLARE CURSOR must not contain data-modifying statements in WITH (0A000); mend `query`
    EXPLAIN ANALYZE DELETE FROM users
      Error: the query would write, and a check only reads: cannot execute DELETE in a read-only transaction; mend `query`
    SELECT set_config('transaction_read_only', 'off', false)
      Error: localhost:PORT cannot answer the query: transaction read-write mode must be set before any query (25001); mend `query`
    SELECT E'\''; DELETE FROM users; --'
      Error: `query` has more than one statement; keep one, and make another check of the other
    SELECT $1::text
      Error: localhost:PORT cannot answer the query: bind message supplies 0 parameters, but prepared statement "" requires 1 (08P01); mend `query`
    evidence: ["{\"id\":1,\"name\":\"Ada\"}","{\"id\":2,\"name\":null}"]
    slow: Error: localhost:PORT did not answer the query within 500 ms; raise `timeout` if that is too short
    wrong password: Error: localhost:PORT refuses the user or the password of `url`: password authentication failed for user "owner"; check both, and pg_hba.conf
    no such database: Error: localhost:PORT has no such database: database "nothing" does not exist; mend `url`
    TLS where offered: Passed: value is "TLSv1.3"
    TLS: Passed: value is "TLSv1.3"
    TLS of its name: Error: the certificate of localhost:PORT is not accepted: nobody known has signed it; have it signed by a public authority
    TLS verified: Error: the certificate of localhost:PORT is not accepted: nobody known has signed it; have it signed by a public authority
    verify-ca, trusted: Passed: value is 1
    verify-full, trusted: Passed: value is 1
    still there: Passed: value is 2
    "#);
}

/// A server that takes every connection, says this and then waits.
async fn saying(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut start = [0; 8];
            stream.read_exact(&mut start).await.expect("a start");
            stream.write_all(words).await.expect("a listener");
            connections.push(stream);
        }
    });
    format!("postgres://me@{address}/app?sslmode=disable")
}

#[tokio::test]
async fn what_is_no_server_is_told_in_time() {
    let denying = checks_with(|settings, _| settings.denied_networks.push("127.0.0.0/8".to_owned()));
    let mut table = Vec::new();
    let nobody = super::super::server::nobody().await.replace("http:", "postgres:");
    table.push(told_of(&nobody, "SELECT 1", None).await);
    table.push(told_of("postgres://no-such-host.invalid/app", "SELECT 1", None).await);
    let refused = denying
        .run(&check(ask(nobody, "SELECT 1"), None), &Variables::new())
        .await;
    table.push(told(&refused));
    let web = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    table.push(told(&run(&in_short(check(ask(web, "SELECT 1"), None))).await));
    let silent = saying(b"").await;
    table.push(told(&run(&in_short(check(ask(silent, "SELECT 1"), None))).await));
    // A message of a gigabyte is announced, and begun.
    let endless = saying(b"R\x40\x00\x00\x00").await;
    table.push(told(&run(&in_short(check(ask(endless, "SELECT 1"), None))).await));
    insta::assert_snapshot!(table.join("\n"), @"
    Error: nothing listens at 127.0.0.1:PORT (connection refused); start the service, or mend the port
    Error: the host no-such-host.invalid does not resolve; check the name and DNS
    Error: the address 127.0.0.1 may not be reached; the operator can change checks.network.deny and checks.network.allow
    Error: 127.0.0.1:PORT does not answer as PostgreSQL does; mend `url`
    Error: 127.0.0.1:PORT did not let a client in within 200 ms; raise `timeout` if that is too short
    Error: what the query gives is longer than 1048576 bytes; ask for fewer columns or rows
    ");
}

#[tokio::test]
async fn a_url_from_a_secret_variable_is_in_no_result() {
    let nobody = super::super::server::nobody()
        .await
        .replace("http://", "postgres://me:pa55-canary@");
    let variables =
        Variables::new().with_secret(VariableName::new("database_url"), SecretString::from(nobody));
    let result = checks()
        .run(&check(ask("{{ database_url }}", "SELECT 1"), None), &variables)
        .await;
    assert_eq!(result.status, CheckStatus::Error);
    assert!(!serde_json::to_string(&result).expect("JSON").contains("canary"));
}
