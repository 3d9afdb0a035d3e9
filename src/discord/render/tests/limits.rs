//! Whatever a checklist or a person says, no message breaks a limit, and nothing in it mentions whom it should not.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::answer::{self, Approved, ChecklistRow, DeploymentRow, Finding, Provenance, Replaced};
use super::super::check_table::{Ended, RunShown, run};
use super::super::escape::{code, plain};
use super::super::message::{Message, Row, shown::shown};
use super::super::{board, card, item_list, log, notice};
use super::stage::{STARTER, Stage, TECH_LEAD, checklist, result, role};
use crate::domain::check::CheckStatus;
use crate::domain::command::{ActingAs, Command};
use crate::domain::event::{Actor, Outcome};
use crate::domain::ids::{CheckId, ChecklistName, RoleKey};
use crate::domain::refusal::Refusal;
use crate::domain::text::{BlankValue, Reason, Remark};
use crate::engine::Stopped;
use crate::markdown;

const HOSTILE: &str = "@everyone @here <@666> <@&666> <#666> `tick` ``` **b** [x](https://evil.example) \u{202e}rtl\u{200b} ||s|| \\";

/// Every message that a deployment can give rise to.
fn all_messages(stage: &Stage) -> Vec<(String, Message)> {
    let Stage {
        deployment,
        events,
        owners,
        now,
    } = stage;
    let mut all: Vec<(String, Message)> = Vec::new();
    let mut add = |name: &str, message: Message| all.push((name.to_owned(), message));
    add("board", board::board(deployment, owners, *now));
    add("opening", board::opening(deployment));
    add("sign-offs", card::sign_offs(deployment, owners, *now));
    add("ready", notice::ready_for_go(deployment));
    add("decision", notice::decision(deployment));
    add("finished", notice::finished(deployment, Vec::new()));
    for role in deployment.checklist.sign_offs.keys() {
        for request in 0..3 {
            add(
                "card",
                card::sign_off_card(deployment, role, request, owners, *now),
            );
        }
        for ping in 1..5 {
            add("ping", card::ping(deployment, role, ping, *now, *now, owners));
        }
        let by = Actor::Person(TECH_LEAD);
        add(
            "asked again",
            card::asked_again(deployment, role, by, None, owners),
        );
        add("rejection", notice::rejection(deployment, role, TECH_LEAD));
        for check in deployment.checklist.checks.keys().take(3) {
            add("void", notice::void(deployment, role, TECH_LEAD, check));
        }
    }
    let checks: Vec<CheckId> = deployment.checklist.checks.keys().cloned().collect();
    let results: Vec<_> = deployment.checks.values().cloned().collect();
    let hostile = Stopped::Refused(Refusal::UnknownItem {
        typed: HOSTILE.to_owned(),
        nearest: None,
    });
    for ended in [Ended::Yes, Ended::No] {
        let shown = RunShown {
            checks: &checks,
            results: &results,
            ended,
            stopped: Some(&hostile),
        };
        add("run", run(deployment, shown));
    }
    for page in 0..deployment.checklist.items.len() / 20 + 2 {
        add("items", item_list::page(deployment, None, page));
    }
    for section in &deployment.checklist.sections {
        add("section", item_list::page(deployment, Some(&section.id), 0));
    }
    for index in 0..deployment.checklist.items.len() {
        add("item", item_list::item(deployment, index));
    }
    for page in 0..events.len() / 15 + 2 {
        add("log", log::page(deployment, events, page));
    }
    for recorded in events.iter().step_by(5) {
        add(
            "changed",
            answer::changed(None, deployment, std::slice::from_ref(recorded)),
        );
    }
    add("all changed", answer::changed(None, deployment, events));
    let findings: Vec<_> = (0..50)
        .map(|line| Finding {
            line,
            column: 1,
            severity: "error",
            message: HOSTILE.repeat(5),
        })
        .collect();
    let provenance = Provenance::Imported {
        by: STARTER,
        at: deployment.started_at,
        approved: Approved::NotYet,
    };
    add(
        "checklist",
        answer::checklist(&deployment.checklist, provenance, &findings),
    );
    let import = answer::imported(
        &deployment.checklist,
        Replaced::Another,
        Approved::NotYet,
        &findings,
    );
    add("imported", import);
    add("not imported", answer::not_imported(HOSTILE, &findings));
    add("removed", answer::removed(&deployment.checklist));
    all
}

