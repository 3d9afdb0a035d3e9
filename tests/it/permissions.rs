//! Who may do what, as the operator has configured it, server by server.

use discord_stand_in::{GuildSeed, StandIn};

use crate::harness::{ONE_ROLE, Seed};

/// Northwind has rules of its own: Reviewers start and skip, who started decides, and Theo says who holds what.
fn northwinds_rules(stand_in: &StandIn) -> String {
    let guild = stand_in.guild_id("Northwind").unwrap();
    let reviewers = stand_in.role_id("Reviewers").unwrap();
    let theo = stand_in.person("Theo").unwrap().id();
    format!(
        "[guilds.{guild}.permissions]\nstart = [\"role:{reviewers}\"]\nskip = [\"role:{reviewers}\"]\n\
         decide = [\"starter\"]\nmanage = [\"user:{theo}\"]\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_own_rules_hold_there_and_nowhere_else() {
    let southbank = GuildSeed::new("Southbank").channel("ships").person("Sven", &[]);
    let world = Seed::default()
        .checklist("one-role", ONE_ROLE)
        .guild(southbank)
        .settings(northwinds_rules)
        .start()
        .await;
    let (mara, theo, rita, sam) = (world.mara(), world.theo(), world.member("Rita"), world.sam());
    let releases = world.releases();
    let options = [
        ("checklist", "one-role"),
        ("version", "1"),
        ("environment", "staging"),
    ];
    let refused = mara.slash(&releases, "deploy start", &options).await;
    assert!(
        refused.is_ephemeral() && refused.text().contains("You may not start a deployment here"),
        "{}",
        refused.text()
    );

    let run = rita.start("one-role", "1", "staging").await;
    // Whoever may not skip may still tick; the dialog of the button asks the same right.
    sam.deploy_and_hear(
        &run,
        "skip",
        &[("item", "1"), ("reason", "no")],
        "You may not skip items here",
    )
    .await;
    rita.deploy_and_hear(
        &run,
        "skip",
        &[("item", "1"), ("reason", "not for this one")],
        "not for this one",
    )
    .await;
    world.card(&run, "Tech Lead", &[]).await;

    let holder = [("role", "tech-lead"), ("holder", "Theo")];
    let refused = mara.slash(&releases, "owner set", &holder).await;
    assert!(
        refused
            .text()
            .contains("You may not say who holds which role, or import checklists here"),
        "{}",
        refused.text()
    );
    theo.lets_hold("tech-lead", "Theo", "owner").await;
    let refused = mara
        .slash(&releases, "owner clear", &[("role", "tech-lead")])
        .await;
    assert!(
        refused
            .text()
            .contains("You may not say who holds which role, or import checklists here"),
        "{}",
        refused.text()
    );

    for other in [&mara, &theo, &sam] {
        other
            .deploy_and_hear(&run, "no-go", &[("reason", "no")], "You may not decide or finish")
            .await;
    }
    rita.deploy_and_hear(&run, "no-go", &[("reason", "not today")], "NO-GO")
        .await;
    world.hear(&run.thread, "⛔ **NO-GO** for", &[]).await;
    for other in [&mara, &theo] {
        let failed = [("outcome", "failed"), ("reason", "given up")];
        other
            .deploy_and_hear(&run, "finish", &failed, "You may not decide or finish")
            .await;
    }

    // In Southbank nothing of this is so.
    let sven = world.member("Sven");
    let run = sven
        .start_in(&world.channel("ships"), "one-role", "1", "staging", &[])
        .await;
    sven.deploy(&run, "skip", &[("item", "1"), ("reason", "not for this one")])
        .await;
    world.card(&run, "Tech Lead", &[]).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unless_said_otherwise_everyone_works_and_holders_or_managers_decide() {
    let world = Seed::default().checklist("one-role", ONE_ROLE).start().await;
    let sam = world.sam();
    let run = sam.start("one-role", "1", "staging").await;
    sam.deploy(&run, "tick", &[("item", "1")]).await;
    world.card(&run, "Tech Lead", &[]).await;
    sam.deploy_and_hear(&run, "no-go", &[("reason", "no")], "You may not decide or finish")
        .await;
    let refused = sam
        .slash(
            &world.releases(),
            "owner set",
            &[("role", "tech-lead"), ("holder", "Sam")],
        )
        .await;
    assert!(
        refused.text().contains("whoever may manage the server"),
        "{}",
        refused.text()
    );
    world.mara().lets_hold("tech-lead", "Theo", "deputy").await;
    world
        .theo()
        .deploy_and_hear(&run, "no-go", &[("reason", "not today")], "NO-GO")
        .await;
    world.hear(&run.thread, "⛔ **NO-GO** for", &[]).await;
    let failed = [("outcome", "failed"), ("reason", "given up")];
    world
        .mara()
        .deploy_and_hear(&run, "finish", &failed, "failed")
        .await;
    world.hear(&run.thread, "has failed", &[]).await;
    world.finish().await;
}
