//! Checklists that people bring from chat.

use discord_stand_in::{Fault, GivenFile, GuildSeed, Requests, StandIn};

use crate::harness::Seed;

const RELEASE: &str = "---
title: Ours
checks:
  inside: { http: { url: \"http://127.0.0.1:9/\" }, pass: status == 200 }
---
# Ours

- [ ] It answers <!-- check: inside -->
- [ ] Told the customers
";

fn theo_manages(stand_in: &StandIn) -> String {
    let guild = stand_in.guild_id("Northwind").unwrap();
    let theo = stand_in.person("Theo").unwrap().id();
    format!("[guilds.{guild}.permissions]\nmanage = [\"user:{theo}\"]\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_brings_its_own_checklist_and_starts_it() {
    let southbank = GuildSeed::new("Southbank").channel("ships").person("Sven", &[]);
    let mut world = Seed::default()
        .guild(southbank)
        .settings(theo_manages)
        .start()
        .await;
    let file = || GivenFile::new("our release.md", RELEASE);
    let refused = world.mara().imports(file(), &[]).await;
    assert!(
        refused.is_ephemeral()
            && refused
                .text()
                .contains("You may not say who holds which role, or import checklists here"),
        "{}",
        refused.text()
    );

    let imported = world.theo().imports(file(), &[]).await;
    insta::assert_snapshot!(imported.content(), @"
    📥 `our_release` is imported: Ours · 2 items, 1 check, 0 sign-offs.
    Its checks reach public addresses only and put no load on them, run no commands, and see no files and no variables where the bot runs, until the operator adds `e10d6af4ff01032c3c0d8430bd3ad4e1d19c406864c986fa0fe3156c7e4c8816` to `checklists.approved`.
    Next: `/deploy start checklist:our_release`
    ");
    assert!(!imported.is_ephemeral(), "the team does not see it");
    world.read(&imported, &[]);
    let again = world.theo().imports(file(), &[]).await;
    assert_eq!(
        again.content(),
        "`our_release` is this very file already; nothing had to change."
    );

    // A restart later it is still there, for this server alone.
    world.stop_bot().await;
    world.start_bot().await;
    let releases = world.releases();
    let offered = world
        .mara()
        .is_offered(&releases, "deploy start", &[], ("checklist", "our"))
        .await;
    assert_eq!(offered[0].value, "our_release");
    let elsewhere = world
        .member("Sven")
        .slash(
            &world.channel("ships"),
            "checklist show",
            &[("checklist", "our_release")],
        )
        .await;
    assert!(
        elsewhere
            .content()
            .starts_with("There is no checklist `our_release`"),
        "{}",
        elsewhere.text()
    );
    let exported = world
        .mara()
        .slash(&releases, "checklist export", &[("checklist", "our_release")])
        .await;
    assert_eq!(world.attachment(&exported).await, RELEASE);

    // What its checks may not reach, the answer says with what to do.
    let mara = world.mara();
    let run = mara.start("our_release", "1", "staging").await;
    let checked = mara.deploy(&run, "check", &[]).await;
    let ended = world.until_it_says(&checked, "could not be run").await;
    assert!(
        ended.text().contains("the address 127.0.0.1 is not public"),
        "{}",
        ended.text()
    );
    world.settle().await;

    let removed = world
        .theo()
        .slash(&releases, "checklist remove", &[("checklist", "our_release")])
        .await;
    assert!(
        removed.content().contains("can be started no more"),
        "{}",
        removed.text()
    );
    world.read(&removed, &[]);
    mara.tick(&run, "2").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_had_or_read_changes_nothing() {
    let world = Seed::default().settings(theo_manages).start().await;
    let theo = world.theo();
    world.stand_in.faults().next(
        1,
        Requests::of("GET", "/ephemeral-attachments/*/*/*"),
        Fault::Status(503),
    );
    let lost = theo.imports(GivenFile::new("ours.md", RELEASE), &[]).await;
    assert!(
        lost.content()
            .starts_with("`ours.md` was not imported: it could not be fetched from Discord")
            && lost.content().ends_with("give it again."),
        "{}",
        lost.text()
    );
    assert!(
        !lost.content().contains("http"),
        "the address of a file is a key to it: {}",
        lost.text()
    );
    let large = theo
        .imports(GivenFile::new("large.md", vec![b' '; 3 * 1024 * 1024]), &[])
        .await;
    assert_eq!(
        large.content(),
        "`large.md` was not imported: it is larger than 2097152 bytes, the most that a checklist may have; split it."
    );
    let wrong = GivenFile::new("wrong.md", "---\nchekcs: {}\n---\n- [ ] One\n");
    let wrong = theo.imports(wrong, &[("name", "ours")]).await;
    insta::assert_snapshot!(wrong.content(), @r"
    ❌ `wrong.md` was not imported: it has 1 error. Mend that and import it again.
    `2:1` There is no key \`chekcs\` in the front matter. Did you mean \`checks\`?
    ");
    assert!(wrong.is_ephemeral());
    let listed = theo.slash(&world.releases(), "checklist list", &[]).await;
    assert!(!listed.text().contains("imported"), "{}", listed.text());
    world.finish().await;
}