/// Asserts that a message keeps Discord's limits, pings only people of ours and shows no mention of others.
fn assert_harmless(name: &str, message: &Message) {
    assert_eq!(
        message.broken_limits(),
        Vec::<String>::new(),
        "{name}:\n{}",
        shown(message)
    );
    for row in &message.rows {
        if let Row::Select { options, .. } = row {
            let values: BTreeSet<_> = options.iter().map(|option| &option.value).collect();
            assert_eq!(
                values.len(),
                options.len(),
                "{name}: values of options are unique"
            );
            assert!(
                options
                    .iter()
                    .all(|option| !option.value.is_empty() && !option.label.is_empty())
            );
        }
    }
    let mut texts = vec![message.content.clone()];
    if let Some(embed) = &message.embed {
        texts.extend([embed.title.clone(), embed.description.clone()]);
    }
    for text in texts {
        let live = outside_code(&text);
        for mention in ["@everyone", "@here", "666>"] {
            assert!(
                !live.contains(mention) || live.contains("\\<"),
                "{name}: {mention} in\n{text}"
            );
        }
        assert!(
            !live.contains("@everyone") && !live.contains("@here"),
            "{name}:\n{text}"
        );
        assert!(
            live_mentions(&live)
                .iter()
                .all(|mention| !mention.contains("666")),
            "{name}:\n{text}"
        );
        assert!(
            !text.contains('\u{202e}') && !text.contains('\u{200b}'),
            "{name}: unseen characters"
        );
    }
}

/// The text without what stands between backticks that are not escaped.
fn outside_code(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                out.extend(chars.next());
            }
            '`' => {
                let rest: String = chars.by_ref().take_while(|c| *c != '`').collect();
                assert!(!rest.contains('\n'), "a code span that is never closed: {rest}");
            }
            c => out.push(c),
        }
    }
    out
}

/// Mentions that Discord would show as such.
fn live_mentions(text: &str) -> Vec<String> {
    text.match_indices('<')
        .filter(|(at, _)| !text[..*at].ends_with('\\'))
        .filter_map(|(at, _)| text[at..].split_once('>').map(|(mention, _)| mention.to_owned()))
        .filter(|mention| mention.starts_with("<@") || mention.starts_with("<#"))
        .collect()
}

fn assert_all_harmless(stage: &Stage) {
    for (name, message) in all_messages(stage) {
        assert_harmless(&name, &message);
    }
}

