//! Promise 6: a person signs for what they saw, and is told when it no longer is so.

use discord_stand_in::StandIn;
use holdpoint::domain::check::{CheckResult, CheckStatus};
use holdpoint::domain::command::{ActingAs, Command};
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::ids::{CheckId, DeploymentId, InputId, RoleKey};
use holdpoint::domain::sign_off::{Rank, Signature};
use holdpoint::engine::{Input, Outbox, Wish};
use tokio_util::sync::CancellationToken;

use super::house::{DRAIN, House, Open, card_in, events, member, options, place, until, until_events};

async fn record(open: &Open, id: DeploymentId, number: u32, status: CheckStatus) {
    let result = CheckResult {
        check: CheckId::new("health"),
        status,
        why: "as the test says".to_owned(),
        observed: std::iter::empty().collect(),
        at: open.engine.now(),
        duration_ms: 1,
    };
    let input = Input {
        id: InputId::new(format!("check:{number}")),
        guild: None,
        actor: ActingAs::CheckRunner,
        wish: Wish::Change {
            deployment: id,
            command: Command::RecordCheck { result },
        },
    };
    open.engine.handle(input).await.expect("a result is recorded");
}

fn signatures(deployment: &Deployment) -> Vec<Signature> {
    deployment
        .sign_offs
        .get(&RoleKey::new("tech-lead"))
        .map(|sign_off| sign_off.signatures.clone())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_names_what_it_was_given_on_and_is_void_and_told_when_that_changes() {
    let house = House::new();
    let stand_in = StandIn::start(options()).await.expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    let open = house.open().await;
    let theo = member(&stand_in, "Theo");
    open.own(guild, theo, Rank::Owner).await;
    let started = open.start(7, guild, channel).await;
    let id = started.id;
    record(&open, id, 1, CheckStatus::Passed).await;
    let discord = open.discord(&stand_in).await;
    let outbox = Outbox::new(open.engine.clone(), discord.courier());
    let stop = CancellationToken::new();
    outbox.pass(&stop).await.expect("the messages are posted");
    let connected = tokio::spawn(discord.run(stop.clone(), DRAIN));
    let (thread, card) = card_in(&stand_in, "1.0.7").await;
    let person = stand_in.person("Theo").expect("Theo");
    stand_in
        .gateway()
        .wait_until_connected()
        .await
        .expect("the bot connects");
    person.react(&card, "✅").expect("he reacts");
    until_events(&open, id, "approved", 1).await;

    // The file changes and is read again: what runs keeps to what it was started with.
    std::fs::write(house.file("checklists/promises.md"), "# Another\n\n- [ ] Thing\n")
        .expect("the file is written");
    open.engine.catalog().reload();
    let now = open
        .engine
        .any_deployment(id)
        .await
        .expect("it can be read")
        .expect("it is there");
    let [signature] = signatures(&now).try_into().expect("one signature");
    assert_eq!((signature.by, signature.version.as_str()), (theo, "1.0.7"));
    assert_eq!(signature.checklist, started.checklist.hash);
    assert_eq!(signature.checks, now.checks_seen());

    // The same result again changes nothing; another one does.
    record(&open, id, 2, CheckStatus::Passed).await;
    assert_eq!(events(&open, id, "voided").await, 0);
    record(&open, id, 3, CheckStatus::Failed).await;
    assert_eq!(events(&open, id, "voided").await, 1);
    outbox.pass(&stop).await.expect("the messages are posted");
    let told = thread
        .wait_for_message(|message| stand_in_names(message, "no longer counts"))
        .await
        .expect("Theo is told");
    assert_eq!(stand_in.pings_of(&told).users, ["Theo"]);

    // His reaction still stands on the old card; neither a new session nor time makes it a signature again.
    let old_card = format!("/messages/{}", card.id());
    // A look reads the message, and then who gave the one reaction under it that is not the bot's.
    let looks = || {
        stand_in
            .requests()
            .iter()
            .filter(|request| request.method == "GET" && request.path.contains(&old_card))
            .count()
    };
    let seen = looks();
    let identified = stand_in.gateway().identified();
    stand_in.gateway().forget_sessions();
    stand_in
        .gateway()
        .wait_for_identifies(identified + 1)
        .await
        .expect("it connects anew");
    until("a look at the old card", async || looks() >= seen + 2).await;
    assert_eq!(events(&open, id, "approved").await, 1);
    let now = open
        .engine
        .any_deployment(id)
        .await
        .expect("it can be read")
        .expect("it is there");
    assert_eq!(signatures(&now), []);

    // On the new card he signs for what is so now.
    let new_card = thread
        .wait_for_message(|message| message.id() != card.id() && message.reactions("❌") > 0)
        .await
        .expect("a new card");
    person.react(&new_card, "✅").expect("he reacts");
    // What is on disk is in memory a moment later.
    let signed = async || {
        let now = open.engine.any_deployment(id).await;
        signatures(&now.expect("it can be read").expect("it is there"))
    };
    until("a signature on the new card", async || !signed().await.is_empty()).await;
    let [second] = signed().await.try_into().expect("one signature");
    assert_ne!(second.checks, signature.checks);
    stop.cancel();
    connected.await.expect("no panic").expect("it ends well");
    open.close().await;
    stand_in.shutdown().await;
}

fn stand_in_names(message: &discord_stand_in::Message, words: &str) -> bool {
    message.text().contains(words)
}
