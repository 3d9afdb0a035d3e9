//! Checks, run from chat against a service that the test holds in its hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use discord_stand_in::Interaction;
use holdpoint::domain::deployment::ItemState;
use holdpoint::domain::event::Event;
use holdpoint::domain::ids::DeploymentId;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::harness::{Member, Run, Seed, World};

const CHECKED: &str = r#"---
title: Checked release
variables:
  base_url: { default: "http://127.0.0.1:9" }
checks:
  health:
    http: { url: "{{ base_url }}/health" }
    pass: status == 200 && json.status == "healthy"
    timeout: 10s
  version:
    http: { url: "{{ base_url }}/version" }
    pass: json.version == "2.4.1"
    timeout: 10s
  gate:
    http: { url: "{{ base_url }}/gate" }
    pass: status == 200
    timeout: 20s
sign-offs:
  tech-lead: { role: Tech Lead }
---
# Checked release

## Checks

- [ ] The service is healthy <!-- check: health -->
- [ ] The new version answers <!-- check: version -->
- [ ] The gate is open <!-- check: gate -->

## Sign-off

- [ ] Tech Lead: ____________ <!-- sign-off: tech-lead -->
"#;

/// The service that is released.
struct Service {
    address: String,
    held: Arc<Held>,
}

struct Held {
    healthy: AtomicBool,
    /// Each request for the gate takes a permit and gives it back.
    gate: Semaphore,
    /// How often the gate was asked.
    gate_asked: AtomicUsize,
}

impl Service {
    async fn start() -> Self {
        let held = Arc::new(Held {
            healthy: AtomicBool::new(false),
            gate: Semaphore::new(1),
            gate_asked: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/health", get(health))
            .route("/version", get(async || Json(json!({ "version": "2.4.1" }))))
            .route("/gate", get(gate))
            .with_state(Arc::clone(&held));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, held }
    }

    fn is_healthy(&self, healthy: bool) {
        self.held.healthy.store(healthy, Ordering::SeqCst);
    }

    async fn start_release(&self, by: &Member<'_>, world: &World) -> Run {
        let variables = format!("base_url={}", self.address);
        by.start_in(
            &world.releases(),
            "checked",
            "2.4.1",
            "staging",
            &[("variables", &variables)],
        )
        .await
    }
}

async fn health(State(held): State<Arc<Held>>) -> (StatusCode, Json<Value>) {
    if held.healthy.load(Ordering::SeqCst) {
        (StatusCode::OK, Json(json!({ "status": "healthy" })))
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "degraded" })),
        )
    }
}

async fn gate(State(held): State<Arc<Held>>) -> StatusCode {
    held.gate_asked.fetch_add(1, Ordering::SeqCst);
    let passed = held.gate.acquire().await;
    if passed.is_ok() {
        StatusCode::OK
    } else {
        StatusCode::GONE
    }
}

/// Waits until a run of checks says this, and reads its answer.
async fn until(world: &World, run: &Interaction, says: &str) -> discord_stand_in::Message {
    let answered = run.until(|message| message.text().contains(says)).await;
    let answer = answered.unwrap_or_else(|error| panic!("{says:?} was waited for: {error}"));
    world.read(&answer, &[]);
    answer
}

/// Mara runs all checks, and their answer comes to say this.
async fn check_until(world: &World, run: &Run, says: &str) -> discord_stand_in::Message {
    let checking = world.mara().person.slash(&run.thread, "deploy check", &[]);
    until(world, &checking.unwrap(), says).await
}

