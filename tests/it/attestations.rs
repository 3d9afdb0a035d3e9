//! Checks that people attest.

use holdpoint::domain::deployment::ItemState;

use crate::harness::World;

const ATTESTED: &str = "---
checks:
  restored: { manual: { evidence: required } }
sign-offs:
  tech-lead: { role: Tech Lead }
---
# Attested

- [ ] The backup was restored <!-- check: restored -->
- [ ] Tech Lead: ____________ <!-- sign-off: tech-lead -->
";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_attests_with_evidence_and_takes_it_back() {
    let world = World::with(&[("attested", ATTESTED)]).await;
    let (mara, sam) = (world.mara(), world.sam());
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    let run = mara.start("attested", "1", "staging").await;
    // A run tells how it stands, and changes nothing.
    let checked = mara.deploy(&run, "check", &[]).await;
    world
        .until_it_says(&checked, "nobody has attested it; ticking one of its items does")
        .await;
    sam.deploy_and_hear(
        &run,
        "tick",
        &[("item", "1")],
        "needs evidence: a link, or what you saw",
    )
    .await;

    // The button asks in a form for what the command takes along.
    let board = world.board(&run).await;
    let form = sam.open(&board, "Tick 1").await;
    assert_eq!(form.title(), "Tick 1");
    let told = sam
        .submit(&form, "https://example.com/restores/7 @everyone")
        .await;
    insta::assert_snapshot!(told.content().replace('\u{2060}', ""), @"
    🖋️ Attested `restored`: https://example.com/restores/7 @everyone. Ticked with it: `1`; asked to sign: **Tech Lead**.
    **Tech Lead** has not signed, asked <t:1772787600:R>.
    ");
    world.read(&told, &[]);
    world.card(&run, "Tech Lead", &["Theo"]).await;

    let deployment = world.deployment(&run).await;
    assert!(matches!(deployment.item_state(0), ItemState::Ticked { .. }));
    let report = mara.deploy(&run, "report", &[]).await;
    let report = world.attachment(&report).await;
    assert!(
        report.contains("attested by @Sam on") && report.contains("https://example.com/restores/7"),
        "{report}"
    );

    let told = sam.deploy(&run, "untick", &[("item", "1")]).await;
    insta::assert_snapshot!(told.content(), @"
    ↩️ Took back what was attested of `restored`. Open again with it: `1`; not asked to sign for now: **Tech Lead**.
    Next: `1` The backup was restored
    ");
    world.settle().await;
    world.finish().await;
}
