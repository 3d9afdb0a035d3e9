//! The `database` probe: one query that reads, asked of PostgreSQL, SQLite or Redis.
//!
//! That a query only reads is held by the database itself: PostgreSQL is asked inside a read-only transaction that is
//! rolled back, SQLite opens the file for reading alone, and Redis is sent `PING` or `INFO` and nothing else. What a
//! query calls is not looked into: a function may do what its user may do, so the user of `url` should be one that may
//! read and no more.

mod postgres;
mod redis;
mod relay;
mod rows;
mod sqlite;
mod statement;
mod tls;

use std::fmt;

use url::Url;

use self::rows::Rows;
use self::statement::Dialect;
use super::observation::Kind;
use super::probe::{Hindrance, Run, Seen};
use super::reach::Place;
use super::template;
use super::variables::Variables;
use crate::domain::check::DatabaseProbe;

/// What a query is observed by.
pub(super) const NAMES: [(&str, Kind); 4] = [
    ("rows", Kind::Anything),
    ("count", Kind::Whole),
    ("value", Kind::Anything),
    ("latency", Kind::Duration),
];

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &DatabaseProbe) -> Vec<String> {
    let server = Server::parse(&probe.url);
    let mut found = Vec::new();
    // What stands before the first variable may already tell which database it is.
    if template::placeholders(&probe.url).is_empty()
        && let Err(sentence) = &server
    {
        found.push(sentence.clone());
    }
    let engine = server
        .ok()
        .map(|server| server.engine())
        .or_else(|| Engine::of(&probe.url));
    if template::placeholders(&probe.query).is_empty()
        && let Some(engine) = engine
        && let Err(sentence) = engine.vet(&probe.query)
    {
        found.push(sentence);
    }
    found
}

/// The texts that may name variables.
pub(super) fn texts(probe: &DatabaseProbe) -> Vec<&str> {
    vec![&probe.url, &probe.query]
}

/// Host and port, when there is one and it can be told.
pub(super) fn host(probe: &DatabaseProbe, variables: &Variables) -> Option<String> {
    match Server::parse(&variables.expand(&probe.url).ok()?).ok()? {
        Server::Postgres(login) | Server::Redis(login) => Some(login.place.to_string()),
        Server::Sqlite(_) => None,
    }
}

/// Asks the query.
pub(super) async fn probe(run: &Run<'_>, probe: &DatabaseProbe) -> Result<Seen, Hindrance> {
    let server = Server::parse(&run.expand(&probe.url)?).map_err(Hindrance::new)?;
    let query = run.expand(&probe.query)?;
    server.engine().vet(&query).map_err(Hindrance::new)?;
    let rows: Rows = match &server {
        Server::Postgres(login) => postgres::ask(run, login, &query).await?,
        Server::Sqlite(file) => sqlite::ask(run, file, &query).await?,
        Server::Redis(login) => redis::ask(run, login, &query).await?,
    };
    Ok(rows.seen(run))
}

/// What kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Postgres,
    Sqlite,
    Redis,
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Server {
    Postgres(Login),
    /// A file.
    Sqlite(String),
    Redis(Login),
}

/// Where a server is and who asks.
#[derive(Clone, PartialEq, Eq)]
struct Login {
    place: Place,
    user: Option<String>,
    password: Option<String>,
    /// What follows the host.
    database: Option<String>,
    encryption: Encryption,
}

/// How a connection is encrypted, as libpq's `sslmode` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Never,
    WhereOffered,
    Always,
    AlwaysVerified,
    AlwaysVerifiedWithName,
}

impl fmt::Debug for Login {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("place", &self.place)
            .field("user", &self.user)
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Told by how a URL begins.
    fn of(url: &str) -> Option<Self> {
        let (scheme, _) = url.trim().split_once(':')?;
        match scheme {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "sqlite" => Some(Self::Sqlite),
            "redis" | "rediss" => Some(Self::Redis),
            _ => None,
        }
    }

    /// Whether a query is one statement that reads, as far as its text tells.
    fn vet(self, query: &str) -> Result<(), String> {
        match self {
            Self::Postgres => statement::vet(query, Dialect::Postgres),
            Self::Sqlite => statement::vet(query, Dialect::Sqlite),
            Self::Redis => redis::Question::parse(query).map(|_| ()),
        }
    }
}

impl Server {
    /// Reads a URL. The sentence of what is wrong with it never repeats it, for a password may stand in it.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let engine = Engine::of(text).ok_or(
            "`url` must begin with postgres://, sqlite:, redis:// or rediss://; write it as in postgres://user@db.example/app",
        )?;
        if engine == Engine::Sqlite {
            let rest = text.trim_start_matches("sqlite:");
            let file = rest.strip_prefix("//").unwrap_or(rest);
            let file = file.split_once('?').map_or(file, |(file, _)| file);
            return if file.is_empty() || file == ":memory:" {
                Err("`url` names no file; write it as in sqlite:data/app.db".to_owned())
            } else {
                Ok(Self::Sqlite(file.to_owned()))
            };
        }
        let login = Login::parse(text, engine)?;
        Ok(match engine {
            Engine::Redis => Self::Redis(login),
            _ => Self::Postgres(login),
        })
    }

    fn engine(&self) -> Engine {
        match self {
            Self::Postgres(_) => Engine::Postgres,
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Redis(_) => Engine::Redis,
        }
    }
}

impl Login {
    fn parse(text: &str, engine: Engine) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| {
            format!("`url` is not a URL ({error}); characters of a password such as @ and / are written %40 and %2F")
        })?;
        let host = url
            .host_str()
            .map(decoded)
            .filter(|host| !host.is_empty() && !host.starts_with('/'))
            .ok_or("`url` names no host; write it as in postgres://user@db.example/app")?;
        let (usual_port, usual_encryption) = match (engine, url.scheme()) {
            (Engine::Redis, "rediss") => (6379, Encryption::AlwaysVerifiedWithName),
            (Engine::Redis, _) => (6379, Encryption::Never),
            _ => (5432, Encryption::WhereOffered),
        };
        let mut encryption = usual_encryption;
        if engine == Engine::Postgres
            && let Some((_, mode)) = url.query_pairs().find(|(name, _)| name == "sslmode")
        {
            encryption = match &*mode {
                "disable" => Encryption::Never,
                "allow" | "prefer" => Encryption::WhereOffered,
                "require" => Encryption::Always,
                "verify-ca" => Encryption::AlwaysVerified,
                "verify-full" => Encryption::AlwaysVerifiedWithName,
                _ => {
                    return Err(
                        "`sslmode` in `url` must be disable, prefer, require, verify-ca or verify-full"
                            .to_owned(),
                    );
                }
            };
        }
        let said = |text: &str| (!text.is_empty()).then(|| decoded(text));
        Ok(Self {
            place: Place {
                host: host.trim_matches(['[', ']']).to_owned(),
                port: url.port().unwrap_or(usual_port),
            },
            user: said(url.username()),
            password: url.password().and_then(said),
            database: said(url.path().trim_start_matches('/')),
            encryption,
        })
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