/// Waits until a run of checks is refused, to whoever asked for it alone.
async fn until_refused(world: &World, run: &Interaction, says: &str) {
    let refused = run.follow_up(|message| message.text().contains(says)).await;
    let refused = refused.unwrap_or_else(|error| panic!("{says:?} was waited for: {error}"));
    assert!(refused.is_ephemeral(), "a refusal is for the asker alone");
    world.read(&refused, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_shows_its_progress_then_what_was_seen_beside_what_was_expected() {
    let world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;

    // The gate is held, so two results are there while the third is waited for.
    let held = service.held.gate.acquire().await.unwrap();
    let checking = mara.person.slash(&run.thread, "deploy check", &[]).unwrap();
    let under_way = until(&world, &checking, "2/3").await;
    assert!(
        under_way.text().contains("Waiting for `gate`"),
        "{}",
        under_way.text()
    );
    drop(held);
    let table = until(&world, &checking, "3 checks").await;
    let text = table.text();
    assert!(
        text.contains("❌ `health` for `1.1`") && text.contains("503") && text.contains("200"),
        "{text}"
    );
    assert!(
        text.contains("✅ `version` ticked `1.2`") && text.contains("✅ `gate` ticked `1.3`"),
        "{text}"
    );
    let deployment = world.deployment(&run).await;
    assert_eq!(*deployment.item_state(0), ItemState::Open);
    assert!(deployment.item_state(1).is_closed() && deployment.item_state(2).is_closed());
    mara.deploy_and_hear(
        &run,
        "tick",
        &[("item", "1.1")],
        "ticks itself when check `health` has passed",
    )
    .await;

    // Mended, only the one that failed runs again; its pass closes the last item, so the role is asked.
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    service.is_healthy(true);
    let button = table.button("Run failed again").expect("it can be run again");
    let again = mara.person.press(&table, button).unwrap();
    let passed = until(&world, &again, "The check passed").await;
    assert!(
        passed.text().contains("✅ `health` ticked `1.1`"),
        "{}",
        passed.text()
    );
    world.card(&run, "Tech Lead", &["Theo"]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_section_or_one_item_is_checked_alone() {
    let world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    let checking = mara
        .person
        .slash(&run.thread, "deploy check", &[("what", "1.2")])
        .unwrap();
    until(&world, &checking, "The check passed").await;
    assert_eq!(world.deployment(&run).await.checks.len(), 1);
    let checking = mara
        .person
        .slash(&run.thread, "deploy check", &[("what", "Checks")])
        .unwrap();
    until(&world, &checking, "3 checks").await;
    let checking = mara
        .person
        .slash(&run.thread, "deploy check", &[("what", "nowhere at all")])
        .unwrap();
    until_refused(&world, &checking, "There is no section or item").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_changes_voids_what_was_signed_on_it() {
    let mut world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    service.is_healthy(true);
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    let run = service.start_release(&world.mara(), &world).await;
    check_until(&world, &run, "All 3 checks passed").await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;
    world.theo().react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;

    service.is_healthy(false);
    check_until(&world, &run, "1 failed").await;
    world
        .hear(
            &run.thread,
            "no longer counts, as something has changed since: check `health` now fails",
            &["Theo"],
        )
        .await;
    world
        .mara()
        .deploy_and_hear(&run, "go", &[], "GO waits until")
        .await;

    service.is_healthy(true);
    check_until(&world, &run, "All 3 checks passed").await;
    let second = world.card(&run, "Tech Lead", &["Theo"]).await;
    world.until_it_says(&card, "the newer card below counts").await;

    // His reaction still stands on the old card. It counts for nothing, and nobody is bothered with it at the next start.
    world.settle().await;
    world.stop_bot().await;
    let looks = "GET /channels/{channel}/messages/{message}";
    let before = world.requests(looks);
    world.start_bot().await;
    world
        .until("a look at both cards", async || {
            world.requests(looks) >= before + 2
        })
        .await;
    assert!(
        world
            .deployment(&run)
            .await
            .sign_offs
            .values()
            .all(|role| role.signatures.is_empty())
    );
    // Only when he uses the old card himself, he is told.
    world.theo().unreact(&card, "✅");
    world.theo().react(&card, "✅");
    world
        .hear(&run.thread, "This card is no longer the one that asks", &["Theo"])
        .await;
    world.theo().react(&second, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_flips_leaves_the_card_and_takes_no_reaction_from_in_between() {
    let mut world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    service.is_healthy(true);
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    let run = service.start_release(&world.mara(), &world).await;
    check_until(&world, &run, "All 3 checks passed").await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;
    service.is_healthy(false);
    check_until(&world, &run, "1 failed").await;
    world.until_it_says(&card, "need not answer now").await;
    world.theo().react(&card, "✅");
    world
        .hear(
            &run.thread,
            "Take your reaction away and give it again then",
            &["Theo"],
        )
        .await;

    // The same card asks on; a second one would be unread at the end.
    service.is_healthy(true);
    check_until(&world, &run, "All 3 checks passed").await;
    world.until_it_says(&card, "please sign").await;
    world.settle().await;
    world.stop_bot().await;
    let looks = "GET /channels/{channel}/messages/{message}";
    let before = world.requests(looks);
    world.start_bot().await;
    world
        .until("a look at the card", async || world.requests(looks) > before)
        .await;
    world.settle().await;
    let signed = async |world: &World| {
        let deployment = world.deployment(&run).await;
        deployment
            .sign_offs
            .values()
            .any(|role| !role.signatures.is_empty())
    };
    assert!(
        !signed(&world).await,
        "a reaction from before counts for what it has not seen"
    );
    world.theo().unreact(&card, "✅");
    world.theo().react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    assert!(signed(&world).await);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_that_the_document_ticks_says_that_its_check_has_not_run() {
    let text = unsigned().replace("- [ ] The new version", "- [x] The new version");
    let text = text.replace("checks:\n", "gates:\n  Release: { needs: [checks] }\nchecks:\n")
        + "\n## Release\n\n- [ ] Switch over\n";
    let world = World::with(&[("checked", &text)]).await;
    let service = Service::start().await;
    service.is_healthy(true);
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    for item in ["1.1", "1.3"] {
        let checking = mara
            .person
            .slash(&run.thread, "deploy check", &[("what", item)])
            .unwrap();
        until(&world, &checking, "The check passed").await;
    }
    let says = "`1.2` is ticked in the document, but its check `version` has not run; `/deploy check what:1.2` runs it";
    let board = world.board(&run).await;
    assert!(board.text().contains(says), "{}", board.text());
    mara.deploy_and_hear(
        &run,
        "tick",
        &[("item", "2.1")],
        "`1.2` is ticked in the document, but its check has not run; `/deploy check what:1.2` runs it",
    )
    .await;
    let checking = mara
        .person
        .slash(&run.thread, "deploy check", &[("what", "1.2")])
        .unwrap();
    until(&world, &checking, "The check passed").await;
    mara.deploy(&run, "tick", &[("item", "2.1")]).await;
    assert!(world.deployment(&run).await.item_state(3).is_closed());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_work_may_not_check() {
    let world = Seed::default()
        .checklist("checked", CHECKED)
        .settings(|_| "[permissions]\ntick = [\"manage-server\"]\n".to_owned())
        .start()
        .await;
    let service = Service::start().await;
    let run = service.start_release(&world.mara(), &world).await;
    let checking = world
        .sam()
        .person
        .slash(&run.thread, "deploy check", &[])
        .unwrap();
    until_refused(&world, &checking, "You may not work on this deployment here").await;
    let board = world.board(&run).await;
    let pressed = world
        .sam()
        .person
        .press(&board, board.button("Check").unwrap())
        .unwrap();
    until_refused(&world, &pressed, "You may not work on this deployment here").await;
    assert!(world.deployment(&run).await.checks.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_run_joins_the_checks_that_run_already_and_begins_only_the_rest() {
    let world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    let held = service.held.gate.acquire().await.unwrap();
    let smaller = mara
        .person
        .slash(&run.thread, "deploy check", &[("what", "1.3")])
        .unwrap();
    until(&world, &smaller, "0/1").await;
    let larger = world
        .theo()
        .person
        .slash(&run.thread, "deploy check", &[])
        .unwrap();
    let under_way = until(&world, &larger, "2/3").await;
    assert!(
        under_way.text().contains("Waiting for `gate`"),
        "{}",
        under_way.text()
    );
    drop(held);
    // Each sees what they asked for.
    until(&world, &smaller, "The check passed").await;
    until(&world, &larger, "3 checks: ✅ 2 passed").await;
    assert_eq!(service.held.gate_asked.load(Ordering::SeqCst), 1);
    let history = world.engine().history(DeploymentId(run.number)).await.unwrap();
    let recorded = history
        .iter()
        .filter(|recorded| matches!(recorded.event, Event::CheckRecorded { .. }));
    assert_eq!(recorded.count(), 3, "each result is recorded once");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_deployment_ends_its_checks_at_once() {
    let world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    let held = service.held.gate.acquire().await.unwrap();
    let checking = mara.person.slash(&run.thread, "deploy check", &[]).unwrap();
    until(&world, &checking, "2/3").await;
    mara.deploy(&run, "finish", &[("outcome", "failed"), ("reason", "called off")])
        .await;
    world.hear(&run.thread, "called off", &[]).await;
    // Nothing but the end lets the check go: its gate is still held.
    let stopped = until(&world, &checking, "The run stopped early").await;
    assert!(stopped.text().contains("1 did not run"), "{}", stopped.text());
    drop(held);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_came_to_after_its_answer_has_expired_is_told_once_in_the_thread() {
    let world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    let held = service.held.gate.acquire().await.unwrap();
    let checking = mara.person.slash(&run.thread, "deploy check", &[]).unwrap();
    until(&world, &checking, "2/3").await;
    world.advance(16);
    let edit = "PATCH /webhooks/{application}/{token}/messages/{message}";
    world.expect_refusals(1, 401, edit);
    drop(held);
    let told = world
        .hear(&run.thread, "what the checks you asked for came to", &["Mara"])
        .await;
    assert!(told.text().contains("3 checks: ✅ 2 passed"), "{}", told.text());
    let again = mara
        .person
        .press(&told, told.button("Run failed again").unwrap())
        .unwrap();
    until(&world, &again, "1 check").await;
    world.finish().await;
}

/// The checklist without anybody to sign.
fn unsigned() -> String {
    let (front, _) = CHECKED.split_once("sign-offs:").unwrap();
    let (_, body) = CHECKED.split_once("---\n# Checked").unwrap();
    let (body, _) = body.split_once("## Sign-off").unwrap();
    format!("{front}---\n# Checked{body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_signs_who_started_it_may_check_as_they_may_tick() {
    let world = Seed::default()
        .checklist("checked", &unsigned())
        .settings(|_| "[permissions]\ntick = [\"sign-off\"]\n".to_owned())
        .start()
        .await;
    let service = Service::start().await;
    let run = service.start_release(&world.theo(), &world).await;
    let theo = world.theo();
    let checking = theo
        .person
        .slash(&run.thread, "deploy check", &[("what", "1.2")])
        .unwrap();
    until(&world, &checking, "The check passed").await;
    let refused = world
        .sam()
        .person
        .slash(&run.thread, "deploy check", &[])
        .unwrap();
    until_refused(&world, &refused, "You may not work on this deployment here").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_no_check_that_runs() {
    let mut world = World::with(&[("checked", CHECKED)]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    let held = service.held.gate.acquire().await.unwrap();
    check_until(&world, &run, "2/3").await;
    // The check alone would take 20 seconds to time out.
    tokio::time::timeout(std::time::Duration::from_secs(10), world.stop_bot())
        .await
        .expect("it stops in time");
    drop(held);
}

/// The checklist where the version is asked for after the health, and one check is made of both.
fn flowing() -> String {
    unsigned()
        .replace("  version:\n", "  version:\n    after: health\n")
        .replace(
            "    http: { url: \"{{ base_url }}/gate\" }\n",
            "    http: { url: \"{{ base_url }}/gate\", capture: { code: status } }\n",
        )
        .replacen(
            "---\n# Checked",
            "  ready: { all: [health, version] }\n  behind:\n    http: { url: \"{{ base_url }}/version?{{ gate.code }}\" }\n    \
             pass: url.endsWith(\"?200\")\n    after: gate\n---\n# Checked",
            1,
        )
        + "- [ ] All is ready <!-- check: ready -->\n- [ ] What is behind the gate <!-- check: behind -->\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_brings_along_what_it_waits_for_and_what_it_is_made_of() {
    let world = World::with(&[("checked", &flowing())]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    let check = |what: &'static str| {
        mara.person
            .slash(&run.thread, "deploy check", &[("what", what)])
            .unwrap()
    };
    let skipped = until(&world, &check("1.2"), "2 checks").await;
    for says in [
        "❌ 1 failed",
        "⏭️ 1 skipped",
        "❌ `health` for `1.1`",
        "⏭️ `version` for `1.2`: waits for health, which failed",
    ] {
        assert!(skipped.text().contains(says), "{says}: {}", skipped.text());
    }
    let none = until(&world, &check("1.4"), "3 checks").await;
    assert!(
        none.text()
            .contains("0 of 2 passed: health failed; version was skipped"),
        "{}",
        none.text()
    );
    assert_eq!(*world.deployment(&run).await.item_state(1), ItemState::Open);

    service.is_healthy(true);
    let button = none.button("Run failed again").expect("it can be run again");
    let again = mara.person.press(&none, button).unwrap();
    until(&world, &again, "All 5 checks passed").await;
    let deployment = world.deployment(&run).await;
    assert!((0..5).all(|item| deployment.item_state(item).is_closed()));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_under_way_hands_what_it_captures_to_one_that_is_asked_for_meanwhile() {
    let world = World::with(&[("checked", &flowing())]).await;
    let service = Service::start().await;
    let mara = world.mara();
    let run = service.start_release(&mara, &world).await;
    let held = service.held.gate.acquire().await.unwrap();
    let first = mara
        .person
        .slash(&run.thread, "deploy check", &[("what", "1.3")])
        .unwrap();
    until(&world, &first, "0/1").await;
    let second = world
        .theo()
        .person
        .slash(&run.thread, "deploy check", &[("what", "1.5")])
        .unwrap();
    until(&world, &second, "0/2").await;
    drop(held);
    until(&world, &second, "All 2 checks passed").await;
    until(&world, &first, "The check passed").await;
    assert_eq!(service.held.gate_asked.load(Ordering::SeqCst), 1);
    world.finish().await;
}
