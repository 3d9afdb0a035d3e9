//! Pages of items, an item's card, and the log.

use super::super::message::shown::shown;
use super::super::{item_list, log};
use super::stage::{DEPUTY, STARTER, Stage, TECH_LEAD, checklist, item, reason};
use crate::domain::check::CheckStatus;
use crate::domain::command::Command;
use crate::domain::event::Outcome;
use crate::domain::ids::{BlankId, ItemId, SectionId};
use crate::domain::text::{BlankValue, Remark};

fn card(stage: &Stage, id: &str) -> String {
    let (index, _) = stage
        .deployment
        .checklist
        .item(&ItemId::new(id))
        .expect("it is there");
    shown(&item_list::item(&stage.deployment, index))
}

fn worked_on() -> Stage {
    let mut stage = Stage::staging();
    stage.tick("1.2.1");
    stage.does(
        STARTER,
        Command::Block {
            item: item("1.2.2"),
            reason: reason("The volume is full"),
        },
    );
    stage.does(
        STARTER,
        Command::Assign {
            item: item("1.2.2"),
            to: Some(DEPUTY),
        },
    );
    stage.does(
        STARTER,
        Command::Skip {
            item: item("1.5"),
            reason: reason("They know"),
        },
    );
    let text = Remark::parse("Asked for a bigger one").expect("a remark");
    stage.does(
        DEPUTY,
        Command::Note {
            item: Some(item("1.2.2")),
            text,
        },
    );
    stage.check("tests", CheckStatus::Failed, "exit_code was 1, expected 0");
    stage
}

