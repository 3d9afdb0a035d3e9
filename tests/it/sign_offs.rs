//! Sign-off by reaction: who counts, who is told that they do not, and what changes a mind.

use std::time::Duration;

use discord_stand_in::{Fault, Requests};
use holdpoint::domain::ids::RoleKey;

use crate::harness::{ONE_ROLE, Run, SMALL, World};

async fn small_until_signing(world: &World) -> Run {
    let mara = world.mara();
    let run = mara.start("small", "2.4.1", "staging").await;
    for item in ["1.1", "1.2.1", "1.2.2"] {
        mara.tick(&run, item).await;
    }
    mara.deploy(&run, "tick", &[("item", "1.3")]).await;
    run
}

async fn one_role_until_signing(world: &World) -> Run {
    let run = world.mara().start("one-role", "2.4.1", "staging").await;
    world.mara().deploy(&run, "tick", &[("item", "1")]).await;
    run
}

async fn signers(world: &World, run: &Run, role: &str) -> Vec<u64> {
    let deployment = world.deployment(run).await;
    deployment.sign_offs[&RoleKey::new(role)]
        .signatures
        .iter()
        .map(|signature| signature.by.0)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_holders_of_a_discord_role_sign_and_nobody_else() {
    let world = World::with(&[("small", SMALL)]).await;
    let (theo, rita, sam) = (world.theo(), world.member("Rita"), world.sam());
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    world.mara().lets_hold("qa-lead", "Reviewers", "owner").await;
    let run = small_until_signing(&world).await;
    let for_theo = world.card(&run, "Tech Lead", &["Theo"]).await;
    let for_reviewers = world.card(&run, "QA Lead", &["Rita"]).await;

    // Told once, and nobody else is bothered with it.
    sam.react(&for_theo, "✅");
    let told = world
        .hear(&run.thread, "You do not hold the role `tech-lead`", &["Sam"])
        .await;
    assert!(told.text().contains("so this does not count"), "{}", told.text());
    rita.react(&for_theo, "✅");
    world
        .hear(&run.thread, "You do not hold the role `tech-lead`", &["Rita"])
        .await;
    assert!(signers(&world, &run, "tech-lead").await.is_empty());

    theo.react(&for_theo, "✅");
    world.until_it_says(&for_theo, "has approved").await;
    assert_eq!(signers(&world, &run, "tech-lead").await, [theo.person.id().get()]);
    rita.react(&for_reviewers, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    assert_eq!(signers(&world, &run, "qa-lead").await, [rita.person.id().get()]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_asked_for_its_reason_and_can_be_taken_back() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    let (theo, sam) = (world.theo(), world.sam());
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;

    theo.react(&card, "❌");
    let asked = world
        .hear(&run.thread, "What has to change before you approve?", &["Theo"])
        .await;
    world.until_it_says(&card, "no reason given yet").await;
    let not_his = sam.open(&asked, "Say why").await;
    let refused = sam.submit(&not_his, "because").await;
    assert!(
        refused.text().contains("No rejection of yours stands"),
        "{}",
        refused.text()
    );
    let why = theo.open(&asked, "Say why").await;
    let explained = theo.submit(&why, "the migration locks the table").await;
    assert!(
        explained.text().contains("the migration locks the table"),
        "{}",
        explained.text()
    );
    world.until_it_says(&card, "the migration locks the table").await;
    let board = world.board(&run).await;
    assert!(
        board.text().contains("rejected as **Tech Lead**"),
        "{}",
        board.text()
    );
    world
        .mara()
        .deploy_and_hear(&run, "go", &[], "no longer rejects")
        .await;

    theo.unreact(&card, "❌");
    world.until_it_says(&card, "please sign").await;
    theo.react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;

    // Taking the ✅ away withdraws it, as long as GO was not said.
    theo.unreact(&card, "✅");
    world.until_it_says(&card, "please sign").await;
    assert!(signers(&world, &run, "tech-lead").await.is_empty());
    theo.react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    theo.deploy_and_hear(&run, "go", &[], "GO").await;
    world.hear(&run.thread, "🚀 **GO** for", &[]).await;
    theo.unreact(&card, "✅");
    world
        .hear(
            &run.thread,
            "The decision is GO, so what `tech-lead` answered stays",
            &["Theo"],
        )
        .await;
    assert_eq!(signers(&world, &run, "tech-lead").await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_started_it_is_not_its_only_signer() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    let mara = world.mara();
    mara.lets_hold("tech-lead", "Mara", "owner").await;
    mara.lets_hold("tech-lead", "Theo", "deputy").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Mara"]).await;
    mara.react(&card, "✅");
    world
        .hear(&run.thread, "you cannot be its only signer", &["Mara"])
        .await;
    assert!(signers(&world, &run, "tech-lead").await.is_empty());
    world.theo().react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.until_it_says(&card, "(deputy)").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_sign_off_is_nothing() {
    let world = World::with(&[("small", SMALL)]).await;
    let (theo, quinn) = (world.theo(), world.quinn());
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    world.mara().lets_hold("qa-lead", "Quinn", "owner").await;
    let run = small_until_signing(&world).await;
    let for_theo = world.card(&run, "Tech Lead", &["Theo"]).await;
    let for_quinn = world.card(&run, "QA Lead", &["Quinn"]).await;

    let alike = world.sam().person.say(&run.thread, for_theo.content()).unwrap();
    theo.react(&alike, "✅");
    theo.react(&for_theo, "🎉");
    theo.react(&for_theo, "☑️");
    let board = world.board(&run).await;
    theo.react(&board, "✅");
    // What Quinn does comes after it and is counted, so all that came before has been looked at.
    quinn.react(&for_quinn, "✅");
    world.until_it_says(&for_quinn, "has approved").await;
    world.settle().await;
    // The bot's own ✅ stands on every card.
    assert_eq!(world.again(&for_theo).reactions("✅"), 1);
    assert!(signers(&world, &run, "tech-lead").await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_that_is_faster_than_the_bot_counts() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    // Discord lets a bot react four times a second; whoever sees the card can be faster.
    let reactions = Requests::of("PUT", "/channels/*/messages/*/reactions/*/@me");
    world
        .stand_in
        .faults()
        .next(3, reactions, Fault::Slow(Duration::from_millis(150)));
    let run = one_role_until_signing(&world).await;
    let card = world.hear(&run.thread, "Sign-off · Tech Lead", &["Theo"]).await;
    world.theo().react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_left_stands_in_nobodys_way() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    let (quinn, petra) = (world.quinn(), world.member("Petra"));
    world.mara().lets_hold("tech-lead", "Petra", "owner").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Petra"]).await;
    quinn.react(&card, "✅");
    world
        .hear(&run.thread, "You do not hold the role", &["Quinn"])
        .await;
    quinn.person.leave(&run.thread).unwrap();
    world.expect_some_refusals(404, "GET /guilds/{guild}/members/{user}");
    petra.react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_made_while_the_bot_was_down_are_found() {
    let mut world = World::with(&[("small", SMALL)]).await;
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    world.mara().lets_hold("qa-lead", "Quinn", "owner").await;
    let run = small_until_signing(&world).await;
    let for_theo = world.card(&run, "Tech Lead", &["Theo"]).await;
    let for_quinn = world.card(&run, "QA Lead", &["Quinn"]).await;
    world.quinn().react(&for_quinn, "✅");
    world.until_it_says(&for_quinn, "has approved").await;
    world.settle().await;
    world.stop_bot().await;
    // One signs, the other takes it back, and a stranger tries.
    world.theo().react(&for_theo, "✅");
    world.quinn().unreact(&for_quinn, "✅");
    world.sam().react(&for_quinn, "✅");
    world.start_bot().await;
    world.until_it_says(&for_theo, "has approved").await;
    world.until_it_says(&for_quinn, "please sign").await;
    world
        .hear(&run.thread, "You do not hold the role `qa-lead`", &["Sam"])
        .await;
    assert_eq!(
        signers(&world, &run, "tech-lead").await,
        [world.theo().person.id().get()]
    );
    assert!(signers(&world, &run, "qa-lead").await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_of_a_session_that_was_lost_are_found() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;
    // The new card is looked at once. When it has been, no look is under way that could find by chance what is lost below.
    world
        .until("the look at the new card", async || world.requests(LOOKS) >= 1)
        .await;
    world.settle().await;
    let gateway = world.stand_in.gateway();
    gateway.hold();
    world.theo().react(&card, "✅");
    gateway.forget_sessions();
    gateway.release();
    gateway.wait_for_identifies(2).await.unwrap();
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_reaches_those_who_have_not_signed_and_the_card_stays() {
    let two = ONE_ROLE.replace("role: Tech Lead", "role: Tech Lead, quorum: 2");
    assert_ne!(two, ONE_ROLE);
    let world = World::with(&[("one-role", &two)]).await;
    let (mara, theo) = (world.mara(), world.theo());
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    mara.lets_hold("tech-lead", "Quinn", "owner").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Quinn", "Theo"]).await;
    theo.react(&card, "✅");
    world.until_it_says(&card, "Approved by").await;

    mara.deploy_and_hear(&run, "signoff", &[("role", "tech-lead")], "again")
        .await;
    let again = world.hear(&run.thread, "asks again", &["Quinn"]).await;
    let link = format!("{}/{}", run.thread.id(), card.id());
    assert!(again.content().contains(&link), "{}", again.text());
    world.until_it_says(&card, "asked again").await;
    assert_eq!(signers(&world, &run, "tech-lead").await, [theo.person.id().get()]);

    theo.unreact(&card, "✅");
    world
        .until("the signature is taken back", async || {
            signers(&world, &run, "tech-lead").await.is_empty()
        })
        .await;
    world.finish().await;
}

/// How often a card was looked at: each look begins with the message.
const LOOKS: &str = "GET /channels/{channel}/messages/{message}";

#[tokio::test(flavor = "multi_thread")]
async fn super_reactions_count_like_ordinary_ones() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;
    world.sam().person.super_react(&card, "✅").unwrap();
    world
        .hear(&run.thread, "You do not hold the role `tech-lead`", &["Sam"])
        .await;
    world.theo().person.super_react(&card, "✅").unwrap();
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.theo().unreact(&card, "✅");
    world.until_it_says(&card, "please sign").await;
    assert!(signers(&world, &run, "tech-lead").await.is_empty());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_that_a_moderator_clears_are_taken_back_at_once_and_the_card_can_be_answered_again() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    let (mara, theo) = (world.mara(), world.theo());
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;
    for emoji in [None, Some("✅")] {
        theo.react(&card, "✅");
        world
            .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
            .await;
        world
            .member("Olga")
            .person
            .clear_reactions(&card, emoji)
            .expect("the server's owner may");
        world.until_it_says(&card, "please sign").await;
        assert!(signers(&world, &run, "tech-lead").await.is_empty());
        let offered = run
            .thread
            .wait_for_edit(card.id(), |card| {
                ["✅", "❌", "👀"].iter().all(|emoji| card.reactions(emoji) == 1)
            })
            .await;
        assert!(offered.is_ok(), "the bot's own reactions are not back");
    }
    // Who was told already and has their reaction cleared is told again.
    world.sam().react(&card, "✅");
    world
        .hear(&run.thread, "You do not hold the role `tech-lead`", &["Sam"])
        .await;
    world.member("Olga").person.clear_reactions(&card, None).unwrap();
    run.thread
        .wait_for_edit(card.id(), |card| card.reactions("👀") == 1)
        .await
        .unwrap();
    world.sam().react(&card, "✅");
    world
        .hear(&run.thread, "You do not hold the role `tech-lead`", &["Sam"])
        .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_reactions_is_looked_at_twice_at_most() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    world.mara().lets_hold("tech-lead", "Theo", "owner").await;
    let run = one_role_until_signing(&world).await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;
    world
        .until("the look at the new card", async || world.requests(LOOKS) >= 1)
        .await;
    world.settle().await;
    let before = world.requests(LOOKS);
    // While the first look is under way, all the others come in.
    let first = Requests::of("GET", "/channels/*/messages/*");
    world
        .stand_in
        .faults()
        .next(1, first, Fault::Slow(Duration::from_millis(400)));
    let (theo, sam) = (world.theo(), world.sam());
    for _ in 0..20 {
        sam.react(&card, "👀");
        sam.unreact(&card, "👀");
    }
    theo.react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.settle().await;
    let looks = world.requests(LOOKS) - before;
    assert!(looks <= 3, "{looks} looks at one card");
    world.finish().await;
}