/// Does a bit of everything to a deployment, as far as it is allowed, with hostile words.
fn play(stage: &mut Stage, words: &str) {
    let starter = ActingAs::Person(super::stage::person(STARTER));
    let lead = ActingAs::Person(super::stage::person(TECH_LEAD));
    let words: String = words.chars().take(1000).collect();
    let reason = Reason::parse(&words).expect("words");
    let text = Remark::parse(&words).expect("words");
    let value = BlankValue::parse(&words.chars().take(200).collect::<String>()).expect("words");
    let ids: Vec<_> = stage
        .deployment
        .checklist
        .items
        .iter()
        .map(|item| item.id.clone())
        .collect();
    let blanks: Vec<_> = stage
        .deployment
        .checklist
        .blanks
        .iter()
        .map(|blank| blank.id.clone())
        .collect();
    let checks: Vec<_> = stage.deployment.checklist.checks.keys().cloned().collect();
    let roles: Vec<RoleKey> = stage.deployment.checklist.sign_offs.keys().cloned().collect();
    let mut wishes = Vec::new();
    for (index, item) in ids.into_iter().enumerate() {
        let reason = reason.clone();
        wishes.push(match index % 5 {
            0 => Command::Skip { item, reason },
            1 => Command::Block { item, reason },
            2 => Command::Note {
                item: Some(item),
                text: text.clone(),
            },
            3 => Command::Assign {
                item,
                to: Some(TECH_LEAD),
            },
            _ => Command::Tick { item },
        });
    }
    for blank in blanks {
        wishes.push(Command::Fill {
            blank,
            value: value.clone(),
        });
    }
    for wish in wishes {
        // What is refused leaves things as they are, which is as good a state as any.
        let _ = stage.act(&starter, wish);
    }
    for (index, check) in checks.iter().enumerate() {
        let status = [CheckStatus::Failed, CheckStatus::Error, CheckStatus::Passed][index % 3];
        let result = result(check.as_str(), status, &words, stage.now);
        let _ = stage.act(&ActingAs::CheckRunner, Command::RecordCheck { result });
    }
    for role in roles {
        let _ = stage.act(&starter, Command::RequestSignOff { role: role.clone() });
        let _ = stage.act(
            &lead,
            Command::Reject {
                role,
                reason: Some(reason.clone()),
            },
        );
    }
    let _ = stage.act(&lead, Command::NoGo { reason });
}

fn end(stage: &mut Stage) {
    let lead = ActingAs::Person(super::stage::person(TECH_LEAD));
    let reason = Some(Reason::parse(HOSTILE).expect("words"));
    let _ = stage.act(
        &lead,
        Command::Finish {
            outcome: Outcome::Failed,
            reason,
        },
    );
}

#[test]
fn the_checklists_that_are_shipped_keep_every_limit() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("checklists");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        if name == "README" || path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        read += 1;
        let bytes = std::fs::read(&path).expect("it can be read");
        let mut stage = Stage::of(checklist(&name, &bytes));
        assert_all_harmless(&stage);
        play(&mut stage, HOSTILE);
        assert_all_harmless(&stage);
        end(&mut stage);
        assert_all_harmless(&stage);
    }
    assert_eq!(read, 5);
}

/// 200 items in 120 sections, all as hostile and as long as they can be.
fn monster() -> Stage {
    let words = HOSTILE.repeat(3);
    let heading: String = words.chars().take(256).collect();
    let roles = (0..20).map(|n| format!("  role-{n}: {{ role: {}, quorum: 2 }}\n", quoted(&words)));
    let checks = (0..70).map(|n| format!("  check-{n}: {{ command: {{ run: [make] }} }}\n"));
    let sections = (0..120).map(|section| {
        let items: Vec<_> = (section * 2..section * 2 + 2)
            .map(|n| {
                let bound = if n < 70 {
                    format!(" <!-- check: check-{n} -->")
                } else {
                    String::new()
                };
                format!("- [ ] {}{bound}\n", inert(&words))
            })
            .collect();
        format!("\n## {section} {}\n\n{}", inert(&heading), items.concat())
    });
    let boxes = (0..20).map(|n| {
        format!(
            "- [ ] Sign {n} {} ________ <!-- sign-off: role-{n} -->\n",
            inert(&words)
        )
    });
    let parts: Vec<String> = std::iter::once("---\nsign-offs:\n".to_owned())
        .chain(roles)
        .chain(["checks:\n".to_owned()])
        .chain(checks)
        .chain([format!("title: {}\n---\n# {}\n", quoted(&words), inert(&heading))])
        .chain(sections)
        .chain(boxes)
        .collect();
    let source = parts.concat();
    Stage::of(checklist("monster", source.as_bytes()))
}

/// A text that Markdown reads as just these characters.
fn inert(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_ascii_punctuation() {
                vec!['\\', c]
            } else {
                vec![c]
            }
        })
        .collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

