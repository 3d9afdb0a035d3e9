//! The document comes back filled in, and stays the same checklist.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{document, markdown_summary, summary};
use crate::domain::check::{CheckResult, CheckStatus};
use crate::domain::checklist::Checklist;
use crate::domain::deployment::Deployment;
use crate::domain::event::{Actor, Decision, Event, How, Outcome, Recorded};
use crate::domain::ids::{
    BlankId, ChannelId, CheckId, ChecklistName, DeploymentId, GuildId, ItemId, RoleKey, UserId,
};
use crate::domain::sign_off::{ChecksSeen, Rank, Signature};
use crate::markdown;

const STAGING: &str = "---
title: Staging release
checks:
  health: { http: { url: https://staging.example.com/health }, pass: status == 200 }
sign-offs:
  tech-lead: { role: Tech Lead }
gates:
  Deployment: { needs: [items, tech-lead, go] }
---
# Staging
## Pre-deployment
- [ ] Health endpoint answers <!-- check: health -->
- [ ] The database is ready
  - [ ] Migrations can be undone
  - [ ] A backup was taken by ________
- [x] The branch is protected
## Approval
- [ ] Approved by the Tech Lead: ________ Date: ________ <!-- sign-off: tech-lead -->
- [ ] GO or NO-GO <!-- decision -->
## Deployment
- [ ] Deploy the build
- [ ] Watch the errors

Completed by: ________
";

pub(super) const ALEX: Actor = Actor::Person(UserId(1));
pub(super) const LEE: Actor = Actor::Person(UserId(2));

pub(super) fn checklist(source: &str) -> Checklist {
    let parsed = markdown::parse(&ChecklistName::new("staging"), source.as_bytes());
    assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    parsed.checklist
}

pub(super) fn names(user: UserId) -> String {
    match user.0 {
        1 => "alex".to_owned(),
        2 => "lee_[x](y)".to_owned(),
        other => format!("user {other}"),
    }
}

fn item(id: &str) -> ItemId {
    ItemId::new(id)
}

/// A deployment with these events after its start, five minutes apart.
pub(super) fn played(checklist: Checklist, events: Vec<(Actor, Event)>) -> Deployment {
    let start: Timestamp = "2026-11-21T00:40:00Z".parse().expect("a moment");
    let started = Event::Started {
        checklist: checklist.hash.clone(),
        name: checklist.name.clone(),
        version: "2.4.1".to_owned(),
        environment: "staging".to_owned(),
        guild: GuildId(100),
        channel: ChannelId(200),
        variables: BTreeMap::new(),
    };
    let mut at = start;
    let history: Vec<Recorded> = std::iter::once((ALEX, started))
        .chain(events)
        .zip(1..)
        .map(|((actor, event), seq)| {
            let recorded = Recorded {
                seq,
                at,
                actor,
                event,
            };
            at += SignedDuration::from_mins(5);
            recorded
        })
        .collect();
    Deployment::fold(DeploymentId(12), Arc::new(checklist), &history).expect("the events fit")
}

fn whole() -> Deployment {
    let checklist = checklist(STAGING);
    let at: Timestamp = "2026-11-21T00:58:00Z".parse().expect("a moment");
    let signature = Signature {
        by: UserId(2),
        rank: Rank::Owner,
        at,
        request: 1,
        checklist: checklist.hash.clone(),
        version: "2.4.1".to_owned(),
        checks: ChecksSeen("P".to_owned()),
    };
    let result = CheckResult {
        check: CheckId::new("health"),
        status: CheckStatus::Passed,
        why: "status was 200".to_owned(),
        observed: BTreeMap::from([
            ("status".to_owned(), serde_json::json!(200)),
            (
                "body".to_owned(),
                serde_json::json!("- [ ] not an item\n# no heading `x`"),
            ),
        ]),
        at,
        duration_ms: 120,
    };
    let role = RoleKey::new("tech-lead");
    let followed = |id: &str| Event::Ticked {
        item: item(id),
        how: How::ByWhatItFollows,
    };
    let by_hand = |id: &str| Event::Ticked {
        item: item(id),
        how: How::ByHand,
    };
    let backup = checklist
        .blanks
        .iter()
        .find(|blank| blank.label.contains("backup"))
        .expect("a blank")
        .id
        .clone();
    let footer = checklist
        .blanks
        .iter()
        .rfind(|blank| blank.item.is_none())
        .expect("a blank")
        .id
        .clone();
    let fill = |blank: BlankId, value: &str| Event::Filled {
        blank,
        value: value.to_owned(),
    };
    played(
        checklist,
        vec![
            (Actor::CheckRunner, Event::CheckRecorded { result }),
            (Actor::CheckRunner, followed("1.1")),
            (ALEX, by_hand("1.2.1")),
            (
                ALEX,
                Event::Skipped {
                    item: item("1.2.2"),
                    reason: "Taken *yesterday*".to_owned(),
                },
            ),
            (ALEX, followed("1.2")),
            (ALEX, fill(backup, "nobody")),
            (
                ALEX,
                Event::Noted {
                    item: Some(item("1.2.2")),
                    text: "See the <ticket>".to_owned(),
                },
            ),
            (
                ALEX,
                Event::Noted {
                    item: None,
                    text: "- [ ] Quiet evening".to_owned(),
                },
            ),
            (ALEX, Event::SignOffRequested { role: role.clone() }),
            (LEE, Event::Approved { role, signature }),
            (LEE, followed("2.1")),
            (
                LEE,
                Event::Decided {
                    decision: Decision::Go,
                    reason: None,
                },
            ),
            (LEE, followed("2.2")),
            (ALEX, by_hand("3.1")),
            (
                ALEX,
                Event::Blocked {
                    item: item("3.2"),
                    reason: "The dashboard is down".to_owned(),
                },
            ),
            (ALEX, fill(footer, "Alex")),
            (
                LEE,
                Event::Finished {
                    outcome: Outcome::Failed,
                    reason: Some("No sight".to_owned()),
                },
            ),
        ],
    )
}

#[test]
fn a_document_comes_back_filled_in_with_its_report() {
    insta::assert_snapshot!(document(&whole(), &names), @r"
    ---
    title: Staging release
    checks:
      health: { http: { url: https://staging.example.com/health }, pass: status == 200 }
    sign-offs:
      tech-lead: { role: Tech Lead }
    gates:
      Deployment: { needs: [items, tech-lead, go] }
    ---
    # Staging
    ## Pre-deployment
    - [x] Health endpoint answers <!-- check: health --> — *ticked by check health on 2026-11-21 00:50 UTC*
    - [x] The database is ready
      - [x] Migrations can be undone — *ticked by @alex on 2026-11-21 00:55 UTC*
      - [ ] A backup was taken by nobody — *skipped by @alex on 2026-11-21 01:00 UTC: Taken \*yesterday\** — *note by @alex on 2026-11-21 01:15 UTC: See the \<ticket\>*
    - [x] The branch is protected
    ## Approval
    - [x] Approved by the Tech Lead: @lee\_\[x\](y) Date: 2026-11-21 <!-- sign-off: tech-lead --> — *approved by @lee\_\[x\](y) (owner) on 2026-11-21 00:58 UTC*
    - [x] GO or NO-GO <!-- decision --> — *GO by @lee\_\[x\](y) on 2026-11-21 01:40 UTC*
    ## Deployment
    - [x] Deploy the build — *ticked by @alex on 2026-11-21 01:50 UTC*
    - [ ] Watch the errors — *blocked by @alex on 2026-11-21 01:55 UTC: The dashboard is down*

    Completed by: Alex

    ---

    ## Report of deployment #12

    - Released: 2.4.1 → staging
    - Started by @alex on 2026-11-21 00:40 UTC
    - Decision: **GO** by @lee\_\[x\](y) on 2026-11-21 01:40 UTC
    - Ended: **failed** by @lee\_\[x\](y) on 2026-11-21 02:05 UTC, 1 h 25 min after the start: No sight
    - Items: 7 of 9 ticked, 1 skipped, 1 blocked
    - Checklist: `staging`, SHA-256 `7e470611f062ed28a2769a239f626ba28b3ee21283013dafb3fb81ef08fcb303`

    ### Sign-offs

    - Tech Lead: **approved**
      - approved by @lee\_\[x\](y) (owner) on 2026-11-21 00:58 UTC

    ### Skipped items

    - `1.2.2` A backup was taken by \_\_\_\_\_\_\_\_ — by @alex on 2026-11-21 01:00 UTC: Taken \*yesterday\*

    ### Blocked items

    - `3.2` Watch the errors — by @alex on 2026-11-21 01:55 UTC: The dashboard is down

    ### Checks

    - `health` for `1.1`: **passed** (2026-11-21 00:58 UTC, 120 ms): status was 200
      - `body`: \- \[ \] not an item # no heading \`x\`
      - `status`: 200

    ### Notes

    - @alex on `1.2.2`, 2026-11-21 01:15 UTC: See the \<ticket\>
    - @alex, 2026-11-21 01:20 UTC: \- \[ \] Quiet evening
    ");
}

#[test]
fn a_report_of_a_deployment_that_has_just_begun_is_short() {
    let deployment = played(checklist("# Plain\n- [ ] One\n- [ ] Two\n"), Vec::new());
    insta::assert_snapshot!(markdown_summary(&summary(&deployment), &names), @r"
    ## Report of deployment #12

    - Released: 2.4.1 → staging
    - Started by @alex on 2026-11-21 00:40 UTC
    - Decision: none
    - Ended: not yet
    - Items: 0 of 2 ticked, 2 open
    - Checklist: `staging`, SHA-256 `e6b30b85a71e542591b57bbd5db4e50a9147d413255406952d832670d69dc325`

    ### Open items

    - `1` One
    - `2` Two
    ");
}

#[test]
fn a_filled_document_is_still_the_same_checklist() {
    let deployment = whole();
    for source in [STAGING.to_owned(), STAGING.replace('\n', "\r\n")] {
        let mut deployment = deployment.clone();
        let again = checklist(&source);
        deployment.checklist = Arc::new(again);
        let document = document(&deployment, &names);
        let read = markdown::parse(&ChecklistName::new("staging"), document.as_bytes()).checklist;
        let ids = |checklist: &Checklist| {
            checklist
                .items
                .iter()
                .map(|item| item.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&read), ids(&deployment.checklist));
        for (index, item) in read.items.iter().enumerate() {
            let ticked = deployment.item_state(index).is_closed() && item.id.as_str() != "1.2.2";
            assert_eq!(item.checked, ticked, "{}", item.id);
        }
        let bare = document.matches('\n').count() - document.matches("\r\n").count();
        assert!(
            bare == 0 || bare == document.matches('\n').count(),
            "line ends are of one kind"
        );
    }
}

#[test]
fn the_shipped_checklists_come_back_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("checklists");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let bytes = std::fs::read_to_string(&path).expect("it is text");
        if !bytes.starts_with("---") {
            continue;
        }
        read += 1;
        let deployment = played(checklist(&bytes), Vec::new());
        let document = document(&deployment, &names);
        // What has begun and not ended is under way, and one of them has a box for that.
        let source = deployment
            .checklist
            .source
            .replace("[ ] IN PROGRESS", "[x] IN PROGRESS");
        assert!(document.starts_with(source.trim_end()), "{}", path.display());
        let again = markdown::parse(&ChecklistName::new("staging"), document.as_bytes()).checklist;
        assert_eq!(again.items.len(), deployment.checklist.items.len());
    }
    assert_eq!(read, 5);
}

#[test]
fn a_summary_is_data() {
    let data = serde_json::to_value(summary(&whole())).expect("it can be written");
    let of = |path: &str| data.pointer(path).cloned().unwrap_or_default();
    assert_eq!(
        of("/items"),
        serde_json::json!({
            "total": 9, "ticked": 7, "ticked_in_the_document": 1, "skipped": 1, "blocked": 1, "open": 0, "optional_open": 0
        })
    );
    assert_eq!(of("/end/after_seconds"), 17 * 300);
    assert_eq!(of("/sign_offs/0/approved"), true);
    assert_eq!(of("/checks/0/observed/status"), 200);
    assert_eq!(of("/decision/decision"), "go");
}
