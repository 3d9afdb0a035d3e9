//! The `file` probe: whether files are there, how large and how old they are, and what stands in them.

mod find;
mod yaml;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::find::{Match, Pattern, Tally, Trouble};
use super::blocking::{self, Ended, Until};
use super::condition::Compiled;
use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::readable::{Scope, Unreadable};
use super::{judge, template, written};
use crate::domain::check::{FileFormat, FileProbe};

/// What files are observed by. Where several match, all but `exists` and `count` are of the newest.
pub(super) const NAMES: [(&str, Kind); 8] = [
    ("exists", Kind::Truth),
    ("count", Kind::Whole),
    ("path", Kind::Text),
    ("size", Kind::Whole),
    ("age", Kind::Duration),
    ("sha256", Kind::Text),
    ("text", Kind::Text),
    ("content", Kind::Anything),
];

/// The most characters of a text that are kept as evidence.
const EVIDENCE: usize = 300;
/// The most entries of directories that are looked at for one glob.
const MOST_ENTRIES: usize = 100_000;
/// How many bytes are read at once.
const CHUNK: usize = 64 << 10;

/// What is wrong with the parameters, as far as can be told beforehand.
pub(super) fn flaws(probe: &FileProbe) -> Vec<String> {
    let has_variables = texts(probe)
        .into_iter()
        .any(|text| !template::placeholders(text).is_empty());
    if has_variables {
        return Vec::new();
    }
    if !probe.exclude.is_empty() && !find::is_glob(&probe.path) {
        return vec![
            "`exclude` takes files away from a glob, and `path` is none; leave `exclude` out, or write `path` as in backups/*.sql.gz"
                .to_owned(),
        ];
    }
    Pattern::parse(&probe.path, &probe.exclude)
        .err()
        .into_iter()
        .collect()
}

/// The texts that may name variables.
pub(super) fn texts(probe: &FileProbe) -> Vec<&str> {
    std::iter::once(&probe.path)
        .chain(&probe.exclude)
        .map(String::as_str)
        .collect()
}

/// What of the newest file the condition asks for: it is read for that alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    digest: Wanted,
    content: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Yes,
    No,
}

impl Asked {
    /// What a condition looks at.
    pub(super) fn by(condition: Option<&Compiled>) -> Self {
        let wanted = |names: &[&str]| {
            let looked_at =
                condition.is_some_and(|condition| names.iter().any(|name| judge::looks_at(condition, name)));
            if looked_at { Wanted::Yes } else { Wanted::No }
        };
        Self {
            digest: wanted(&["sha256"]),
            content: wanted(&["text", "content"]),
        }
    }
}

/// Looks at the files.
pub(super) async fn probe(run: &Run<'_>, probe: &FileProbe, asked: Asked) -> Result<Seen, Hindrance> {
    let path = run.expand(&probe.path)?.into_owned();
    let exclude = run.expand_all(&probe.exclude)?;
    let readable = run.guard.readable()?.clone();
    let limit = run.limits.body_bytes;
    let looking = blocking::work(run, || format!("{path} was not looked through to the end"), {
        let path = path.clone();
        move |until| look(&readable.scope(), &path, &exclude, asked, limit, until)
    });
    let looked = looking.await?.map_err(|trouble| match trouble {
        Stopped::Ended => run.out_of_time(&format!("{path} was not looked through to the end")),
        Stopped::NotAGlob(sentence) => Hindrance::new(sentence),
        Stopped::TooMany => Hindrance::new(format!(
            "more than {MOST_ENTRIES} files and directories stand where {path} may match; write a narrower path"
        )),
        Stopped::Unreadable(unreadable) => Hindrance::new(unreadable.to_string()),
    })?;
    Ok(seen(run, probe, &path, looked))
}

/// What was seen of the files.
struct Looked {
    tally: Tally,
    sha256: Option<Result<String, String>>,
    text: Option<Result<String, String>>,
}

enum Stopped {
    Ended,
    NotAGlob(String),
    TooMany,
    Unreadable(Unreadable),
}

impl From<Ended> for Stopped {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Ended => Self::Ended,
            Trouble::TooMany => Self::TooMany,
            Trouble::Unreadable(unreadable) => Self::Unreadable(unreadable),
        }
    }
}

