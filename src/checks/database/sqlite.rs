//! A query asked of a SQLite file.
//!
//! The file is opened for reading alone and `query_only` is on. SQLite itself bounds a single value to a gigabyte and
//! gives no other bound without unsafe code, so a query that makes up such a value holds it for a moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow, SqliteValueRef};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Error, Row as _, Sqlite, TypeInfo as _};
use sqlx::{Connection as _, ValueRef as _};
use tokio::time::Instant;

use super::rows::Rows;
use crate::checks::blocking;
use crate::checks::probe::{Hindrance, Run};
use crate::checks::readable::Unreadable;

/// About how many steps of its machine SQLite takes between looks at the clock.
const STEPS: i32 = 10_000;

/// Ends a query when what asked it goes.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks the query.
pub(super) async fn ask(run: &Run<'_>, file: &str, query: &str) -> Result<Rows, Hindrance> {
    run.in_time(asked(run, file, query), || "the query did not end".to_owned())
        .await?
}

async fn asked(run: &Run<'_>, file: &str, query: &str) -> Result<Rows, Hindrance> {
    let path = vetted(run, file).await?;
    let left = run.deadline.saturating_duration_since(Instant::now());
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .pragma("query_only", "ON")
        .busy_timeout(left)
        .row_buffer_size(1)
        // A variable in the query may be a secret, and the log is not for those.
        .disable_statement_logging();
    let told = |error: Error| told(run, file, &error);
    let mut connection = options.connect().await.map_err(told)?;
    let gone = Arc::new(AtomicBool::new(false));
    let _ending = Ending(Arc::clone(&gone));
    let until = run.deadline.into_std();
    connection
        .lock_handle()
        .await
        .map_err(told)?
        .set_progress_handler(STEPS, move || {
            !gone.load(Ordering::Relaxed) && std::time::Instant::now() < until
        });
    let started = Instant::now();
    let mut rows = Rows::default();
    let mut answer = sqlx::query(AssertSqlSafe(query))
        .persistent(false)
        .fetch(&mut connection);
    while let Some(row) = answer.try_next().await.map_err(told)? {
        let (cells, bytes) = cells(&row).map_err(told)?;
        rows.push(run, cells, bytes)?;
    }
    drop(answer);
    rows.latency = started.elapsed();
    // The rows are there; that closing fails takes nothing from them.
    let _ = connection.close().await;
    Ok(rows)
}

/// Where the file is, when it is one that checks may read.
async fn vetted(run: &Run<'_>, file: &str) -> Result<PathBuf, Hindrance> {
    let readable = run.guard.readable()?.clone();
    let written = PathBuf::from(file);
    let looking = blocking::work(
        run,
        || format!("the file {file} could not be opened"),
        move |_| {
            let scope = readable.scope();
            scope.open(&written)?;
            Ok(scope.place(&written)?.path)
        },
    );
    looking
        .await?
        .map_err(|unreadable: Unreadable| Hindrance::new(unreadable.to_string()))
}

type Cells = Vec<(String, Value)>;

fn cells(row: &SqliteRow) -> Result<(Cells, usize), Error> {
    let mut bytes = 0;
    let mut cells = Vec::with_capacity(row.len());
    for column in row.columns() {
        let (value, length) = json_of(row.try_get_raw(column.ordinal())?)?;
        bytes += column.name().len() + length;
        cells.push((column.name().to_owned(), value));
    }
    Ok((cells, bytes))
}

/// A value by the type it has, which in SQLite is the value's and not the column's.
fn json_of(value: SqliteValueRef<'_>) -> Result<(Value, usize), Error> {
    if value.is_null() {
        return Ok((Value::Null, 4));
    }
    let kind = value.type_info().name().to_owned();
    let decoded = match kind.as_str() {
        "INTEGER" => <i64 as sqlx::Decode<'_, Sqlite>>::decode(value).map(|whole| (Value::from(whole), 8)),
        "REAL" => <f64 as sqlx::Decode<'_, Sqlite>>::decode(value).map(|number| {
            let json = serde_json::Number::from_f64(number)
                .map_or_else(|| Value::from(number.to_string()), Value::Number);
            (json, 8)
        }),
        "BLOB" => <&[u8] as sqlx::Decode<'_, Sqlite>>::decode(value)
            .map(|blob| (Value::from(format!("{} bytes", blob.len())), blob.len())),
        _ => <&[u8] as sqlx::Decode<'_, Sqlite>>::decode(value).map(|text| {
            (
                Value::from(String::from_utf8_lossy(text).into_owned()),
                text.len(),
            )
        }),
    };
    decoded.map_err(Error::Decode)
}

/// What stood in the way.
fn told(run: &Run<'_>, file: &str, error: &Error) -> Hindrance {
    let Error::Database(error) = error else {
        return Hindrance::new(format!("the file {file} could not be asked: {error}"));
    };
    let code = error
        .code()
        .and_then(|code| code.parse::<i32>().ok())
        .unwrap_or_default();
    // The low byte is the primary result code (SQLite, "Result and Error Codes").
    match code & 0xff {
        5 | 6 => Hindrance::new(format!(
            "the file {file} is locked by another program; try again when that is done"
        )),
        8 => Hindrance::new(format!(
            "the query would write to {file}, and a check only reads ({}); mend `query`",
            error.message()
        )),
        9 => run.out_of_time("the query did not end"),
        11 => Hindrance::new(format!("the file {file} is damaged: {}", error.message())),
        14 => Hindrance::new(format!(
            "the file {file} could not be opened for reading; a database in WAL mode needs its -shm file, or a directory that may be written"
        )),
        26 => Hindrance::new(format!("the file {file} is no SQLite database; mend `url`")),
        _ => Hindrance::new(format!(
            "{file} cannot answer the query: {}; mend `query`",
            error.message()
        )),
    }
}
