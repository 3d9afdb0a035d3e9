//! A query asked of PostgreSQL.
//!
//! It is asked in a transaction that is read-only from its first statement and rolled back at its end, through a
//! cursor: the server itself holds it to one statement, and gives no more rows than are read. Values are asked for as
//! texts, which every type has. Nothing is set for the session, for behind a pooler the next client would inherit it.

mod values;

use std::io;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Error, Executor as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::relay::{Relay, Stopped};
use super::rows::{MOST_ROWS, Rows, too_long};
use super::statement::{Dialect, first_word};
use super::{Encryption, Login, tls};
use crate::checks::probe::{Hindrance, Run};
use crate::checks::reach::{self, Place};

/// What the messages of a connection take beside the rows, generously, in bytes.
const ENVELOPE: usize = 64 << 10;

/// Asks for encryption, before anything else is said (PostgreSQL, "SSL Session Encryption").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Asks the query.
pub(super) async fn ask(run: &Run<'_>, login: &Login, query: &str) -> Result<Rows, Hindrance> {
    let place = &login.place;
    let server = reach::connect(run, place)
        .await
        .map_err(|unconnected| unconnected.hindrance(run, place))?;
    let relay = run
        .in_time(relayed(run, login, server), || {
            format!("{place} took the connection and did not answer")
        })
        .await??;
    let told = |error: Error| match relay.stopped() {
        Some(Stopped::Full) => too_long(run),
        Some(Stopped::Foreign) => foreign(place),
        None => told(run, login, &error),
    };
    let mut connection = run
        .in_time(options(login, &relay).connect(), || {
            format!("{place} did not let a client in")
        })
        .await?
        .map_err(told)?;
    let rows = run
        .in_time(asked(run, &mut connection, query), || {
            format!("{place} did not answer the query")
        })
        .await?;
    let rows = match rows {
        Ok(rows) => rows,
        Err(Trouble::Server(error)) => return Err(told(error)),
        Err(Trouble::Ours(hindrance)) => return Err(hindrance),
    };
    // The rows are there; that taking leave fails takes nothing from them.
    let _ = tokio::time::timeout_at(run.deadline, connection.close()).await;
    Ok(rows)
}

/// A relay to the server, encrypted as far as the checklist asks for and the server can.
async fn relayed(run: &Run<'_>, login: &Login, mut server: TcpStream) -> Result<Relay, Hindrance> {
    let place = &login.place;
    let name = format!(".s.PGSQL.{}", place.port);
    let most = run.limits.body_bytes.saturating_add(ENVELOPE);
    let not_ready =
        |error: io::Error| Hindrance::new(format!("the way to {place} could not be made ready: {error}"));
    if login.encryption == Encryption::Never {
        return Relay::open(server, &name, most).map_err(not_ready);
    }
    let mut answer = [0];
    let asked = async {
        server.write_all(&SSL_REQUEST).await?;
        server.read_exact(&mut answer).await
    };
    asked.await.map_err(|_| closed(place))?;
    match answer {
        [b'S'] => {
            // An authority of one's own is named as for every client of PostgreSQL.
            let environment = run.guard.environment().ok();
            let authority = environment.and_then(|environment| environment.get("PGSSLROOTCERT"));
            let encrypted = tls::encrypt(place, login.encryption, server, authority).await?;
            Relay::open(encrypted, &name, most).map_err(not_ready)
        }
        [b'N'] if login.encryption == Encryption::WhereOffered => {
            Relay::open(server, &name, most).map_err(not_ready)
        }
        [b'N'] => Err(Hindrance::new(format!(
            "{place} does not speak TLS, and `sslmode` in `url` asks for it; turn it on there"
        ))),
        _ => Err(foreign(place)),
    }
}

/// Who connects and how. Everything that sqlx would take from the bot's environment and that could be a secret is
/// given here, for a checklist may name a server of anybody's.
fn options(login: &Login, relay: &Relay) -> PgConnectOptions {
    let user = login.user.as_deref().unwrap_or("postgres");
    PgConnectOptions::new_without_pgpass()
        .host(&login.place.host)
        .port(login.place.port)
        .socket(&relay.directory)
        .username(user)
        .password(login.password.as_deref().unwrap_or_default())
        .database(login.database.as_deref().unwrap_or(user))
        .application_name("holdpoint")
        // The relay has seen to that.
        .ssl_mode(PgSslMode::Disable)
        // A variable in the query may be a secret, and the log is not for those.
        .disable_statement_logging()
}

