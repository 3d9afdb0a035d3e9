//! Lines that offer answers: the true one is ticked where the line says what it is about, and nothing else is touched.

use crate::domain::deployment::Deployment;
use crate::domain::event::{Actor, Decision, Event, Outcome};
use crate::domain::ids::{RoleKey, UserId};
use crate::domain::sign_off::{ChecksSeen, Rank, Signature};
use crate::markdown;
use crate::report::filling;
use crate::report::tests::{ALEX, LEE, checklist, names, played};

const ROLES: &str = "---
sign-offs:
  tech-lead: { role: Tech Lead }
  lead: { role: Lead }
  qa: { role: QA Lead }
---
";

fn decided(decision: Decision) -> (Actor, Event) {
    let reason = None;
    (LEE, Event::Decided { decision, reason })
}

fn finished(outcome: Outcome) -> (Actor, Event) {
    let reason = None;
    (LEE, Event::Finished { outcome, reason })
}

/// The document with its answers ticked and nothing else.
fn answered(deployment: &Deployment) -> String {
    let filling = markdown::Filling {
        answers: filling(deployment, &names).answers,
        ..markdown::Filling::default()
    };
    markdown::export(&deployment.checklist, &filling)
}

/// What becomes of a document whose deployment saw this.
fn after(source: &str, events: Vec<(Actor, Event)>) -> String {
    answered(&played(checklist(source), events))
}

#[test]
fn the_decision_is_ticked_where_it_is_asked_for() {
    for (source, go, no_go) in [
        (
            "- [ ] Shall we? [ ] GO  [ ] NO-GO <!-- decision -->\n",
            "- [ ] Shall we? [x] GO  [ ] NO-GO <!-- decision -->\n",
            "- [ ] Shall we? [ ] GO  [x] NO-GO <!-- decision -->\n",
        ),
        (
            "- [ ] Go/No-go decision: [ ] GO  [ ] NO-GO\n",
            "- [ ] Go/No-go decision: [x] GO  [ ] NO-GO\n",
            "- [ ] Go/No-go decision: [ ] GO  [x] NO-GO\n",
        ),
        (
            "**Final decision:** ☐ **Go** / ☐ No Go (why: ____)  \r\n",
            "**Final decision:** ☑ **Go** / ☐ No Go (why: ____)  \r\n",
            "**Final decision:** ☐ **Go** / ☑ No Go (why: ____)  \r\n",
        ),
        (
            "| Go | No-Go |\n|---|---|\n| [ ] | [ ] |\n",
            "| Go | No-Go |\n|---|---|\n| [x] | [ ] |\n",
            "| Go | No-Go |\n|---|---|\n| [ ] | [x] |\n",
        ),
    ] {
        assert_eq!(after(source, Vec::new()), source, "nothing is decided");
        assert_eq!(after(source, vec![decided(Decision::Go)]), go);
        assert_eq!(after(source, vec![decided(Decision::NoGo)]), no_go);
    }
}

#[test]
fn how_the_deployment_stands_is_ticked_where_it_is_asked_for() {
    let source = "# R\n**By**: ____\n**Staging deployment status**: [ ] IN PROGRESS [ ] COMPLETED [ ] FAILED [ ] ROLLED BACK\n";
    for (events, ticked) in [
        (Vec::new(), "IN PROGRESS"),
        (vec![finished(Outcome::Complete)], "COMPLETED"),
        (vec![finished(Outcome::Failed)], "FAILED"),
    ] {
        let wanted = source.replace(&format!("[ ] {ticked}"), &format!("[x] {ticked}"));
        assert_eq!(after(source, events), wanted);
    }
    // It failed, but that it was rolled back is not known.
    let source = "Outcome: ☐ Success ☐ Rolled back\n";
    assert_eq!(after(source, vec![finished(Outcome::Failed)]), source);
}

