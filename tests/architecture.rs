//! Holds the sources to the import table of `ARCHITECTURE.md`: who may import whom, and who may name which crate.

#![expect(clippy::expect_used, reason = "a test may panic, in its helpers too")]

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

/// What a module may import of ours. A module that is not here must be given a row before it is written.
const IMPORTS: &[(&str, May)] = &[
    ("clock", May::Import(&[])),
    ("config", May::Import(&[])),
    ("telemetry", May::Import(&[])),
    ("domain", May::Import(&[])),
    ("markdown", May::Import(&["domain"])),
    ("checks", May::Import(&["domain", "clock"])),
    ("store", May::Import(&["domain"])),
    // It writes the document filled in, which is `markdown`'s to write.
    ("report", May::Import(&["domain", "markdown", "store"])),
    (
        "engine",
        May::Import(&["domain", "markdown", "checks", "store", "clock"]),
    ),
    // It posts the report as a file.
    ("discord", May::Import(&["domain", "engine", "report"])),
    ("http", May::Import(&["domain", "engine", "report", "telemetry"])),
    ("app", May::ImportEverything),
    ("cli", May::ImportEverything),
];

/// Where a crate may be named: a change of it should be felt in one room only.
const CRATES: &[(&str, &[&str])] = &[
    // `checks::database` probes other people's databases.
    ("sqlx", &["store", "checks::database"]),
    ("serenity", &["discord"]),
    // The trial's demo service is a web service too, and no part of the bot.
    ("axum", &["http", "app::trial::demo"]),
    // Checks send requests over connections of their own, and a server that waits for a head no longer than so long is
    // more than axum makes.
    ("hyper", &["checks", "http::server"]),
    // `discord` builds serenity's HTTP client with time-outs and, on loopback, a proxy; serenity
    // takes it as a reqwest client.
    ("reqwest", &["discord"]),
    // Checks look at certificates and ask DNS.
    ("tokio_rustls", &["checks"]),
    ("webpki_roots", &["checks::tls"]),
    ("x509_parser", &["checks::tls"]),
    ("hickory_proto", &["checks"]),
    ("pulldown_cmark", &["markdown"]),
    ("discord_stand_in", &["app"]),
];

/// The modules that decide and read: the same input gives the same output, so they reach for nothing.
const PURE: &[&str] = &["domain", "markdown"];

/// What reaches out or waits. The time is an argument too; `clippy.toml` sees to that.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "tokio_util",
    "futures_util",
    "tracing",
    "metrics",
];

enum May {
    Import(&'static [&'static str]),
    ImportEverything,
}

#[derive(Debug, PartialEq, Eq)]
struct Violation {
    file: PathBuf,
    line: usize,
    what: String,
}

#[test]
fn every_module_imports_only_what_it_may() {
    let violations: Vec<Violation> = our_sources()
        .iter()
        .flat_map(|(path, text)| violations(path, text))
        .collect();
    let list: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(
        violations.is_empty(),
        "the import table is broken:\n{}",
        list.join("\n")
    );
}