#[test]
fn a_page_shows_states_nesting_and_whose_an_item_is() {
    let stage = worked_on();
    insta::assert_snapshot!(shown(&item_list::page(&stage.deployment, None, 0)), @r"
    ┌ Blue · All items
    │ **Pre-deployment**
    │ ☐ `1.1` Health endpoint answers
    │ ☐ `1.2` The database is ready
    │ ⤷ ✅ `1.2.1` Migrations can be undone
    │ ⤷ ⛔ `1.2.2` A backup was taken · <@5>
    │ ☐ `1.3` Tests pass
    │ ✅ `1.4` The branch is protected
    │ ⏭ `1.5` Tell support \(nice to have\) (opt)
    │ **Approval**
    │ ☐ `2.1` Approved by the Tech Lead: \_\_\_ Date: \_\_\_
    │ ☐ `2.2` QA has looked
    │ ☐ `2.3` GO or NO-GO
    │ **Deployment**
    │ 🔒 `3.1` Deploy the build
    │ 🔒 `3.2` Watch the errors for an hour
    │ **Rollback**
    │ ☐ `4.1` Put the last build back (opt)
    └ Page 1 of 1 · 3 of 13 items closed · Deployment #12 · started 2026-11-21 00:40 UTC
    ▾ Open an item → v1:item-of:12:-:0
        1.1 = ☐ 1.1 Health endpoint answers (open)
        1.2 = ☐ 1.2 The database is ready (open)
        1.2.1 = ✅ 1.2.1 Migrations can be undone (ticked)
        1.2.2 = ⛔ 1.2.2 A backup was taken (blocked: The volume is full)
        1.3 = ☐ 1.3 Tests pass (open)
        1.4 = ✅ 1.4 The branch is protected (ticked)
        1.5 = ⏭ 1.5 Tell support (nice to have) (skipped: They know)
        2.1 = ☐ 2.1 Approved by the Tech Lead: ___ Date: ___ (open)
        2.2 = ☐ 2.2 QA has looked (open)
        2.3 = ☐ 2.3 GO or NO-GO (open)
        3.1 = 🔒 3.1 Deploy the build (open, held by a gate)
        3.2 = 🔒 3.2 Watch the errors for an hour (open, held by a gate)
        4.1 = ☐ 4.1 Put the last build back (open, optional)
    ");
    let section = SectionId::new("3");
    insta::assert_snapshot!(shown(&item_list::page(&stage.deployment, Some(&section), 0)), @r"
    ┌ Blue · Deployment
    │ 🔒 `3.1` Deploy the build
    │ 🔒 `3.2` Watch the errors for an hour
    └ Page 1 of 1 · 0 of 2 items closed · Deployment #12 · started 2026-11-21 00:40 UTC
    ▾ Open an item → v1:item-of:12:3:0
        3.1 = 🔒 3.1 Deploy the build (open, held by a gate)
        3.2 = 🔒 3.2 Watch the errors for an hour (open, held by a gate)
    ");
    let nowhere = SectionId::new("9");
    insta::assert_snapshot!(shown(&item_list::page(&stage.deployment, Some(&nowhere), 0)), @"There are no items there. `/deploy status` shows the sections.");
}

#[test]
fn many_items_are_paged() {
    let items: String = (1..=45)
        .map(|n| format!("- [ ] Step {n}\n"))
        .collect::<Vec<_>>()
        .concat();
    let stage = Stage::of(checklist("many", format!("# Many\n## All\n{items}").as_bytes()));
    let pages: Vec<_> = (0..4)
        .map(|page| item_list::page(&stage.deployment, None, page))
        .collect();
    let heads: Vec<String> = pages
        .iter()
        .map(|page| {
            let embed = page.embed.as_ref().expect("a frame");
            let lines = embed.description.lines().count();
            let buttons = shown(page)
                .lines()
                .find(|line| line.starts_with('['))
                .map(str::to_owned);
            format!(
                "{} lines | {} | {}",
                lines,
                embed.footer,
                buttons.unwrap_or_default()
            )
        })
        .collect();
    insta::assert_snapshot!(heads.join("\n"), @r"
    21 lines | Page 1 of 3 · 0 of 45 items closed · Deployment #12 · started 2026-11-21 00:40 UTC | [Next →] → v1:items:12:-:1
    21 lines | Page 2 of 3 · 0 of 45 items closed · Deployment #12 · started 2026-11-21 00:40 UTC | [← Previous] → v1:items:12:-:0  [Next →] → v1:items:12:-:2
    6 lines | Page 3 of 3 · 0 of 45 items closed · Deployment #12 · started 2026-11-21 00:40 UTC | [← Previous] → v1:items:12:-:1
    6 lines | Page 3 of 3 · 0 of 45 items closed · Deployment #12 · started 2026-11-21 00:40 UTC | [← Previous] → v1:items:12:-:1
    ");
    let everything = pages.iter().take(3).map(shown).collect::<String>();
    assert!((1..=45).all(|n| everything.contains(&format!("`1.{n}` Step {n}"))));
}

#[test]
fn an_items_card_says_all_that_is_known_and_what_can_be_done() {
    let mut stage = worked_on();
    insta::assert_snapshot!(card(&stage, "1.2.1"), @r"
    ┌ Green · ✅ 1.2.1
    │ **Migrations can be undone**
    │ Staging › Pre-deployment
    │ 
    │ Ticked by <@1> <t:1795221600:R>
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Untick] → v1:untick:12:1.2.1  [Note…] → v1:note:12:1.2.1
    ");
    insta::assert_snapshot!(card(&stage, "1.2.2"), @r"
    ┌ Red · ⛔ 1.2.2
    │ **A backup was taken**
    │ Staging › Pre-deployment
    │ 
    │ Blocked by <@1> <t:1795221600:R>: The volume is full
    │ `/deploy unblock` lets it go on.
    │ Assigned to <@5>
    │ 📝 <@5> <t:1795221600:R>: Asked for a bigger one
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Skip…] → v1:skip:12:1.2.2  [Note…] → v1:note:12:1.2.2
    ");
    insta::assert_snapshot!(card(&stage, "1.2"), @r"
    ┌ Blue · ☐ 1.2
    │ **The database is ready**
    │ Staging › Pre-deployment
    │ 
    │ Open
    │ It ticks itself with what is nested in it; still open: `1.2.2`
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Skip…] → v1:skip:12:1.2  [Block…] → v1:block:12:1.2  [Note…] → v1:note:12:1.2
    ");
    insta::assert_snapshot!(card(&stage, "1.3"), @r"
    ┌ Blue · ☐ 1.3
    │ **Tests pass**
    │ Staging › Pre-deployment
    │ 
    │ Open
    │ ❌ Check `tests` <t:1795221600:R>: exit\_code was 1, expected 0
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Skip…] → v1:skip:12:1.3  [Block…] → v1:block:12:1.3  [Note…] → v1:note:12:1.3
    ");
    insta::assert_snapshot!(card(&stage, "3.1"), @r"
    ┌ Blue · 🔒 3.1
    │ **Deploy the build**
    │ Staging › Deployment
    │ 
    │ Open
    │ 🔒 “Deployment” does not begin while `1.2.2` A backup was taken is blocked by <@1>: The volume is full · 2 checks have not passed: `health` and `tests` · 2 items are open in Pre-deployment · and 2 more
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Skip…] → v1:skip:12:3.1  [Block…] → v1:block:12:3.1  [Note…] → v1:note:12:3.1
    ");
    insta::assert_snapshot!(card(&stage, "4.1"), @r"
    ┌ Blue · ☐ 4.1
    │ **Put the last build back**
    │ Staging › Rollback
    │ 
    │ Open
    │ Optional: nothing waits for it.
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Tick] → v1:tick:12:4.1  [Skip…] → v1:skip:12:4.1  [Block…] → v1:block:12:4.1  [Note…] → v1:note:12:4.1
    ");
    let blank: BlankId = stage
        .deployment
        .checklist
        .blanks
        .iter()
        .map(|blank| blank.id.clone())
        .next()
        .expect("one");
    let value = BlankValue::parse("Kim").expect("a value");
    stage.does(STARTER, Command::Fill { blank, value });
    insta::assert_snapshot!(card(&stage, "2.1"), @r"
    ┌ Blue · ☐ 2.1
    │ **Approved by the Tech Lead: \_\_\_ Date: \_\_\_**
    │ Staging › Approval
    │ 
    │ Open
    │ **Tech Lead** signs it, on its card: `/deploy signoff`
    │ ✏️ Approved by the Tech Lead: Kim (<@1> <t:1795221600:R>)
    │ ✏️ Date: empty, `/deploy fill`
    └ Deployment #12 · started 2026-11-21 00:40 UTC
    [Block…] → v1:block:12:2.1  [Note…] → v1:note:12:2.1
    ");
    stage.does(
        TECH_LEAD,
        Command::Finish {
            outcome: Outcome::Failed,
            reason: Some(reason("Called off")),
        },
    );
    insta::assert_snapshot!(card(&stage, "1.2").lines().last().unwrap_or_default(), @"[Note…] → v1:note:12:1.2");
}

#[test]
fn the_log_is_newest_first_and_paged() {
    let mut stage = worked_on();
    insta::assert_snapshot!(shown(&log::page(&stage.deployment, &stage.events, 0)), @r"
    ┌ Grey · Log · Staging release · 2.4.1 → staging
    │ <t:1795221600:f> to <t:1795221600:f>
    │ <t:1795221600:t> ❌ check `tests` failed: exit\_code was 1, expected 0
    │ <t:1795221600:t> 📝 <@5> noted on `1.2.2`: Asked for a bigger one
    │ <t:1795221600:t> ⏭ <@1> skipped `1.5` Tell support \(nice to have\): They know
    │ <t:1795221600:t> 👤 <@1> gave `1.2.2` A backup was taken to <@5>
    │ <t:1795221600:t> ⛔ <@1> blocked `1.2.2` A backup was taken: The volume is full
    │ <t:1795221600:t> ✅ <@1> ticked `1.2.1` Migrations can be undone
    │ <t:1795221600:t> ▶️ <@1> started 2.4.1 → staging
    └ Page 1 of 1 · 7 events · Deployment #12 · started 2026-11-21 00:40 UTC
    ");
    for _ in 0..10 {
        stage.does(STARTER, Command::Untick { item: item("1.2.1") });
        stage.tick("1.2.1");
    }
    let last = log::page(&stage.deployment, &stage.events, 99);
    insta::assert_snapshot!(shown(&last), @r"
    ┌ Grey · Log · Staging release · 2.4.1 → staging
    │ <t:1795221600:f> to <t:1795221600:f>
    │ <t:1795221600:t> ↩️ <@1> opened `1.2.1` Migrations can be undone again
    │ <t:1795221600:t> ✅ <@1> ticked `1.2.1` Migrations can be undone
    │ <t:1795221600:t> ↩️ <@1> opened `1.2.1` Migrations can be undone again
    │ <t:1795221600:t> ✅ <@1> ticked `1.2.1` Migrations can be undone
    │ <t:1795221600:t> ↩️ <@1> opened `1.2.1` Migrations can be undone again
    │ <t:1795221600:t> ❌ check `tests` failed: exit\_code was 1, expected 0
    │ <t:1795221600:t> 📝 <@5> noted on `1.2.2`: Asked for a bigger one
    │ <t:1795221600:t> ⏭ <@1> skipped `1.5` Tell support \(nice to have\): They know
    │ <t:1795221600:t> 👤 <@1> gave `1.2.2` A backup was taken to <@5>
    │ <t:1795221600:t> ⛔ <@1> blocked `1.2.2` A backup was taken: The volume is full
    │ <t:1795221600:t> ✅ <@1> ticked `1.2.1` Migrations can be undone
    │ <t:1795221600:t> ▶️ <@1> started 2.4.1 → staging
    └ Page 2 of 2 · 27 events · Deployment #12 · started 2026-11-21 00:40 UTC
    [← Newer] → v1:log:12:0
    ");
}

#[test]
fn the_log_has_words_for_everything_that_happens() {
    let mut stage = Stage::ready();
    stage.does(TECH_LEAD, Command::Go);
    stage.does(
        TECH_LEAD,
        Command::NoGo {
            reason: reason("Errors are rising"),
        },
    );
    stage.check("health", CheckStatus::Error, "the name could not be resolved");
    stage.does(
        TECH_LEAD,
        Command::Finish {
            outcome: Outcome::Failed,
            reason: Some(reason("Called off")),
        },
    );
    let page = log::page(&stage.deployment, &stage.events, 0);
    insta::assert_snapshot!(shown(&page), @r"
    ┌ Grey · Log · Staging release · 2.4.1 → staging
    │ <t:1795221900:f> to <t:1795221900:f>
    │ <t:1795221900:t> ❌ <@2> ended it: **failed**: Called off
    │ <t:1795221900:t> ↩️ `1.1` Health endpoint answers is open again, with what it follows
    │ <t:1795221900:t> ↩️ `2.1` Approved by the Tech Lead: \_\_\_ Date: \_\_\_ is open again, with what it follows
    │ <t:1795221900:t> ↩️ `2.2` QA has looked is open again, with what it follows
    │ <t:1795221900:t> ⚠️ the approval of <@2> as **Tech Lead** no longer counts: check `health` has changed
    │ <t:1795221900:t> ⚠️ the approval of <@4> as **QA Lead** no longer counts: check `health` has changed
    │ <t:1795221900:t> ⚠️ the approval of <@3> as **QA Lead** no longer counts: check `health` has changed
    │ <t:1795221900:t> ⚠️ check `health` could not be run: the name could not be resolved
    │ <t:1795221900:t> ↩️ `2.3` GO or NO-GO is open again, with what it follows
    │ <t:1795221900:t> ⛔ <@2> decided **NO-GO**: Errors are rising
    │ <t:1795221900:t> ✅ `2.3` GO or NO-GO ticked itself
    │ <t:1795221900:t> 🚀 <@2> decided **GO**
    │ <t:1795221900:t> ✅ `2.2` QA has looked ticked itself
    │ <t:1795221900:t> ✅ <@4> approved as **QA Lead** (owner)
    │ <t:1795221900:t> ✅ <@3> approved as **QA Lead** (owner)
    └ Page 1 of 2 · 27 events · Deployment #12 · started 2026-11-21 00:40 UTC
    [Older →] → v1:log:12:1
    ");
}
