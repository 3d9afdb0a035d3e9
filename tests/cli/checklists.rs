//! `holdpoint checklist`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::place::{Place, SMALL};

#[test]
fn show_prints_an_outline_for_people() {
    let place = Place::new();
    place.write("small.md", SMALL);
    let ran = place.run(&["checklist", "show", "small.md"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(
        ran.out,
        "Small release\n\n1 Before\n  [ ] 1.1 Make a backup\n  [x] 1.2 Agree on a time\n\n2 Release\n  [ ] 2.1 Switch over\n"
    );
}

#[test]
fn show_prints_json_for_programs() {
    let place = Place::new();
    place.write("small.md", SMALL);
    let ran = place.run(&["checklist", "show", "small.md", "--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let shown: Value = serde_json::from_str(&ran.out).expect("it is JSON");
    assert_eq!(shown["title"], "Small release");
    assert_eq!(shown["sections"].as_array().map(Vec::len), Some(3));
    assert_eq!(shown["diagnostics"], Value::Array(Vec::new()));
    let item = &shown["items"][1];
    for (key, value) in [
        ("id", Value::from("1.2")),
        ("line", Value::from(6)),
        ("checked", Value::from(true)),
        ("depth", Value::from(1)),
        ("text", Value::from("Agree on a time")),
        ("section", Value::from(vec!["Small release", "Before"])),
        ("ordered", Value::from(false)),
    ] {
        assert_eq!(item[key], value, "{key}");
    }
}

#[test]
fn show_agrees_with_the_reference_on_real_files() {
    let shared = std::env::var_os("HOLDPOINT_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let Ok(truth) = std::fs::read_to_string(shared.join("corpus/truth.jsonl")) else {
        eprintln!(
            "skipped: there is no corpus of checklists at {}",
            shared.display()
        );
        return;
    };
    let place = Place::new();
    // Nested, numbered, in quotes, under no heading; and one without any task.
    let mut seen = 0;
    for record in truth
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"))
    {
        let name = record["file"].as_str().expect("a record names its file");
        if ![
            "003.md", "035.md", "098.md", "141.md", "152.md", "901.md", "906.md",
        ]
        .contains(&name)
        {
            continue;
        }
        let file = shared.join("corpus/files").join(name);
        let ran = place.run(&[
            "checklist",
            "show",
            &file.display().to_string(),
            "--format",
            "json",
        ]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
        let shown: Value = serde_json::from_str(&ran.out).expect("it is JSON");
        let facts = |items: &Value, depth: &str, section: &str| -> Vec<Vec<Value>> {
            let items = items.as_array().expect("items are a list");
            items
                .iter()
                .map(|item| {
                    ["line", "checked", depth, "text", section, "ordered"]
                        .map(|key| item[key].clone())
                        .to_vec()
                })
                .collect()
        };
        assert_eq!(
            facts(&shown["items"], "depth", "section"),
            facts(&record["items"], "taskDepth", "headings"),
            "{name}"
        );
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[test]
fn lint_ends_well_where_nothing_is_wrong() {
    let place = Place::new();
    place.write("checklists/small.md", SMALL);
    place.write("checklists/README.md", "Not a checklist.");
    for arguments in [
        &["checklist", "lint"][..],
        &["checklist", "lint", "checklists/small.md"],
    ] {
        let ran = place.run(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        assert_eq!(
            ran.out,
            "checklists/small.md: 3 items, 0 bound to a check (0 %); 0 errors, 0 warnings\n"
        );
    }
}

#[test]
fn lint_says_where_something_is_wrong_and_ends_with_1() {
    let place = Place::new();
    place.write("wrong.md", format!("---\ntitel: Small\n---\n{SMALL}"));
    let ran = place.run(&["checklist", "lint", "wrong.md"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let first = ran.out.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("wrong.md:2:1: error: ") && first.contains("titel"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("`title`"),
        "the nearest key is not named: {}",
        ran.out
    );
    assert!(
        ran.out
            .ends_with("3 items, 0 bound to a check (0 %); 1 error, 0 warnings\n"),
        "{}",
        ran.out
    );
    let shown = place.run(&["checklist", "show", "wrong.md"]);
    assert_eq!(shown.code, Some(0), "it could be shown");
    assert!(shown.err.starts_with("wrong.md:2:1: error: "), "{}", shown.err);
}

#[test]
fn lint_says_what_is_wrong_with_a_check_before_it_runs() {
    let place = Place::new();
    let front =
        "---\nchecks:\n  script:\n    command: { run: [./deploy.sh] }\n    pass: exit_cod == 0\n---\n";
    place.write(
        "wrong.md",
        format!("{front}- [ ] Deploy <!-- check: script -->\n"),
    );
    let ran = place.run(&["checklist", "lint", "wrong.md"]);
    assert_eq!(ran.code, Some(1));
    for part in [
        "wrong.md:3:1: error: `run` names the program ./deploy.sh by a relative path",
        "write [sh, ./deploy.sh]",
        "wrong.md:5:11: error: ",
        "exit_cod",
        "2 errors",
    ] {
        assert!(ran.out.contains(part), "{part} is not in {}", ran.out);
    }
}

#[test]
fn lint_tells_how_much_is_decided_by_checks() {
    let place = Place::new();
    let front = "---\nchecks:\n  up:\n    tcp: { address: 'a.example:1' }\n  page:\n    http: { url: 'https://a.example' }\n  \
                 key:\n    env: { required: [KEY] }\n---\n";
    let items = "- [ ] a <!-- check: up, page -->\n- [ ] b <!-- check: page -->\n- [ ] c <!-- check: key -->\n- [ ] d\n";
    place.write("some.md", format!("{front}{items}"));
    let ran = place.run(&["checklist", "lint", "some.md"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            Some(0),
            "some.md: 4 items, 3 bound to a check (75 %): http 2, env 1, tcp 1; 0 errors, 0 warnings\n"
        )
    );
    let ran = place.run(&["checklist", "lint", "some.md", "--format", "json"]);
    let told: Value = serde_json::from_str(&ran.out).expect("it is JSON");
    assert_eq!(
        told,
        serde_json::json!({ "files": [{
            "file": "some.md", "items": 4, "bound": 3, "probes": { "env": 1, "http": 2, "tcp": 1 },
            "errors": 0, "warnings": 0, "diagnostics": [],
        }] })
    );
}

#[test]
fn lint_notices_checks_that_say_nothing() {
    let place = Place::new();
    let front = "---\nchecks:\n  lone:\n    env: { required: [KEY] }\n  idle:\n    env: { optional: [KEY] }\n  held:\n    \
                 env: { optional: [KEY] }\n    pass: size(malformed) == 0\n  sure:\n    http: { url: 'https://a.example' }\n    \
                 pass: true\n  late:\n    http: { url: 'https://a.example' }\n    pass: status == 200 || true\n---\n";
    let items = "- [ ] a <!-- check: idle, held, idle -->\n- [ ] b <!-- check: sure, late -->\n";
    place.write("idle.md", format!("{front}{items}"));
    let ran = place.run(&["checklist", "lint", "idle.md"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    let told: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.starts_with("idle.md:"))
        .collect();
    assert_eq!(
        told,
        [
            "idle.md:3:3: warning: The check `lone` decides no item.",
            "idle.md:5:3: warning: The check `idle` cannot fail.",
            "idle.md:12:11: error: the condition looks at nothing that the check observes, so it says nothing; use \
             address, body, headers, json, latency, redirects, status, url or version",
            "idle.md:15:11: error: the condition holds whatever is observed, so the check cannot fail; take out the part \
             that is always true",
            "idle.md:17:33: warning: The check `idle` is named twice here.",
            "idle.md: 2 items, 2 bound to a check (100 %): env 1, http 1; 2 errors, 3 warnings",
        ]
    );
}

#[test]
fn a_file_without_items_is_shown_but_nothing_can_start_from_it() {
    let place = Place::new();
    place.write("prose.md", "# Prose\n\nNothing to tick.\n");
    assert_eq!(place.run(&["checklist", "show", "prose.md"]).code, Some(0));
    let ran = place.run(&["checklist", "lint", "prose.md"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.starts_with(
            "prose.md:1:1: error: The file has no task items, so there is nothing to go through.\n"
        ),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("help: Write some, as `- [ ] Make a backup`."),
        "{}",
        ran.out
    );
}

#[test]
fn what_is_no_checklist_is_refused_in_a_sentence() {
    let place = Place::new();
    place.write("empty.md", "");
    place.write("blank.md", "\u{feff} \n\n");
    place.write("program.md", b"\x7fELF\x02\x01\x01\0\0\0\0\xff\xfe\0 \x80");
    place.write(
        "large.md",
        format!("# Large\n\n{}", "- [ ] One of very many items\n".repeat(380_000)),
    );
    place.write("directory.md/inside", "");
    let cases = [
        (
            "empty.md",
            "holdpoint: empty.md is empty; write task items into it, as `- [ ] Make a backup`.",
        ),
        (
            "blank.md",
            "holdpoint: blank.md is empty; write task items into it, as `- [ ] Make a backup`.",
        ),
        (
            "program.md",
            "holdpoint: program.md is no text; name a Markdown file.",
        ),
        (
            "large.md",
            "holdpoint: large.md is larger than 2097152 bytes, the most that a checklist may have; split it.",
        ),
        (
            "directory.md",
            "holdpoint: directory.md is a directory; name a Markdown file in it.",
        ),
        (
            "absent.md",
            "holdpoint: absent.md cannot be read (No such file or directory (os error 2)); check the path, and that \
             this user may read it.",
        ),
    ];
    for (file, sentence) in cases {
        for command in ["show", "lint"] {
            assert_eq!(place.run(&["checklist", command, file]).refusal(), sentence);
        }
    }
    assert_eq!(
        place.run(&["checklist", "lint"]).refusal(),
        "holdpoint: the directory checklists cannot be read; create it, set `checklists.directory`, or name the files \
         to lint: No such file or directory (os error 2)."
    );
}

#[test]
fn a_file_that_cannot_be_read_keeps_no_other_from_being_looked_at() {
    let place = Place::new();
    place.write("small.md", SMALL);
    let ran = place.run(&["checklist", "lint", "absent.md", "small.md"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.out.starts_with("small.md: 3 items"), "{}", ran.out);
    assert!(
        ran.err.starts_with("holdpoint: absent.md cannot be read"),
        "{}",
        ran.err
    );
}

#[test]
fn hostile_markdown_is_read_in_time() {
    let place = Place::new();
    let nested: Vec<String> = (0..900)
        .map(|level| format!("{}- [ ] Level {level}\n", "  ".repeat(level)))
        .collect();
    let fences = "`".repeat(1000);
    let ticks: Vec<&str> = (1..=8_000).map(|run| &fences[..run % 300]).collect();
    let cases = [
        ("brackets.md", format!("- [ ] One\n{}\n", "[".repeat(100_000)), 1),
        (
            "quotes.md",
            format!("{} - [ ] Deep\n\n- [ ] One\n", ">".repeat(50_000)),
            1,
        ),
        ("nested.md", nested.concat(), 64),
        ("ticks.md", format!("- [ ] One {}\n", ticks.join(" ")), 1),
        ("stars.md", format!("- [ ] One {}\n", "*a_ ".repeat(50_000)), 1),
        ("links.md", format!("- [ ] One {}\n", "[a](<b".repeat(50_000)), 1),
        ("long.md", format!("- [ ] {}\n", "word ".repeat(300_000)), 1),
        ("many.md", "- [ ] Item\n".repeat(100_000), 100_000),
    ];
    for (name, text, items) in cases {
        place.write(name, text);
        let ran = place.run(&["checklist", "lint", name]);
        assert_eq!(ran.code, Some(0), "{name}: {} {}", ran.out, ran.err);
        let noun = if items == 1 { "item" } else { "items" };
        assert!(
            ran.out.contains(&format!("{name}: {items} {noun}, ")),
            "{}",
            ran.out
        );
    }
}

#[test]
fn nothing_is_coloured_for_a_pipe() {
    let place = Place::new().having("CLICOLOR_FORCE", "1");
    place.write("wrong.md", format!("---\ntitel: Small\n---\n{SMALL}"));
    let ran = place.run(&["checklist", "lint", "wrong.md"]);
    assert!(
        !ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'),
        "{ran:?}"
    );
}

#[test]
fn a_terminal_is_coloured_unless_nobody_wants_colours() {
    let place = Place::new();
    place.write("wrong.md", format!("---\ntitel: Small\n---\n{SMALL}"));
    let terminal = |environment: &str| {
        let line = format!(
            "{environment} {} checklist lint wrong.md",
            env!("CARGO_BIN_EXE_holdpoint")
        );
        place.run_program(&["script", "--quiet", "--command", &line, "/dev/null"])
    };
    if place.run_program(&["bash", "-c", "command -v script"]).code != Some(0) {
        eprintln!("skipped: there is no `script` here to stand for a terminal");
        return;
    }
    assert!(terminal("env").out.contains("\u{1b}[1;31m"));
    let plain = terminal("env NO_COLOR=1").out;
    assert!(plain.contains("error") && !plain.contains('\u{1b}'), "{plain}");
}

#[test]
fn a_reader_that_goes_is_no_error() {
    let place = Place::new();
    place.write("many.md", "- [ ] Item\n".repeat(20_000));
    for command in [
        "checklist show many.md",
        "checklist show many.md --format json",
        "checklist lint many.md",
        "completions bash",
        "completions zsh",
        "config",
        "--help",
    ] {
        let ran = place.shell(&format!(
            "holdpoint {command} | true; echo \"${{PIPESTATUS[0]}}\""
        ));
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("0\n", ""), "{command}");
    }
    let ran = place.shell("holdpoint checklist show many.md | head -1");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("many\n", ""));
}