#[test]
fn every_metric_that_is_recorded_is_described() {
    let described: BTreeSet<&str> = holdpoint::telemetry::METRICS
        .iter()
        .map(|metric| metric.name)
        .collect();
    for (path, text) in our_sources() {
        for macro_name in ["counter!(", "gauge!(", "histogram!("] {
            for (start, _) in text.match_indices(macro_name) {
                let argument = text[start + macro_name.len()..].trim_start();
                let Some(name) = argument.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                assert!(
                    described.contains(name),
                    "{} records {name}, which telemetry.rs does not describe",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_stand_in_names_nothing_of_holdpoint() {
    let root = root().join("crates/discord-stand-in");
    let mut files = vec![root.join("Cargo.toml")];
    for directory in ["src", "page"] {
        files_below(&root.join(directory), &mut files);
    }
    for file in files {
        let bytes = fs::read(&file).expect("a file of the repository can be read");
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("holdpoint"), "{} names Holdpoint", file.display());
    }
}

#[test]
fn the_table_bites() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "src/domain/decide.rs",
            "use crate::store::Store;",
            &["domain may not import store"],
        ),
        (
            "src/store/commit.rs",
            "use crate::{domain::ids, engine};",
            &["store may not import engine"],
        ),
        (
            "src/store/commit.rs",
            "use crate::{domain::{ids, event::{self, Event}}, report};",
            &["store may not import report"],
        ),
        (
            "src/clock.rs",
            "fn f() { super::telemetry::start() }",
            &["clock may not import telemetry"],
        ),
        (
            "src/store/mod.rs",
            "mod rows { use super::super::discord::X; }",
            &["store may not import discord"],
        ),
        (
            "src/engine/mod.rs",
            "fn f() { sqlx::query!(\"SELECT 1\"); }",
            &["engine may not name sqlx"],
        ),
        (
            "src/engine/mod.rs",
            "use ::serenity::all::*;",
            &["engine may not name serenity"],
        ),
        (
            "src/engine/mod.rs",
            "#[sqlx(transparent)] struct X;",
            &["engine may not name sqlx"],
        ),
        (
            "src/checks/http.rs",
            "use sqlx::query;",
            &["checks::http may not name sqlx"],
        ),
        (
            "src/app/serve.rs",
            "use axum as web;",
            &["app::serve may not name axum"],
        ),
        (
            "src/domain/view.rs",
            "use std::{fmt, fs::File};",
            &["domain is pure and may not name std::fs"],
        ),
        (
            "src/domain/view.rs",
            "pub async fn f() {}",
            &["domain is pure and may not be async"],
        ),
        ("src/rooms.rs", "", &["rooms has no row in the import table"]),
    ];
    for (path, text, expected) in cases {
        let found: Vec<String> = violations(Path::new(path), text)
            .into_iter()
            .map(|violation| violation.what)
            .collect();
        assert_eq!(&found, expected, "{path}: {text}");
    }
}

#[test]
fn the_table_lets_pass_what_is_no_import() {
    let cases = [
        (
            "src/domain/mod.rs",
            "// crate::store::X\n/* crate::store /* nested */ crate::engine::Y */ pub mod ids;",
        ),
        (
            "src/domain/mod.rs",
            "const T: &str = \"crate::store::X\"; const R: &str = r#\"say \" crate::engine::Y\"#;",
        ),
        (
            "src/domain/mod.rs",
            "const QUOTE: char = '\"'; fn f<'a>(x: &'a str) { crate::domain::ids::g(x) } // \"",
        ),
        (
            "src/domain/event.rs",
            "use super::ids::ItemId; mod tests { use super::super::checklist::Item; use super::*; }",
        ),
        (
            "src/domain/event.rs",
            "pub(crate) fn store() { let engine = self::f(); engine.discord::<u8>() }",
        ),
        ("src/checks/database.rs", "use sqlx::Connection;"),
        (
            "src/discord/gateway.rs",
            "use {crate::engine::Engine, serenity::all::Client, reqwest::Proxy};",
        ),
        ("src/app.rs", "use crate::{config, discord, store};"),
        ("src/discord/render/tests/stage.rs", "use crate::markdown::parse;"),
    ];
    for (path, text) in cases {
        assert_eq!(violations(Path::new(path), text), [], "{path}: {text}");
    }
}

fn violations(file: &Path, text: &str) -> Vec<Violation> {
    let Some(module) = module_of(file) else {
        return Vec::new();
    };
    let Some(room) = module.first() else {
        return Vec::new();
    };
    // Tests stand beside what they test, and may build what it is given from anywhere.
    if module.iter().any(|part| part == "tests") {
        return Vec::new();
    }
    let violation = |line, what| Violation {
        file: file.to_owned(),
        line,
        what,
    };
    let Some((_, may)) = IMPORTS.iter().find(|(name, _)| name == room) else {
        return vec![violation(1, format!("{room} has no row in the import table"))];
    };
    let mut found = Vec::new();
    let source = Source::read(text);
    for (line, path) in source.paths(&module) {
        match path {
            Named::Ours(imported) => {
                let allowed = match may {
                    May::Import(rooms) => rooms.contains(&imported.as_str()),
                    May::ImportEverything => true,
                };
                let is_room = IMPORTS.iter().any(|(name, _)| *name == imported);
                if is_room && imported != *room && !allowed {
                    found.push(violation(line, format!("{room} may not import {imported}")));
                }
            }
            Named::Other(path) => {
                let name = path.split("::").next().unwrap_or_default();
                let here = module.join("::");
                if let Some((_, places)) = CRATES.iter().find(|(crate_name, _)| *crate_name == name)
                    && !places.iter().any(|place| is_within(&here, place))
                {
                    found.push(violation(line, format!("{here} may not name {name}")));
                }
                if PURE.contains(&room.as_str())
                    && let Some(impure) = IMPURE.iter().find(|impure| is_within(&path, impure))
                {
                    found.push(violation(
                        line,
                        format!("{room} is pure and may not name {impure}"),
                    ));
                }
            }
        }
    }
    if PURE.contains(&room.as_str())
        && let Some(token) = source.tokens.iter().find(|token| token.text == "async")
    {
        found.push(violation(
            token.line,
            format!("{room} is pure and may not be async"),
        ));
    }
    found
}

/// Whether a path is another or lies below it.
fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `src/store/commit.rs` is `store::commit`. The roots of the library and of the program have no module.
fn module_of(file: &Path) -> Option<Vec<String>> {
    let inside = file.strip_prefix("src").ok()?.with_extension("");
    let mut module: Vec<String> = inside
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    match module.as_slice() {
        [only] if only == "lib" || only == "main" => None,
        _ => Some(module),
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn our_sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    files_below(&root().join("src"), &mut files);
    let sources: Vec<(PathBuf, String)> = files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a source can be read");
            let path = file
                .strip_prefix(root())
                .expect("it lies below the root")
                .to_owned();
            (path, text)
        })
        .collect();
    assert!(!sources.is_empty(), "no sources were found");
    sources
}