/// Blocks.
fn look(
    scope: &Scope,
    path: &str,
    exclude: &[String],
    asked: Asked,
    limit: usize,
    until: &Until,
) -> Result<Looked, Stopped> {
    // A file whose name has brackets in it (`[id].tsx`) is that file.
    let itself = match find::one(scope, Path::new(path)) {
        Err(Trouble::Unreadable(unreadable))
            if find::is_glob(path) && !matches!(unreadable, Unreadable::Secret(_)) =>
        {
            Tally::default()
        }
        itself => itself?,
    };
    let tally = if itself.count == 0 && find::is_glob(path) {
        Pattern::parse(path, exclude)
            .map_err(Stopped::NotAGlob)?
            .find(scope, until, MOST_ENTRIES)?
    } else {
        itself
    };
    let mut looked = Looked {
        tally,
        sha256: None,
        text: None,
    };
    let Some(newest) = looked.tally.newest.as_ref() else {
        return Ok(looked);
    };
    let named = newest.path.display();
    if let Some(what) = newest.kind {
        let none = || Some(Err(format!("{named} is {what}")));
        (looked.sha256, looked.text) = (none(), none());
        return Ok(looked);
    }
    if asked.digest == Wanted::Yes {
        let (file, _) = scope.open(&newest.path).map_err(Stopped::Unreadable)?;
        looked.sha256 = Some(Ok(digest(file, &newest.path, until)?));
    }
    if asked.content == Wanted::Yes {
        // A link by another name leads to the same values.
        let leads_to = scope.place(&newest.path).map_err(Stopped::Unreadable)?.path;
        looked.text = Some(if is_of_variables(&newest.path) || is_of_variables(&leads_to) {
            Err(format!(
                "{named} holds values that are not for showing; look at it with `env`"
            ))
        } else if newest.size > limit as u64 {
            Err(too_large(newest, limit))
        } else {
            text(scope, newest, limit)?
        });
    }
    Ok(looked)
}

/// Whether a file is one of environment variables, which `env` looks at without ever showing a value. The template
/// that is checked in beside it holds none.
fn is_of_variables(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let is_template = ["example", "sample", "template", "dist"]
        .iter()
        .any(|ending| name.ends_with(&format!(".{ending}")));
    let is_env = name == ".env"
        || name.starts_with(".env.")
        || Path::new(&name).extension().is_some_and(|ending| ending == "env");
    is_env && !is_template
}

fn too_large(newest: &Match, limit: usize) -> String {
    format!(
        "{} is larger than {}, and no more is read; the operator can raise checks.body_limit_bytes",
        newest.path.display(),
        written::bytes(limit as u64)
    )
}

fn digest(mut file: std::fs::File, path: &Path, until: &Until) -> Result<String, Stopped> {
    let mut sha256 = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        until.go_on()?;
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => sha256.update(&chunk[..length]),
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(Stopped::Unreadable(Unreadable::of(path, &fault))),
        }
    }
    let mut digits = String::with_capacity(64);
    for byte in sha256.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Ok(digits)
}

/// The text of a file, or why there is none.
fn text(scope: &Scope, newest: &Match, limit: usize) -> Result<Result<String, String>, Stopped> {
    let (file, _) = scope.open(&newest.path).map_err(Stopped::Unreadable)?;
    let mut read = Vec::new();
    // A file can have grown since its size was told.
    file.take(limit as u64 + 1)
        .read_to_end(&mut read)
        .map_err(|fault| Stopped::Unreadable(Unreadable::of(&newest.path, &fault)))?;
    if read.len() > limit {
        return Ok(Err(too_large(newest, limit)));
    }
    Ok(match String::from_utf8(read) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(_) => Err(format!("{} is not text in UTF-8", newest.path.display())),
    })
}