#[test]
fn a_monstrous_checklist_keeps_every_limit() {
    let mut stage = monster();
    assert!(stage.deployment.checklist.items.len() >= 200);
    assert!(
        stage.deployment.checklist.items[0].text.contains("@everyone"),
        "hostile words arrive"
    );
    assert_all_harmless(&stage);
    let shown_board = shown(&board::board(&stage.deployment, &stage.owners, stage.now));
    assert!(
        shown_board.contains("more sections: “All items” below"),
        "{shown_board}"
    );
    assert!(
        shown_board.contains("of 120; the rest: “All items” in the first menu"),
        "{shown_board}"
    );
    play(&mut stage, &HOSTILE.repeat(12));
    assert_all_harmless(&stage);
    end(&mut stage);
    assert_all_harmless(&stage);
}

#[test]
fn long_lists_keep_every_limit() {
    let rows: Vec<_> = (0..100)
        .map(|id| DeploymentRow {
            id: crate::domain::ids::DeploymentId(id),
            title: HOSTILE.repeat(4),
            version: HOSTILE.to_owned(),
            environment: HOSTILE.to_owned(),
            phase: crate::domain::deployment::Phase::Preparing,
            closed: 1,
            total: 200,
            thread: None,
        })
        .collect();
    assert_harmless("deployments", &answer::deployments(&rows));
    let rows: Vec<_> = (0..100)
        .map(|_| ChecklistRow {
            name: HOSTILE.to_owned(),
            title: HOSTILE.repeat(4),
            items: 1,
            checks: 0,
            sign_offs: 0,
            imported: true,
            error: Some(HOSTILE.repeat(40)),
        })
        .collect();
    assert_harmless("checklists", &answer::checklists(&rows));
    let owners = monster().owners;
    let asked = (0..300)
        .map(|n| (role(&format!("role-{n}")), HOSTILE.repeat(3)))
        .collect();
    assert_harmless("owners", &answer::owners(&owners, &asked));
    assert_harmless("fault", &answer::fault(&HOSTILE.repeat(50)));
    assert_harmless("unknown section", &answer::unknown_section(&HOSTILE.repeat(50)));
    let monster = monster().deployment.checklist;
    let findings: Vec<_> = (0..50)
        .map(|line| Finding {
            line,
            column: 1,
            severity: "error",
            message: HOSTILE.repeat(5),
        })
        .collect();
    assert_harmless("findings", &answer::findings(&monster, &findings));
    assert_harmless("exported", &answer::exported(&monster, Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_anybody_writes_breaks_a_message(
        headings in prop::collection::vec(r"[^\n\r]{0,80}", 1..6),
        items in prop::collection::vec(r"\PC{1,200}", 1..12),
        words in r"[!-~]\PC{0,400}",
    ) {
        let parts: Vec<String> = items
            .iter()
            .enumerate()
            .map(|(n, item)| {
                let heading = headings.get(n).map(|heading| format!("\n## {heading}\n\n"));
                format!("{}- [ ] {item}\n", heading.unwrap_or_default())
            })
            .collect();
        let source = format!("# Title\n{}", parts.concat());
        let parsed = markdown::parse(&ChecklistName::new("anything"), source.as_bytes());
        let mut stage = Stage::of(parsed.checklist);
        for (name, message) in all_messages(&stage) {
            prop_assert_eq!(message.broken_limits(), Vec::<String>::new(), "{}", name);
        }
        play(&mut stage, &words);
        for (name, message) in all_messages(&stage) {
            prop_assert_eq!(message.broken_limits(), Vec::<String>::new(), "{}", name);
        }
    }

    #[test]
    fn escaped_text_opens_nothing(text in r"[@<>`*_~|\\#a-z0-9 &!:/\u{200b}\u{202e}.-]{0,120}") {
        let live = outside_code(&plain(&text));
        prop_assert!(live_mentions(&live).is_empty(), "{}", live);
        prop_assert!(!live.contains("@everyone") && !live.contains("@here"));
        prop_assert_eq!(outside_code(&code(&text)), "");
    }
}