#[test]
fn a_role_s_answer_is_ticked_where_one_role_is_named() {
    let source = format!(
        "{ROLES}| Role | Approved | Rejected |\n|---|---|---|\n| Tech Lead | [ ] | [ ] |\n| QA Lead | [ ] | [ ] |\n\n\
         Lead: ☐ Approved ☐ Rejected\n\nTech Lead and QA Lead: ☐ Approved ☐ Rejected\n\n\
         Somebody: ☐ Approved ☐ Rejected\n\n- [ ] We: [ ] Approved [ ] Rejected <!-- sign-off: tech-lead -->\n"
    );
    let read = checklist(&source);
    let approved = |role: &str| Event::Approved {
        role: RoleKey::new(role),
        signature: Signature {
            by: UserId(2),
            rank: Rank::Owner,
            at: "2026-11-21T00:58:00Z".parse().expect("a moment"),
            request: 1,
            checklist: read.hash.clone(),
            version: "2.4.1".to_owned(),
            checks: ChecksSeen(String::new()),
        },
    };
    let asked = |role: &str| {
        let role = RoleKey::new(role);
        (ALEX, Event::SignOffRequested { role })
    };
    let qa = RoleKey::new("qa");
    let rejected = Event::Rejected {
        role: qa,
        reason: None,
    };
    let events = vec![
        asked("tech-lead"),
        asked("qa"),
        asked("lead"),
        (LEE, approved("tech-lead")),
        (LEE, rejected),
    ];
    let wanted = source
        .replace("| Tech Lead | [ ] | [ ] |", "| Tech Lead | [x] | [ ] |")
        .replace("| QA Lead | [ ] | [ ] |", "| QA Lead | [ ] | [x] |")
        .replace("We: [ ] Approved", "We: [x] Approved");
    assert_eq!(answered(&played(read.clone(), events)), wanted);
}

#[test]
fn what_is_not_surely_meant_stays_as_it_is() {
    for source in [
        // Somebody has answered already.
        "Decision: [x] GO [ ] NO-GO\n",
        // Twice the same answer, or only one.
        "Decision: [ ] GO [ ] GO\n",
        "Decision: [ ] GO\n",
        // Something else is meant.
        "Smoke test: [ ] SUCCESS [ ] FAILED\n",
        "- [ ] Status: [ ] COMPLETE [ ] FAILED\n",
        "Engineering: [ ] GO [ ] NO-GO\n",
        "Status: ☐ PASS ☐ FAIL\n",
        "Decision: [ ] GO [ ] FAILED\n",
        // Each part has its own.
        "# A\nStatus: [ ] COMPLETE [ ] FAILED\n# B\nStatus: [ ] COMPLETE [ ] FAILED\n",
        // No boxes at all.
        "Decision: `[ ] GO [ ] NO-GO`\n",
        "Decision: \\[ ] GO \\[ ] NO-GO\n",
        "Decision: [ ](a) GO [ ](b) NO-GO\n",
        "    Decision: [ ] GO [ ] NO-GO\n",
        "<!-- Decision: [ ] GO [ ] NO-GO -->\n",
    ] {
        let events = vec![decided(Decision::Go), finished(Outcome::Complete)];
        assert_eq!(after(source, events), source);
    }
}

#[test]
fn of_the_shipped_checklists_one_offers_answers_on_two_lines() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("checklists");
    let mut changed = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let source = std::fs::read_to_string(&path).expect("it is text");
        if !source.starts_with("---") {
            continue;
        }
        let filled = after(&source, vec![decided(Decision::Go), finished(Outcome::Failed)]);
        assert_eq!(filled.lines().count(), source.lines().count());
        for (line, before) in filled.lines().zip(source.lines()) {
            if line != before {
                changed.push(line.trim_end().to_owned());
            }
        }
    }
    insta::assert_snapshot!(changed.join("\n"), @r"
    - [ ] Go or no-go, the decision: [x] GO  [ ] NO-GO <!-- decision -->
    **Where we stand**: [ ] IN PROGRESS  [ ] COMPLETE  [x] FAILED
    ");
}
