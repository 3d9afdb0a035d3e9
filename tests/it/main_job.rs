//! The main job: a checklist is started, worked on, signed, released and given back filled in.

use std::collections::BTreeSet;

use discord_stand_in::Message;
use holdpoint::domain::checklist::{Checklist, Item};
use holdpoint::domain::deployment::{Deployment, ItemState, Phase};
use holdpoint::domain::event::How;
use holdpoint::domain::ids::ChecklistName;
use holdpoint::markdown;

use crate::harness::{Run, SHIPPED, SMALL, Seed, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_small_release_from_the_first_box_to_the_report() {
    let world = World::with(&[("small", SMALL)]).await;
    let (mara, theo, quinn) = (world.mara(), world.theo(), world.quinn());
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    mara.lets_hold("qa-lead", "Quinn", "owner").await;

    let run = mara.start("small", "2.4.1", "staging").await;
    let board = world.board(&run).await;
    assert!(
        board.text().contains("Small release") && board.text().contains("2.4.1"),
        "{}",
        board.text()
    );
    assert!(board.text().contains("0/"), "{}", board.text());

    // By number, by words, and by a choice that opens as one types.
    mara.tick(&run, "1.1").await;
    mara.tick(&run, "of the database").await;
    let offered = mara
        .is_offered(&run.thread, "deploy tick", &[], ("item", "upl"))
        .await;
    let choice = offered.first().expect("the uploads are offered");
    assert!(choice.name.contains("of the uploads"), "{}", choice.name);
    theo.tick(&run, choice.value.as_str().unwrap()).await;
    let deployment = world.deployment(&run).await;
    let parent = deployment.item_state(1);
    assert!(
        matches!(parent, ItemState::Ticked { .. }),
        "the parent follows its children: {parent:?}"
    );

    // Assigned, noted, blocked and let go again, and its blank filled in.
    theo.deploy_and_hear(&run, "assign", &[("item", "1.3"), ("to", "Quinn")], "Next")
        .await;
    theo.deploy_and_hear(
        &run,
        "note",
        &[("text", "Friday evening suits"), ("item", "1.3")],
        "Next",
    )
    .await;
    theo.deploy_and_hear(
        &run,
        "block",
        &[("item", "1.3"), ("reason", "no answer yet")],
        "no answer yet",
    )
    .await;
    let stuck = world.board(&run).await;
    assert!(stuck.text().contains("1 blocked"), "{}", stuck.text());
    quinn
        .deploy_and_hear(&run, "tick", &[("item", "1.3")], "is blocked by")
        .await;
    quinn
        .deploy_and_hear(
            &run,
            "unblock",
            &[("item", "1.3"), ("reason", "they agreed")],
            "Next",
        )
        .await;
    let blanks = quinn
        .is_offered(&run.thread, "deploy fill", &[], ("blank", "window"))
        .await;
    let blank = blanks
        .first()
        .expect("the blank is offered")
        .value
        .as_str()
        .unwrap()
        .to_owned();
    quinn
        .deploy_and_hear(&run, "fill", &[("blank", &blank), ("value", "22:00")], "22:00")
        .await;
    quinn.deploy(&run, "tick", &[("item", "1.3")]).await;

    // Two roles sign; then it is Mara who is told, and Theo who decides.
    let for_theo = world.card(&run, "Tech Lead", &["Theo"]).await;
    let for_quinn = world.card(&run, "QA Lead", &["Quinn"]).await;
    theo.react(&for_theo, "✅");
    world.until_it_says(&for_theo, "has approved").await;
    mara.deploy_and_hear(&run, "go", &[], "GO waits until").await;
    quinn.react(&for_quinn, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    theo.deploy_and_hear(&run, "go", &[], "GO").await;
    world.hear(&run.thread, "🚀 **GO** for", &[]).await;
    mara.deploy(&run, "tick", &[("item", "3.1")]).await;
    mara.deploy_and_hear(&run, "finish", &[("outcome", "complete")], "report")
        .await;
    let end = world.hear(&run.thread, "is complete", &[]).await;

    let report = world.attachment(&end).await;
    for said in [
        "- [x] Release notes are written",
        "ticked by @Mara",
        "from 22:00 on",
        "Friday evening suits",
        "- [x] Tech Lead: @Theo Date: 2026-03-06",
        "- [x] QA Lead: @Quinn Date: 2026-03-06",
        "- [x] GO or NO-GO",
        "- [x] Switch the traffic over",
    ] {
        assert!(report.contains(said), "{said:?} is missing:\n{report}");
    }
    assert_all_closed(&report, 9);
    let board = world.board(&run).await;
    assert!(board.text().contains("✅ **Complete**"), "{}", board.text());
    mara.deploy_and_hear(&run, "tick", &[("item", "1.1")], "has ended: complete")
        .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_telehealth_checklist_from_start_to_report() {
    play(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crm_checklist_from_start_to_report() {
    play(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_booking_checklist_from_start_to_report() {
    play(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_platform_checklist_from_start_to_report() {
    play(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rollout_checklist_from_start_to_report() {
    play(4).await;
}

/// Plays one of the shipped checklists: every box is ticked or skipped by hand, every role signs.
async fn play(shipped: usize) {
    let (name, text, count) = SHIPPED[shipped];
    let world = World::with(&[(name, text)]).await;
    let source = markdown::parse(&ChecklistName::new(name), text.as_bytes()).checklist;
    assert_eq!(source.items.len(), count);
    for role in source.sign_offs.keys() {
        world.mara().lets_hold(role.as_str(), "Theo", "owner").await;
    }
    let run = world.mara().start(name, "1.0.0", "production").await;
    let mut signed = BTreeSet::new();
    loop {
        let worked = work_through(&world, &run).await;
        let answered = sign(&world, &run, &mut signed).await;
        let deployment = world.deployment(&run).await;
        let idle = !worked && !answered;
        let is_ready = deployment.phase == Phase::Preparing && deployment.holds_of_go().is_empty();
        if idle && is_ready && deployment.asks_for_go() {
            world
                .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
                .await;
            world.theo().deploy_and_hear(&run, "go", &[], "GO").await;
            world.hear(&run.thread, "🚀 **GO** for", &[]).await;
            continue;
        }
        if idle {
            break;
        }
    }
    for blank in &source.blanks {
        let options = [("blank", blank.id.as_str()), ("value", "filled in")];
        world
            .mara()
            .deploy_and_hear(&run, "fill", &options, "filled in")
            .await;
    }
    world
        .mara()
        .deploy_and_hear(&run, "finish", &[("outcome", "complete")], "/deploy report")
        .await;
    let end = world.hear(&run.thread, "is complete", &[]).await;
    let report = world.attachment(&end).await;
    assert_all_closed(&report, count);
    assert_same_document(&source, &report, name);
    assert!(!report.contains("____"), "a blank was left: {report}");
    world.finish().await;
}

/// One pass over the document: whatever a person can close now is ticked, or skipped where only a check could tick it.
async fn work_through(world: &World, run: &Run) -> bool {
    let mut worked = false;
    for index in 0..world.deployment(run).await.checklist.items.len() {
        let deployment = world.deployment(run).await;
        let item = &deployment.checklist.items[index];
        let closable = *deployment.item_state(index) == ItemState::Open
            && deployment.held(index).is_none()
            && item.sign_off.is_none()
            && !item.decision
            && deployment.required_children(index).next().is_none();
        if !closable {
            continue;
        }
        if item.checks.is_empty() {
            let answer = world
                .mara()
                .deploy(run, "tick", &[("item", item.id.as_str())])
                .await;
            assert!(
                answer.text().contains('✅') || answer.text().contains('☑'),
                "{}",
                answer.text()
            );
        } else {
            skip_after_a_look(world, run, item).await;
        }
        worked = true;
    }
    worked |= doubt_the_document(world, run).await;
    // Boxes above others that were skipped, and stand open for their own check.
    let deployment = world.deployment(run).await;
    for (index, item) in deployment.checklist.items.iter().enumerate() {
        let now = world.deployment(run).await;
        let waits_for_check = *now.item_state(index) == ItemState::Open
            && now.held(index).is_none()
            && !item.checks.is_empty()
            && item.sign_off.is_none()
            && now
                .required_children(index)
                .all(|child| now.item_state(child).is_closed());
        if waits_for_check {
            skip_after_a_look(world, run, item).await;
            worked = true;
        }
    }
    worked
}

/// Mara skips an item that a check would have decided.
async fn skip_after_a_look(world: &World, run: &Run, item: &Item) {
    let options = [("item", item.id.as_str()), ("reason", "looked at by hand")];
    world
        .mara()
        .deploy_and_hear(run, "skip", &options, "looked at by hand")
        .await;
}

/// Boxes that came ticked although a check decides them: a gate that needs checks takes no document's word, so they are
/// opened, and skipped with a reason.
async fn doubt_the_document(world: &World, run: &Run) -> bool {
    let deployment = world.deployment(run).await;
    let mut worked = false;
    for (index, item) in deployment.checklist.items.iter().enumerate() {
        let ticked = matches!(
            deployment.item_state(index),
            ItemState::Ticked {
                how: How::InTheDocument,
                ..
            }
        );
        if ticked && item.checks.iter().any(|check| !deployment.has_passed(check)) {
            world
                .mara()
                .deploy(run, "untick", &[("item", item.id.as_str())])
                .await;
            skip_after_a_look(world, run, item).await;
            worked = true;
        }
    }
    worked
}

/// Every role that is asked and has not been answered is signed by Theo.
async fn sign(world: &World, run: &Run, signed: &mut BTreeSet<String>) -> bool {
    let deployment = world.deployment(run).await;
    let asked: Vec<_> = deployment.asked_roles().cloned().collect();
    let mut answered = false;
    for role in asked
        .into_iter()
        .filter(|role| signed.insert(role.as_str().to_owned()))
    {
        let title = &deployment.checklist.sign_offs[&role].title;
        let card = world.card(run, title, &["Theo"]).await;
        world.theo().react(&card, "✅");
        world.until_it_says(&card, "has approved").await;
        answered = true;
    }
    answered
}

/// Reads a report as a checklist again: so many items, and each is ticked or says who skipped it.
fn assert_all_closed(report: &str, count: usize) {
    let read = markdown::parse(&ChecklistName::new("report"), report.as_bytes()).checklist;
    assert_eq!(read.items.len(), count, "{report}");
    for item in &read.items {
        assert!(
            item.checked || item.text.contains("skipped by"),
            "line {}: {}",
            item.line,
            item.text
        );
    }
}

/// The report is the document it was made from: its items in their order, each with all of its words.
fn assert_same_document(source: &Checklist, report: &str, name: &str) {
    let read = markdown::parse(&ChecklistName::new(name), report.as_bytes()).checklist;
    for (before, after) in source.items.iter().zip(&read.items) {
        assert_eq!(before.id, after.id);
        let words = before.text.split("___").next().unwrap_or_default().trim_end();
        // An answer that was chosen on the line, as GO, is ticked.
        let unticked = after.text.replace("[x]", "[ ]");
        assert!(
            unticked.starts_with(words),
            "{} became {}",
            before.text,
            after.text
        );
    }
}

/// Every item of the largest checklist is reached from the board by menus, page by page.
#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_two_hundred_is_reached_through_menus() {
    let (name, text, count) = SHIPPED[2];
    let world = Seed::default().checklist(name, text).start().await;
    let mara = world.mara();
    let run = mara.start(name, "1.0.0", "production").await;
    let board = world.board(&run).await;
    let menus: Vec<(String, Vec<String>)> = menus_of(&board);
    let sections: Vec<(String, String)> = menus
        .iter()
        .flat_map(|(menu, values)| values.iter().map(move |value| (menu.clone(), value.clone())))
        .collect();
    let mut in_all = BTreeSet::new();
    let mut in_sections = BTreeSet::new();
    for (menu, section) in &sections {
        let reached = if section == "-" {
            &mut in_all
        } else {
            &mut in_sections
        };
        let mut page = mara.choose(&board, menu, section).await;
        assert!(page.is_ephemeral(), "a walk is for the walker alone");
        loop {
            for (_, items) in menus_of(&page) {
                reached.extend(items);
            }
            if page.button("Next →").is_none() {
                break;
            }
            page = mara.press(&page, "Next →").await;
        }
    }
    let every: BTreeSet<String> = items_of(&*world.deployment(&run).await);
    assert_eq!(every.len(), count);
    assert_eq!(in_all, every);
    assert_eq!(in_sections, every);
    world.finish().await;
}

fn items_of(deployment: &Deployment) -> BTreeSet<String> {
    deployment
        .checklist
        .items
        .iter()
        .map(|item| item.id.as_str().to_owned())
        .collect()
}

/// The menus of a message, with their values.
fn menus_of(message: &Message) -> Vec<(String, Vec<String>)> {
    message
        .all_components()
        .filter(|component| component["type"] == 3)
        .map(|menu| {
            let values = menu["options"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|option| option["value"].as_str().map(str::to_owned));
            (
                menu["custom_id"].as_str().unwrap_or_default().to_owned(),
                values.collect(),
            )
        })
        .collect()
}

/// The buttons of the board and of an item's card do what they say.
#[tokio::test(flavor = "multi_thread")]
async fn buttons_tick_skip_block_and_note() {
    let world = World::with(&[("small", SMALL)]).await;
    let (mara, theo) = (world.mara(), world.theo());
    let run = mara.start("small", "2.4.1", "staging").await;
    let board = world.board(&run).await;

    let ticked = theo.press(&board, "Tick 1.1").await;
    assert!(
        ticked.text().contains("1.1") && !ticked.is_ephemeral(),
        "{}",
        ticked.text()
    );
    let log = theo.press(&board, "Log").await;
    assert!(
        log.is_ephemeral() && log.text().contains("Release notes are written"),
        "{}",
        log.text()
    );
    let sign_offs = theo.press(&board, "Sign-offs").await;
    assert!(
        sign_offs.is_ephemeral() && sign_offs.text().contains("Tech Lead"),
        "{}",
        sign_offs.text()
    );

    let (menu, _) = menus_of(&board).into_iter().next().expect("the board has a menu");
    let section = mara.choose(&board, &menu, "1").await;
    let (menu, items) = menus_of(&section)
        .into_iter()
        .next()
        .expect("the section has a menu");
    assert_eq!(items, ["1.1", "1.2", "1.2.1", "1.2.2", "1.3"]);
    let item = mara.choose(&section, &menu, "1.2.1").await;
    assert!(item.text().contains("of the database"), "{}", item.text());

    let why = mara.open(&item, "Skip…").await;
    assert_eq!(why.title(), "Skip 1.2.1");
    let skipped = mara.submit(&why, "the database is new").await;
    assert!(
        skipped.text().contains("the database is new") && !skipped.is_ephemeral(),
        "{}",
        skipped.text()
    );
    let item = mara
        .choose(&mara_section(&world, &run).await, &menu, "1.2.2")
        .await;
    let why = mara.open(&item, "Block…").await;
    let blocked = mara.submit(&why, "the disk is full").await;
    assert!(blocked.text().contains("the disk is full"), "{}", blocked.text());
    let note = mara.open(&item, "Note…").await;
    let noted = mara.submit(&note, "ordered a larger one").await;
    assert!(noted.text().contains("ordered a larger one"), "{}", noted.text());

    let deployment = world.deployment(&run).await;
    assert!(matches!(deployment.item_state(2), ItemState::Skipped { .. }));
    assert!(matches!(deployment.item_state(3), ItemState::Blocked { .. }));
    assert_eq!(deployment.notes.len(), 1);
    world.finish().await;
}

/// Mara's own view of the first section, opened anew.
async fn mara_section(world: &World, run: &Run) -> Message {
    world.mara().deploy(run, "status", &[("section", "1")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_are_too_old_to_come_again_are_forgotten_while_it_runs() {
    let world = World::with(&[]).await;
    let input = holdpoint::domain::ids::InputId::new("an old one");
    assert!(world.engine().is_first(&input).await.unwrap());
    assert!(!world.engine().is_first(&input).await.unwrap());
    world.advance(31 * 24 * 60);
    world
        .until("the input to be forgotten", async || {
            world.engine().is_first(&input).await.unwrap()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_in_a_thread_opens_its_thread_beside_it() {
    let world = World::with(&[("small", SMALL)]).await;
    let mara = world.mara();
    let first = mara.start("small", "2.4.1", "staging").await;
    let options = [
        ("checklist", "small"),
        ("version", "2.4.2"),
        ("environment", "staging"),
    ];
    mara.slash(&first.thread, "deploy start", &options).await;
    let second = mara.finds(&world.releases(), 2).await;
    assert_ne!(second.thread.id(), first.thread.id());
    world.finish().await;
}