fn seen(run: &Run<'_>, probe: &FileProbe, path: &str, looked: Looked) -> Seen {
    let Looked { tally, sha256, text } = looked;
    let is_glob = tally
        .newest
        .as_ref()
        .map_or_else(|| find::is_glob(path), |newest| newest.path != Path::new(path));
    let nothing = if is_glob {
        format!("no file matches {path}")
    } else {
        format!("{path} is not there")
    };
    let none = |name: &str| Observed::Nothing(format!("there is no {name}: {nothing}"));
    let holds = tally.count > 0;
    let count = i64::try_from(tally.count).unwrap_or(i64::MAX);
    let mut evidence = BTreeMap::from([
        ("exists".to_owned(), json!(holds)),
        ("count".to_owned(), json!(count)),
    ]);
    if tally.out_of_bounds > 0 {
        evidence.insert("out_of_bounds".to_owned(), json!(tally.out_of_bounds));
    }
    let observation = Observation::default()
        .with("exists", Observed::Truth(holds))
        .with("count", Observed::Whole(count));
    let Some(newest) = tally.newest else {
        let observation = NAMES[2..].iter().fold(observation, |observation, (name, _)| {
            observation.with(*name, none(name))
        });
        return Seen {
            observation,
            evidence,
            holds,
            why: format!(
                "{nothing}, expected {}",
                if is_glob { "at least one" } else { "it to be" }
            ),
        };
    };

    let name = newest.path.display().to_string();
    let age = newest.modified.map(|modified| age(modified, run.now));
    let size = match newest.kind {
        None => Observed::Whole(i64::try_from(newest.size).unwrap_or(i64::MAX)),
        Some(what) => Observed::Nothing(format!("there is no size: {name} is {what}")),
    };
    evidence.insert("path".to_owned(), json!(name));
    if let Observed::Whole(size) = size {
        evidence.insert("size".to_owned(), json!(size));
    }
    if let Some(modified) = newest.modified {
        // To the second, as people compare it with what `ls` says.
        let seconds = Timestamp::from_second(modified.as_second()).unwrap_or(modified);
        evidence.insert("modified".to_owned(), json!(seconds.to_string()));
    }
    if let Some(Ok(digits)) = &sha256 {
        evidence.insert("sha256".to_owned(), json!(digits));
    }
    if let Some(Ok(text)) = &text {
        evidence.insert(
            "text".to_owned(),
            Value::from(run.redactor.beginning(text.trim_end(), EVIDENCE)),
        );
    }

    let or_why = |name: &str, observed: Option<Result<String, String>>| match observed {
        Some(Ok(text)) => Observed::Text(text),
        Some(Err(why)) => Observed::Nothing(format!("there is no {name}: {why}")),
        None => Observed::Nothing(format!("there is no {name}: it was not asked for")),
    };
    let content = match text.clone() {
        Some(Ok(text)) => match parsed(&text, probe.format, &newest.path) {
            Ok(value) => Observed::Json(value),
            Err(why) => Observed::Nothing(format!("there is no content: {name} {why}")),
        },
        other => or_why("content", other),
    };
    let how_large = match newest.kind {
        None => written::bytes(newest.size),
        Some(what) => what.to_owned(),
    };
    let how_old = age.map_or_else(String::new, |age| {
        format!(", modified {} ago", written::duration(rounded(age)))
    });
    let why = match (is_glob, tally.count) {
        (false, _) => format!("{name} is there: {how_large}{how_old}"),
        (true, 1) => format!("{name} alone matches {path}: {how_large}{how_old}"),
        (true, count) => {
            format!("{count} files match {path}, of which {name} is the newest: {how_large}{how_old}")
        }
    };
    let observation = observation
        .with("path", Observed::Text(name))
        .with("size", size)
        .with(
            "age",
            age.map_or_else(
                || Observed::Nothing("there is no age: the file system does not say".to_owned()),
                Observed::Duration,
            ),
        )
        .with("sha256", or_why("sha256", sha256))
        .with("text", or_why("text", text))
        .with("content", content);
    Seen {
        observation,
        evidence,
        holds,
        why,
    }
}

/// How long ago that was. What was modified in the future, by another machine's clock, is as new as can be.
fn age(modified: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(modified)).unwrap_or(Duration::ZERO)
}

/// Without the fractions of a second that mean nothing to an age.
fn rounded(age: Duration) -> Duration {
    if age < Duration::from_secs(10) {
        age
    } else {
        Duration::from_secs(age.as_secs())
    }
}

/// What stands in a text, or why it does not say: a clause with the file's name left off.
fn parsed(text: &str, format: Option<FileFormat>, path: &Path) -> Result<Value, String> {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    let by_ending = match ending.as_deref() {
        Some("json") => Some(FileFormat::Json),
        Some("toml") => Some(FileFormat::Toml),
        Some("yaml" | "yml") => Some(FileFormat::Yaml),
        _ => None,
    };
    let Some(format) = format.or(by_ending) else {
        return Err("does not end in .json, .toml or .yaml; say `format`, or use `text`".to_owned());
    };
    // Of an error, only the place is told: its words may quote what stands there.
    match format {
        FileFormat::Json => serde_json::from_str(text).map_err(|error| {
            format!(
                "is not JSON: it goes wrong in line {}, column {}",
                error.line(),
                error.column()
            )
        }),
        FileFormat::Toml => text.parse::<toml::Table>().map(from_toml_table).map_err(|error| {
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            format!(
                "is not TOML: it goes wrong in line {}",
                before.matches('\n').count() + 1
            )
        }),
        FileFormat::Yaml => yaml::read(text).map_err(|clause| format!("is not YAML: {clause}")),
    }
}

fn from_toml_table(table: toml::Table) -> Value {
    table
        .into_iter()
        .map(|(key, value)| (key, from_toml(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => from_toml_table(table),
    }
}