enum Trouble {
    Server(Error),
    Ours(Hindrance),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

impl From<Hindrance> for Trouble {
    fn from(hindrance: Hindrance) -> Self {
        Self::Ours(hindrance)
    }
}

async fn asked(run: &Run<'_>, connection: &mut PgConnection, query: &str) -> Result<Rows, Trouble> {
    let left = run
        .deadline
        .saturating_duration_since(Instant::now())
        .as_millis()
        .max(1);
    // Once a transaction has looked at anything, it cannot be made one that writes (PostgreSQL, SET TRANSACTION).
    let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {left}; SELECT 1");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(begin))).await?;
    let started = Instant::now();
    let mut rows = Rows::default();
    let take = |rows: &mut Rows, row: PgRow| -> Result<(), Trouble> {
        let (cells, bytes) = values::cells(&row)?;
        Ok(rows.push(run, cells, bytes)?)
    };
    if matches!(first_word(query, Dialect::Postgres).as_str(), "EXPLAIN" | "SHOW") {
        // These have no cursors. What they give is text, which is the same in either format.
        let mut answer = sqlx::query(AssertSqlSafe(query))
            .persistent(false)
            .fetch(&mut *connection);
        while let Some(row) = answer.try_next().await? {
            take(&mut rows, row)?;
        }
    } else {
        let declare = format!("DECLARE holdpoint_check NO SCROLL CURSOR FOR {query}");
        // The extended protocol takes one statement at a time, whatever its text looks like.
        sqlx::query(AssertSqlSafe(declare))
            .persistent(false)
            .execute(&mut *connection)
            .await?;
        let fetch = format!("FETCH FORWARD {} FROM holdpoint_check", MOST_ROWS + 1);
        let mut answer = connection.fetch(sqlx::raw_sql(AssertSqlSafe(fetch)));
        while let Some(row) = answer.try_next().await? {
            take(&mut rows, row)?;
        }
    }
    rows.latency = started.elapsed();
    connection.execute(sqlx::raw_sql("ROLLBACK")).await?;
    Ok(rows)
}

/// What stood in the way. Codes are those of PostgreSQL's appendix A.
fn told(run: &Run<'_>, login: &Login, error: &Error) -> Hindrance {
    let place = &login.place;
    let sentence = match error {
        Error::Database(error) => {
            let words = run.redactor.beginning(error.message(), 300);
            let code = error.code().unwrap_or_default();
            match &*code {
                "57014" => return run.out_of_time(&format!("{place} did not answer the query")),
                "28P01" | "28000" => format!(
                    "{place} refuses the user or the password of `url`: {words}; check both, and pg_hba.conf"
                ),
                "3D000" => format!("{place} has no such database: {words}; mend `url`"),
                "42P01" => format!("{place} has no such table: {words}; run the migrations, or mend `query`"),
                "42703" => {
                    format!("{place} has no such column: {words}; run the migrations, or mend `query`")
                }
                "42501" => {
                    format!("the user of `url` may not read that at {place}: {words}; grant it SELECT")
                }
                "25006" => format!("the query would write, and a check only reads: {words}; mend `query`"),
                "53300" => format!("{place} has no connection left: {words}"),
                "57P03" => format!("{place} is not ready: {words}; try again soon"),
                "42601" if words.contains("multiple commands") => {
                    "`query` has more than one statement; keep one, and make another check of the other"
                        .to_owned()
                }
                code => format!("{place} cannot answer the query: {words} ({code}); mend `query`"),
            }
        }
        Error::Io(_) => return closed(place),
        Error::Protocol(_) => return foreign(place),
        other => format!("{place} could not be asked: {other}"),
    };
    Hindrance::new(sentence)
}

fn closed(place: &Place) -> Hindrance {
    Hindrance::new(format!(
        "{place} closed the connection; look at its log, and whether PostgreSQL is what runs there"
    ))
}

fn foreign(place: &Place) -> Hindrance {
    Hindrance::new(format!("{place} does not answer as PostgreSQL does; mend `url`"))
}
