use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::domain::check::{FileFormat, FileProbe};

/// A tree that begins empty, with its own idea of what time it is.
struct Tree {
    directory: tempfile::TempDir,
    now: Timestamp,
}

impl Tree {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            now: "2001-03-01T12:00:00Z".parse().expect("a time"),
        }
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file that was modified so long ago.
    fn write(&self, name: &str, content: &[u8], ago: SignedDuration) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("the directory is made");
        std::fs::write(&path, content).expect("the file is written");
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified((self.now - ago).into()))
            .expect("the time is set");
    }

    fn probe(&self, path: &str) -> FileProbe {
        FileProbe {
            path: self.root().join(path).display().to_string(),
            ..FileProbe::default()
        }
    }

    async fn run(&self, probe: FileProbe, pass: Option<&str>) -> CheckResult {
        let checker = checks_at(self.now, |settings, limits| {
            settings.readable = vec![self.root().to_owned()];
            settings.secret_files = vec![self.root().join("holdpoint.db")];
            limits.body_bytes = 1000;
        });
        checker
            .run(&check(Probe::File(probe), pass), &Variables::new())
            .await
    }

    async fn told(&self, path: &str, pass: Option<&str>) -> String {
        let result = self.run(self.probe(path), pass).await;
        told(&result).replace(&format!("{}/", self.root().display()), "")
    }
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn a_file_is_there_or_not() {
    let tree = Tree::new();
    tree.write("docs/RUNBOOK.md", b"# Runbook\n", HOUR * 50);
    let mut table = String::new();
    for path in [
        "docs/RUNBOOK.md",
        "docs",
        "docs/no.md",
        "no/such/place",
        "docs/RUNBOOK.md/x",
    ] {
        for pass in [
            None,
            Some("exists"),
            Some("!exists"),
            Some("size > 9 && age < duration('24h')"),
        ] {
            table.extend([format!(
                "{path}, pass {pass:?}\n  {}\n",
                tree.told(path, pass).await
            )]);
        }
    }
    assert_snapshot!(table, @r#"
    docs/RUNBOOK.md, pass None
      Passed: docs/RUNBOOK.md is there: 10 bytes, modified 50 h ago
    docs/RUNBOOK.md, pass Some("exists")
      Passed: exists is true
    docs/RUNBOOK.md, pass Some("!exists")
      Failed: exists is true, expected false
    docs/RUNBOOK.md, pass Some("size > 9 && age < duration('24h')")
      Failed: age is 50 h, expected less than 24 h
    docs, pass None
      Passed: docs is there: a directory, modified 0 ms ago
    docs, pass Some("exists")
      Passed: exists is true
    docs, pass Some("!exists")
      Failed: exists is true, expected false
    docs, pass Some("size > 9 && age < duration('24h')")
      Failed: there is no size: docs is a directory
    docs/no.md, pass None
      Failed: docs/no.md is not there, expected it to be
    docs/no.md, pass Some("exists")
      Failed: exists is false, expected true
    docs/no.md, pass Some("!exists")
      Passed: exists is false
    docs/no.md, pass Some("size > 9 && age < duration('24h')")
      Failed: there is no size: docs/no.md is not there
    no/such/place, pass None
      Failed: no/such/place is not there, expected it to be
    no/such/place, pass Some("exists")
      Failed: exists is false, expected true
    no/such/place, pass Some("!exists")
      Passed: exists is false
    no/such/place, pass Some("size > 9 && age < duration('24h')")
      Failed: there is no size: no/such/place is not there
    docs/RUNBOOK.md/x, pass None
      Failed: docs/RUNBOOK.md/x is not there, expected it to be
    docs/RUNBOOK.md/x, pass Some("exists")
      Failed: exists is false, expected true
    docs/RUNBOOK.md/x, pass Some("!exists")
      Passed: exists is false
    docs/RUNBOOK.md/x, pass Some("size > 9 && age < duration('24h')")
      Failed: there is no size: docs/RUNBOOK.md/x is not there
    "#);
    let result = tree.run(tree.probe("docs/RUNBOOK.md"), None).await;
    let mut observed = serde_json::to_value(&result.observed).expect("JSON");
    observed["path"] = json!("");
    assert_eq!(
        observed,
        json!({
            "exists": true,
            "count": 1,
            "path": "",
            "size": 10,
            "modified": "2001-02-27T10:00:00Z",
        })
    );
}

#[tokio::test]
async fn of_several_the_newest_is_told() {
    let tree = Tree::new();
    tree.write("backups/a.sql.gz", &[0; 5000], HOUR * 30);
    tree.write("backups/b.sql.gz", &[0; 2048], HOUR * 3);
    tree.write("backups/c.sql.gz", &[0; 10], HOUR * 90);
    tree.write("backups/d.sql.gz.part", b"", HOUR);
    tree.write("backups/.hidden.sql.gz", b"", HOUR);
    tree.write("backups/deep/er/e.sql.gz", b"x", HOUR * 2);
    tree.write("backups/directory.sql.gz/f", b"", HOUR);
    let mut table = String::new();
    for path in [
        "backups/*.sql.gz",
        "backups/[ac].sql.*",
        "backups/{a,c}.sql.gz",
        "backups/?.sql.gz*",
        "backups/**/*.sql.gz",
        "backups/**",
        "*/b.sql.gz",
        "**/er/*.gz",
        "backups/.*.gz",
        "backups/*.zip",
        "nowhere/**/*.gz",
        "b*/no/*",
    ] {
        table.extend([format!("{path}\n  {}\n", tree.told(path, None).await)]);
    }
    assert_snapshot!(table, @"
    backups/*.sql.gz
      Passed: 3 files match backups/*.sql.gz, of which backups/b.sql.gz is the newest: 2 KiB, modified 3 h ago
    backups/[ac].sql.*
      Passed: 2 files match backups/[ac].sql.*, of which backups/a.sql.gz is the newest: 4.8 KiB, modified 30 h ago
    backups/{a,c}.sql.gz
      Passed: 2 files match backups/{a,c}.sql.gz, of which backups/a.sql.gz is the newest: 4.8 KiB, modified 30 h ago
    backups/?.sql.gz*
      Passed: 4 files match backups/?.sql.gz*, of which backups/d.sql.gz.part is the newest: 0 bytes, modified 1 h ago
    backups/**/*.sql.gz
      Passed: 4 files match backups/**/*.sql.gz, of which backups/deep/er/e.sql.gz is the newest: 1 byte, modified 2 h ago
    backups/**
      Passed: 6 files match backups/**, of which backups/directory.sql.gz/f is the newest: 0 bytes, modified 1 h ago
    */b.sql.gz
      Passed: backups/b.sql.gz alone matches */b.sql.gz: 2 KiB, modified 3 h ago
    **/er/*.gz
      Passed: backups/deep/er/e.sql.gz alone matches **/er/*.gz: 1 byte, modified 2 h ago
    backups/.*.gz
      Passed: backups/.hidden.sql.gz alone matches backups/.*.gz: 0 bytes, modified 1 h ago
    backups/*.zip
      Failed: no file matches backups/*.zip, expected at least one
    nowhere/**/*.gz
      Failed: no file matches nowhere/**/*.gz, expected at least one
    b*/no/*
      Failed: no file matches b*/no/*, expected at least one
    ");
    assert_snapshot!(
        tree.told("backups/*.sql.gz", Some("count >= 3 && size > 1024 && age < duration('24h') && path.endsWith('b.sql.gz')")).await,
        @r#"Passed: count is 3, size is 2048, age is 3 h and path ends with "b.sql.gz""#
    );
    let excluding = |globs: &[&str]| FileProbe {
        exclude: globs.iter().map(|glob| (*glob).to_owned()).collect(),
        ..tree.probe("backups/**/*.gz")
    };
    let by_name = tree
        .run(excluding(&["b.*", "e.sql.gz"]), Some("count == 2"))
        .await;
    assert_eq!(by_name.status, CheckStatus::Passed, "{}", by_name.why);
    let by_path = tree.run(
        excluding(&[&format!("{}/backups/deep/**", tree.root().display())]),
        Some("count == 3"),
    );
    let by_path = by_path.await;
    assert_eq!(by_path.status, CheckStatus::Passed, "{}", by_path.why);
}

#[tokio::test]
async fn content_is_read_by_its_ending_or_as_said() {
    let tree = Tree::new();
    let value = |name: &str, content: &str| tree.write(name, content.as_bytes(), HOUR);
    value(
        "a.json",
        "\u{feff}{\"version\": \"1.2.3\", \"on\": true, \"list\": [1, 2.5, null]}",
    );
    value(
        "a.toml",
        "version = \"1.2.3\"\non = true\nlist = [1, 2.5]\nat = 2026-01-31T12:00:00Z\n",
    );
    value("a.yml", "version: 1.2.3\non: true\nlist: [1, 2.5, ~]\n");
    value("a.conf", "version: 1.2.3\non: true\nlist: [1, 2.5]\n");
    value("broken.json", "{\n  \"a\": c4nary\n}");
    value("broken.toml", "a = 1\nb = c4nary\n");
    value("broken.yaml", "a: [c4nary\nb: }\n");
    value("large.json", &format!("[{}1]", "1,".repeat(600)));
    tree.write("binary.json", b"\xff\xfe", HOUR);
    let pass = Some("content.version == '1.2.3' && content.on && content.list[0] + 1 == 2");
    for name in ["a.json", "a.toml", "a.yml"] {
        assert!(
            tree.told(name, pass).await.starts_with("Passed: "),
            "{}",
            tree.told(name, pass).await
        );
    }
    let said = FileProbe {
        format: Some(FileFormat::Yaml),
        ..tree.probe("a.conf")
    };
    assert_eq!(tree.run(said, pass).await.status, CheckStatus::Passed);
    assert!(
        tree.told("a.toml", Some("content.at.startsWith('2026-01-31')"))
            .await
            .starts_with("Passed")
    );
    let mut table = String::new();
    for name in [
        "a.json",
        "a.conf",
        "broken.json",
        "broken.toml",
        "broken.yaml",
        "large.json",
        "binary.json",
        "no.json",
        ".",
    ] {
        let told = tree.told(name, Some("content.version == '2.0.0'")).await;
        assert!(!told.contains("c4nary"), "{told}");
        table.extend([format!("{name}: {told}\n")]);
    }
    assert_snapshot!(table, @r#"
    a.json: Failed: content.version is "1.2.3", expected "2.0.0"
    a.conf: Failed: there is no content: a.conf does not end in .json, .toml or .yaml; say `format`, or use `text`
    broken.json: Failed: there is no content: broken.json is not JSON: it goes wrong in line 2, column 8
    broken.toml: Failed: there is no content: broken.toml is not TOML: it goes wrong in line 2
    broken.yaml: Failed: there is no content: broken.yaml is not YAML: illegal placement of ':' indicator in line 2
    large.json: Failed: there is no content: large.json is larger than 1000 bytes, and no more is read; the operator can raise checks.body_limit_bytes
    binary.json: Failed: there is no content: binary.json is not text in UTF-8
    no.json: Failed: there is no content: no.json is not there
    .: Failed: there is no content: . is a directory
    "#);
    assert_snapshot!(
        tree.told("a.conf", Some("text.contains('on: true') && text.matches('(?m)^version: [0-9]')")).await,
        @r#"Passed: text contains "on: true" and text matches "(?m)^version: [0-9]""#
    );
    assert_snapshot!(tree.told("large.json", Some("text.contains('x')")).await, @"Failed: there is no text: large.json is larger than 1000 bytes, and no more is read; the operator can raise checks.body_limit_bytes");
}

#[tokio::test]
async fn a_digest_is_worked_out_when_it_is_asked_for() {
    let tree = Tree::new();
    tree.write("abc", b"abc", HOUR);
    // FIPS 180-2, appendix B.1.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let result = tree
        .run(tree.probe("abc"), Some(&format!("sha256 == '{abc}'")))
        .await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
    assert_eq!(result.observed["sha256"], json!(abc));
    let unasked = tree.run(tree.probe("abc"), Some("exists")).await;
    assert!(!unasked.observed.contains_key("sha256"));
    assert!(
        tree.told("abc", Some("sha256 == 'x'"))
            .await
            .starts_with("Failed: sha256 is \"ba78")
    );
    // A file larger than what is read of content is digested whole.
    tree.write("large", &b"a".repeat(1_000_000), HOUR);
    let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    let result = tree
        .run(tree.probe("large"), Some(&format!("sha256 == '{million}'")))
        .await;
    assert_eq!(result.status, CheckStatus::Passed, "{}", result.why);
}

#[tokio::test]
async fn what_is_not_for_checks_is_refused() {
    let tree = Tree::new();
    let outside = Tree::new();
    outside.write("secret", b"c4nary", HOUR);
    tree.write("holdpoint.db", b"c4nary", HOUR);
    tree.write("holdpoint.db-wal", b"c4nary", HOUR);
    tree.write("fine", b"", HOUR * 5);
    tree.write(".env.production", b"A=c4nary", HOUR);
    tree.write(".env.example", b"A=", HOUR);
    symlink(outside.root().join("secret"), tree.root().join("link")).expect("a link");
    symlink(outside.root(), tree.root().join("directory")).expect("a link");
    symlink(tree.root(), tree.root().join("round")).expect("a link");
    symlink(".env.production", tree.root().join("innocent.json")).expect("a link");
    symlink("nowhere", tree.root().join("dangling")).expect("a link");
    rustix::fs::mkfifoat(rustix::fs::CWD, tree.root().join("fifo"), rustix::fs::Mode::RWXU).expect("a FIFO");
    let mut table = String::new();
    for (path, pass) in [
        ("holdpoint.db", None),
        ("round/holdpoint.db-wal", None),
        ("link", None),
        ("directory/secret", None),
        ("directory/*", None),
        ("../*", None),
        ("/etc/passwd", None),
        ("/proc/self/environ", None),
        ("/dev/zero", Some("sha256 == ''")),
        ("fifo", None),
        ("fifo", Some("sha256 == '' || text == ''")),
        ("dangling", None),
        ("*", None),
        ("round/round/fine", None),
        (".env.production", Some("text == ''")),
        (".env.production", Some("content == ''")),
        ("innocent.json", Some("text == ''")),
        (".env.example", Some("text == 'A='")),
    ] {
        let told = tree.told(path, pass).await;
        assert!(!told.contains("c4nary"), "{told}");
        let told = told.replace(&outside.root().display().to_string(), "OUTSIDE");
        table.extend([format!("{path}: {told}\n")]);
    }
    assert_snapshot!(table, @r#"
    holdpoint.db: Error: holdpoint.db holds what Holdpoint alone may see, and no check reads it; name another file
    round/holdpoint.db-wal: Error: round/holdpoint.db-wal holds what Holdpoint alone may see, and no check reads it; name another file
    link: Error: link lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    directory/secret: Error: directory/secret lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    directory/*: Error: directory lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    ../*: Error: .. lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    /etc/passwd: Error: /etc/passwd lies outside of the directories that checks may read; the operator can add its directory to checks.files.readable
    /proc/self/environ: Error: /proc/self/environ is a part of the system and no file that checks read; name another
    /dev/zero: Error: /dev/zero is a part of the system and no file that checks read; name another
    fifo: Passed: fifo is there: a FIFO, modified 0 ms ago
    fifo: Failed: there is no sha256: fifo is a FIFO
    dangling: Failed: dangling is not there, expected it to be
    *: Passed: 2 files match *, of which innocent.json is the newest: 8 bytes, modified 1 h ago
    round/round/fine: Passed: round/round/fine is there: 0 bytes, modified 5 h ago
    .env.production: Failed: there is no text: .env.production holds values that are not for showing; look at it with `env`
    .env.production: Failed: there is no content: .env.production holds values that are not for showing; look at it with `env`
    innocent.json: Failed: there is no text: innocent.json holds values that are not for showing; look at it with `env`
    .env.example: Passed: text is "A="
    "#);
    let all = tree.run(tree.probe("**"), None).await;
    assert_eq!(
        (&all.observed["count"], &all.observed["out_of_bounds"]),
        (&json!(2), &json!(4))
    );
}

#[tokio::test]
async fn what_the_machine_refuses_is_told() {
    let tree = Tree::new();
    tree.write("closed/a", b"", HOUR);
    std::fs::set_permissions(tree.root().join("closed"), Permissions::from_mode(0o000)).expect("its mode");
    let told = tree.told("closed/*", None).await;
    // Root may read everything.
    if rustix::process::geteuid().is_root() {
        assert!(told.starts_with("Passed: "), "{told}");
    } else {
        assert_eq!(
            told,
            "Error: closed may not be read by the bot; change its permissions"
        );
    }
    std::fs::set_permissions(tree.root().join("closed"), Permissions::from_mode(0o700)).expect("its mode");
}

#[tokio::test]
async fn a_search_without_end_is_ended() {
    let tree = Tree::new();
    for name in 0..400 {
        std::fs::write(tree.root().join(format!("{name}.log")), "").expect("a file");
    }
    let checker = checks_at(tree.now, |settings, _| {
        settings.readable = vec![tree.root().to_owned()];
    });
    let mut hasty = check(Probe::File(tree.probe("**/*.log")), None);
    hasty.timeout = Duration::ZERO;
    let result = checker.run(&hasty, &Variables::new()).await;
    let told = told(&result).replace(&tree.root().display().to_string(), "");
    assert_snapshot!(told, @"Error: /**/*.log was not looked through to the end within 0 ms; raise `timeout` if that is too short");
}

#[test]
fn parameters_that_cannot_be_used_are_told() {
    let told = |path: &str, exclude: &[&str], pass: &str| {
        let probe = FileProbe {
            path: path.to_owned(),
            exclude: exclude.iter().map(|glob| (*glob).to_owned()).collect(),
            format: None,
        };
        Checks::problems(&check(Probe::File(probe), Some(pass)), &BTreeMap::new())
            .into_iter()
            .map(|problem| problem.message)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        told("backups/*.gz", &["*.part"], "size > 10 && content.a.b == 3"),
        ""
    );
    assert_snapshot!(told("backups/[a.gz", &[], "exists"), @r#""[a.gz" is not a glob: unclosed character class; missing ']'; a `/` cannot stand between brackets or braces, and a bracket in a name is written `\[`"#);
    assert_snapshot!(told("a/**/b/**", &[], "exists"), @"`**` stands twice in `path`; once is enough for any depth");
    assert_snapshot!(told("a", &["b"], "exists"), @"`exclude` takes files away from a glob, and `path` is none; leave `exclude` out, or write `path` as in backups/*.sql.gz");
    assert_snapshot!(told("*", &["{b"], "exists"), @r#""{b" is not a glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?); a `/` cannot stand between brackets or braces, and a bracket in a name is written `\[`"#);
    assert_snapshot!(told("{{ place }}/*", &[], "exists"), @"there is no variable place; declare it under `variables`");
    assert_snapshot!(told("a", &[], "age < 10"), @r#"`age` is a span of time and `10` is a whole number, which `<` does not take together; write a span of time as in duration("500ms")"#);
    assert_snapshot!(told("a", &[], "sha265 == ''"), @"`sha265` is not observed by this check; did you mean `sha256`?");
}