fn files_below(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a directory can be listed").path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// A path that a source names: the first module below our root, or the whole of any other.
enum Named {
    Ours(String),
    Other(String),
}

struct Token {
    text: String,
    line: usize,
}

/// The tokens of a source, without comments and literals, as far as paths need them: words, `::` and single signs.
struct Source {
    tokens: Vec<Token>,
}

impl Source {
    fn read(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let at = |index: usize| letters.get(index).copied().unwrap_or('\0');
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let mut tokens = Vec::new();
        let (mut index, mut line) = (0, 1);
        while index < letters.len() {
            let start = index;
            let letter = at(index);
            index = match letter {
                '/' if at(index + 1) == '/' => (index..letters.len())
                    .find(|end| at(*end) == '\n')
                    .unwrap_or(letters.len()),
                '/' if at(index + 1) == '*' => end_of_comment(&letters, index),
                '"' => end_of_text(&letters, index + 1),
                'r' | 'b' if raw_text(&letters, index).is_some() => {
                    raw_text(&letters, index).unwrap_or(letters.len())
                }
                '\'' if at(index + 1) == '\\' => {
                    (index + 3..letters.len())
                        .find(|end| at(*end) == '\'')
                        .unwrap_or(letters.len() - 1)
                        + 1
                }
                '\'' if at(index + 2) == '\'' => index + 3,
                _ if is_word(letter) => {
                    let end = (index..letters.len())
                        .find(|end| !is_word(at(*end)))
                        .unwrap_or(letters.len());
                    let text: String = letters[index..end].iter().collect();
                    // A lifetime is no path.
                    if start == 0 || at(start - 1) != '\'' {
                        tokens.push(Token { text, line });
                    }
                    end
                }
                ':' if at(index + 1) == ':' => {
                    tokens.push(Token {
                        text: "::".to_owned(),
                        line,
                    });
                    index + 2
                }
                _ => {
                    if !letter.is_whitespace() {
                        tokens.push(Token {
                            text: letter.to_string(),
                            line,
                        });
                    }
                    index + 1
                }
            };
            line += letters[start..index.min(letters.len())]
                .iter()
                .filter(|letter| **letter == '\n')
                .count();
        }
        Self { tokens }
    }

    fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.text.as_str())
    }

    /// Every path that begins in this source, with its line; `module` is where the source stands.
    fn paths(&self, module: &[String]) -> Vec<(usize, Named)> {
        let mut found = Vec::new();
        let mut here = module.to_vec();
        let mut inline = Vec::new();
        let mut depth = 0_usize;
        let mut index = 0;
        while index < self.tokens.len() {
            let line = self.tokens[index].line;
            match self.text(index) {
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        here.pop();
                    }
                }
                "mod" if self.text(index + 2) == "{" => {
                    here.push(self.text(index + 1).to_owned());
                    inline.push(depth);
                    index += 1;
                }
                "use" => {
                    let mut paths = Vec::new();
                    let start = if self.text(index + 1) == "::" {
                        index + 2
                    } else {
                        index + 1
                    };
                    index = self.use_tree(start, &[], &mut paths);
                    found.extend(
                        paths
                            .iter()
                            .filter_map(|path| Some((line, resolve(path, &here)?))),
                    );
                    continue;
                }
                _ if self.begins_a_path(index) => {
                    let mut path = vec![self.text(index).to_owned()];
                    while self.text(index + 1) == "::" && is_name(self.text(index + 2)) {
                        path.push(self.text(index + 2).to_owned());
                        index += 2;
                    }
                    found.extend(resolve(&path, &here).map(|named| (line, named)));
                }
                _ => {}
            }
            index += 1;
        }
        found
    }

    /// A name with `::` behind it and none of a longer path before it, or the name of an attribute.
    fn begins_a_path(&self, index: usize) -> bool {
        let before = |distance: usize| index.checked_sub(distance).map_or("", |index| self.text(index));
        let attribute = before(1) == "[" && (before(2) == "#" || before(2) == "!");
        let absolute = before(1) == "::" && !is_name(before(2)) && before(2) != ">";
        let first = before(1) != "::" && before(1) != ".";
        is_name(self.text(index)) && ((self.text(index + 1) == "::" && (first || absolute)) || attribute)
    }

    /// Reads one branch of a `use`, adds the paths at its leaves and answers where it ends.
    fn use_tree(&self, mut index: usize, above: &[String], paths: &mut Vec<Vec<String>>) -> usize {
        let mut path = above.to_vec();
        loop {
            match self.text(index) {
                "{" => {
                    index += 1;
                    while !matches!(self.text(index), "}" | "") {
                        let branch = if self.text(index) == "::" {
                            index + 1
                        } else {
                            index
                        };
                        index = self.use_tree(branch, &path, paths);
                        if self.text(index) == "," {
                            index += 1;
                        }
                    }
                    return index + 1;
                }
                "::" => index += 1,
                "as" => index += 2,
                name if is_name(name) => {
                    path.push(name.to_owned());
                    index += 1;
                }
                "*" => index += 1,
                _ => {
                    paths.push(path);
                    return index;
                }
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

/// What a path means where it stands; nothing when it stays inside the module.
fn resolve(path: &[String], here: &[String]) -> Option<Named> {
    let first = path.first()?;
    match first.as_str() {
        "crate" => path.get(1).cloned().map(Named::Ours),
        "self" => None,
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            let mut target: Vec<String> = here.iter().take(here.len().saturating_sub(up)).cloned().collect();
            target.extend(path.iter().skip(up).cloned());
            target.into_iter().next().map(Named::Ours)
        }
        _ => Some(Named::Other(path.join("::"))),
    }
}

/// Comments nest.
fn end_of_comment(letters: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut index = start;
    while index < letters.len() {
        match (letters[index], letters.get(index + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                index += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                index += 2;
                if depth == 0 {
                    return index;
                }
            }
            _ => index += 1,
        }
    }
    index
}

fn end_of_text(letters: &[char], start: usize) -> usize {
    let mut index = start;
    while index < letters.len() {
        match letters[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    index
}

/// Where `r"…"`, `r#"…"#` or their byte forms end, if one begins here.
fn raw_text(letters: &[char], start: usize) -> Option<usize> {
    let within_a_word = start
        .checked_sub(1)
        .is_some_and(|before| letters[before].is_alphanumeric() || letters[before] == '_');
    let mut index = start + usize::from(letters[start] == 'b');
    if within_a_word || letters.get(index) != Some(&'r') {
        return None;
    }
    index += 1;
    let hashes = letters
        .iter()
        .skip(index)
        .take_while(|letter| **letter == '#')
        .count();
    index += hashes;
    if letters.get(index) != Some(&'"') {
        return None;
    }
    index += 1;
    while index < letters.len() {
        let closed = letters[index] == '"'
            && letters
                .iter()
                .skip(index + 1)
                .take_while(|letter| **letter == '#')
                .count()
                >= hashes;
        index += 1;
        if closed {
            return Some(index + hashes);
        }
    }
    Some(index)
}
