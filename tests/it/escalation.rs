//! A request that nobody answers climbs its ladder, and nobody else is woken.

use discord_stand_in::Message;

use crate::harness::{ONE_ROLE, Run, World};

/// Mara's release waits for the tech lead, whose ladder is Theo, then Dana after 15 minutes, Lee after 20 and 30 more.
async fn waiting() -> (World, Run, Message) {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    let mara = world.mara();
    for (holder, rank) in [("Theo", "owner"), ("Dana", "deputy"), ("Lee", "lead")] {
        mara.lets_hold("tech-lead", holder, rank).await;
    }
    let run = mara.start("one-role", "2.4.1", "staging").await;
    mara.deploy(&run, "tick", &[("item", "1")]).await;
    let card = world.card(&run, "Tech Lead", &["Theo"]).await;
    world.settle().await;
    drop(mara);
    (world, run, card)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_card_climbs_from_owner_to_deputy_to_lead_and_ends() {
    let (world, run, card) = waiting().await;
    world.until_it_says(&card, "The deputies are pinged at").await;
    world.advance(14);
    world.settle().await;
    assert_eq!(
        world.requests("POST /channels/{channel}/messages"),
        3,
        "nobody is pinged before their time"
    );
    world.advance(1);
    let first = world.hear(&run.thread, "has not signed for", &["Dana"]).await;
    assert!(
        first.text().contains("✅ or ❌ on the card above ends this"),
        "{}",
        first.text()
    );
    let climbed = world.until_it_says(&card, "The deputies were pinged at").await;
    assert!(
        climbed.text().contains("the leads are pinged at"),
        "{}",
        climbed.text()
    );
    world.settle().await;
    // Whoever asks again meanwhile reaches those who were asked last, and the ladder goes on as it was.
    world.advance(10);
    world
        .mara()
        .deploy(&run, "signoff", &[("role", "tech-lead")])
        .await;
    world.hear(&run.thread, "asks again", &["Dana"]).await;
    world.settle().await;
    world.advance(10);
    world.hear(&run.thread, "has not signed for", &["Lee"]).await;
    world.settle().await;
    world.advance(30);
    let last = world.hear(&run.thread, "has not signed for", &["Lee"]).await;
    assert!(last.text().contains("It is the last one"), "{}", last.text());
    world.until_it_says(&card, "nobody is pinged after them").await;
    world.settle().await;
    // The ladder has ended; finish() would find a further ping.
    world.advance(24 * 60);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_ends_it() {
    let (world, run, card) = waiting().await;
    world.advance(15);
    world.hear(&run.thread, "has not signed for", &["Dana"]).await;
    world.member("Dana").react(&card, "✅");
    world
        .hear(&run.thread, "everything that GO waits for is done", &["Mara"])
        .await;
    world.settle().await;
    world.advance(24 * 60);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eyes_on_the_card_and_the_buttons_only_put_it_off() {
    let (world, run, card) = waiting().await;
    world.advance(10);
    world.theo().react(&card, "👀");
    world.until_it_says(&card, "Seen by").await;
    world.settle().await;
    // Fifteen minutes after the request nobody is pinged; thirty after the look, the deputy is.
    world.advance(29);
    world.settle().await;
    world.advance(1);
    let ping = world.hear(&run.thread, "has not signed for", &["Dana"]).await;
    world.settle().await;
    let seen = world.member("Dana").press(&ping, "👀 Seen").await;
    assert!(seen.is_ephemeral(), "{}", seen.text());
    let not_hers = world.sam().press(&ping, "👀 Seen").await;
    assert!(
        not_hers.text().contains("You do not hold the role"),
        "{}",
        not_hers.text()
    );
    world.settle().await;
    world.advance(25);
    world.settle().await;
    world.theo().deploy(&run, "snooze", &[("minutes", "60")]).await;
    world.settle().await;
    world.advance(59);
    world.settle().await;
    world.advance(1);
    world.hear(&run.thread, "has not signed for", &["Lee"]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_nothing() {
    let (mut world, run, _) = waiting().await;
    world.advance(7);
    world.stop_bot().await;
    world.start_bot().await;
    world.settle().await;
    world.advance(8);
    world.hear(&run.thread, "has not signed for", &["Dana"]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_hours_of_silence_it_fires_once_and_says_how_late() {
    let (mut world, run, _) = waiting().await;
    world.stop_bot().await;
    world.advance(180);
    world.start_bot().await;
    let late = world.hear(&run.thread, "has not signed for", &["Dana"]).await;
    assert!(late.text().contains("2 h 45 min late"), "{}", late.text());
    world.settle().await;
    // The next rung waits from now on, as Dana has only now been told.
    world.advance(19);
    world.settle().await;
    world.advance(1);
    world.hear(&run.thread, "has not signed for", &["Lee"]).await;
    world.finish().await;
}
