//! What people and files should not say, and what they hear when they do.

use holdpoint::app::bot::{Bot, Plan};
use holdpoint::clock::SystemClock;
use holdpoint::config::{Configuration, Environment, SettingsFile};
use holdpoint::discord::Endpoint;
use secrecy::SecretString;
use std::sync::Arc;

use crate::harness::{ONE_ROLE, SMALL, Seed, World};

/// Everything that Discord would make something of, and characters that nobody sees.
const HOSTILE: &str =
    "@everyone @here <@1> <@&2> ``` `x` **b** ||s|| [a](https://b.example) \u{200b}\u{202e}end";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_refused_with_the_nearest() {
    let world = World::with(&[("small", SMALL)]).await;
    let mara = world.mara();
    let refused = mara
        .slash(
            &world.releases(),
            "deploy start",
            &[
                ("checklist", "smal"),
                ("version", "1"),
                ("environment", "staging"),
            ],
        )
        .await;
    assert!(
        refused
            .text()
            .contains("There is no checklist `smal`. There is `small`"),
        "{}",
        refused.text()
    );
    let where_else = mara
        .slash(&world.releases(), "deploy tick", &[("item", "1.1")])
        .await;
    assert!(
        where_else.text().contains("Which deployment?"),
        "{}",
        where_else.text()
    );

    let run = mara.start("small", "2.4.1", "staging").await;
    for (word, options, says) in [
        ("tick", vec![("item", "1.9")], "has no item `1.9`. The nearest is"),
        ("tick", vec![("item", "zzz qqq")], "has no item `zzz qqq`"),
        (
            "fill",
            vec![("blank", "zzz qqq"), ("value", "x")],
            "has no blank `zzz qqq`",
        ),
        ("signoff", vec![("role", "cook")], "asks no role `cook` to sign"),
        (
            "status",
            vec![("section", "zzz qqq")],
            "There is no section or item",
        ),
        (
            "tick",
            vec![("item", "1.1"), ("deployment", "99")],
            "There is no such deployment",
        ),
        ("untick", vec![("item", "1.1")], "is open already"),
        ("unblock", vec![("item", "1.1")], "is not blocked"),
        (
            "tick",
            vec![("item", "1.2")],
            "ticks itself when what is nested in it is done",
        ),
        ("tick", vec![("item", "2.1")], "is the sign-off of `tech-lead`"),
        ("tick", vec![("item", "3.1")], "does not begin until"),
        ("finish", vec![("outcome", "failed")], "Say why it failed"),
        ("ack", vec![], "No open request waits for a role that you hold"),
    ] {
        let answer = mara.deploy_and_hear(&run, word, &options, says).await;
        assert!(
            answer.is_ephemeral(),
            "a refusal is for the asker alone: {}",
            answer.text()
        );
    }
    assert_eq!(world.deployment(&run).await.seq, 1, "nothing has changed");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_too_long_or_empty_are_refused_and_nothing_is_changed() {
    let world = World::with(&[("small", SMALL)]).await;
    let mara = world.mara();
    let long = "long ".repeat(1000);
    let run = mara.start("small", "2.4.1", "staging").await;
    let refused =
        "A reason has at most 1000 characters and this one has 4999. Shorten it; nothing was changed.";
    mara.deploy_and_hear(&run, "skip", &[("item", "1.1"), ("reason", &long)], refused)
        .await;
    mara.deploy_and_hear(
        &run,
        "skip",
        &[("item", "1.1"), ("reason", "  ")],
        "A reason cannot be empty",
    )
    .await;
    mara.deploy_and_hear(&run, "note", &[("text", &long)], "A note has at most 1000")
        .await;
    let fill = [("blank", "window"), ("value", long.as_str())];
    mara.deploy_and_hear(&run, "fill", &fill, "A blank's value has at most 200")
        .await;
    let start = [
        ("checklist", "small"),
        ("version", long.as_str()),
        ("environment", "staging"),
    ];
    let refused = mara.slash(&world.releases(), "deploy start", &start).await;
    assert!(
        refused.text().contains("A version has at most 60 characters"),
        "{}",
        refused.text()
    );
    assert_eq!(world.deployment(&run).await.seq, 1, "nothing has changed");
    // The longest that is taken is shown everywhere without breaking a limit.
    let longest = "w".repeat(1000);
    mara.deploy(&run, "skip", &[("item", "1.1"), ("reason", &longest)])
        .await;
    mara.deploy(&run, "block", &[("item", "1.3"), ("reason", &longest)])
        .await;
    mara.deploy(&run, "note", &[("text", &longest), ("item", "1.1")])
        .await;
    mara.deploy(&run, "status", &[("section", "1")]).await;
    mara.deploy(&run, "log", &[]).await;
    mara.deploy(&run, "report", &[]).await;
    mara.deploy(&run, "no-go", &[("reason", &longest)]).await;
    world.hear(&run.thread, "⛔ **NO-GO** for", &[]).await;
    mara.deploy(&run, "finish", &[("outcome", "failed"), ("reason", &longest)])
        .await;
    world.hear(&run.thread, "has failed", &[]).await;
    world.finish().await;
}

/// The harness reads every message with whom it pinged; hostile texts stand in each of them and ping nobody.
#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_anybody_pings_or_formats() {
    let checklist = format!(
        "---\ntitle: 'Title {HOSTILE}'\nsign-offs:\n  tech-lead: {{ role: 'Lead {HOSTILE}' }}\n---\n\
         # Heading {HOSTILE}\n\n## Section {HOSTILE}\n\n- [ ] Item {HOSTILE}\n- [ ] Other {HOSTILE}: ________\n\
         - [ ] Lead <!-- sign-off: tech-lead -->\n"
    );
    let world = World::with(&[("hostile", &checklist)]).await;
    let (mara, theo) = (world.mara(), world.theo());
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    let run = mara.start("hostile", "@everyone <@&2> `v`", "@here").await;
    mara.deploy(&run, "note", &[("text", HOSTILE), ("item", "1.1")])
        .await;
    mara.deploy(&run, "block", &[("item", "1.1"), ("reason", HOSTILE)])
        .await;
    mara.deploy(&run, "tick", &[("item", "1.1")]).await;
    mara.deploy(&run, "unblock", &[("item", "1.1"), ("reason", HOSTILE)])
        .await;
    mara.deploy(&run, "tick", &[("item", HOSTILE)]).await;
    mara.deploy(&run, "fill", &[("blank", "1.2"), ("value", HOSTILE)])
        .await;
    mara.deploy(&run, "skip", &[("item", "1.1"), ("reason", HOSTILE)])
        .await;
    for (word, options) in [
        ("status", vec![]),
        ("status", vec![("section", "1")]),
        ("signoff", vec![]),
        ("log", vec![]),
        ("list", vec![("which", "all")]),
        ("report", vec![]),
        ("signoff", vec![("role", HOSTILE)]),
    ] {
        mara.deploy(&run, word, &options).await;
    }
    mara.slash(&world.releases(), "checklist show", &[("checklist", "hostile")])
        .await;
    mara.slash(&world.releases(), "checklist show", &[("checklist", HOSTILE)])
        .await;
    mara.slash(
        &world.releases(),
        "owner set",
        &[("role", HOSTILE), ("holder", "Theo")],
    )
    .await;
    mara.slash(&world.releases(), "owner list", &[]).await;
    mara.deploy(&run, "tick", &[("item", "1.2")]).await;
    let card = world.hear(&run.thread, "Sign-off · ", &["Theo"]).await;
    run.thread
        .wait_for_edit(card.id(), |card| card.reactions("👀") > 0)
        .await
        .unwrap();
    theo.react(&card, "❌");
    let asked = world
        .hear(&run.thread, "What has to change before you approve?", &["Theo"])
        .await;
    let why = theo.open(&asked, "Say why").await;
    theo.submit(&why, HOSTILE).await;
    mara.deploy(&run, "no-go", &[("reason", HOSTILE)]).await;
    world.hear(&run.thread, "⛔ **NO-GO** for", &[]).await;
    mara.deploy(&run, "finish", &[("outcome", "failed"), ("reason", HOSTILE)])
        .await;
    world.hear(&run.thread, "has failed", &[]).await;
    world.settle().await;
    for message in run.thread.messages_seen_by(&mara.person) {
        let text = outside_code(&message.text());
        for live in [
            "@everyone",
            "@here",
            "<@1>",
            "<@&2>",
            "**b**",
            "||s||",
            "\u{200b}",
            "\u{202e}",
            "https://b",
        ] {
            assert!(!text.contains(live), "{live:?} is alive in: {text}");
        }
    }
    world.finish().await;
}

/// What of a text Discord formats: all that does not stand between backticks.
fn outside_code(text: &str) -> String {
    text.replace("\\`", "ˋ")
        .split('`')
        .step_by(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checklist_that_goes_away_or_breaks_takes_no_deployment_with_it() {
    let mut world = World::with(&[("small", SMALL), ("one-role", ONE_ROLE)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    std::fs::remove_file(world.checklists().join("small.md")).unwrap();
    let broken = ONE_ROLE.replace("sign-offs:", "sign-offz:");
    std::fs::write(world.checklists().join("one-role.md"), broken).unwrap();
    let report = world.engine().catalog().reload();
    assert_eq!((report.usable.len(), report.broken.len()), (0, 1));

    world.mara().tick(&run, "1.1").await;
    for (name, says) in [
        ("small", "There is no checklist `small`"),
        ("one-role", "cannot be started: line 3"),
    ] {
        let options = [("checklist", name), ("version", "1"), ("environment", "staging")];
        let refused = world
            .mara()
            .slash(&world.releases(), "deploy start", &options)
            .await;
        assert!(refused.text().contains(says), "{}", refused.text());
    }
    let lint = world
        .mara()
        .slash(&world.releases(), "checklist lint", &[("checklist", "one-role")])
        .await;
    assert!(
        lint.text().contains("Did you mean \\`sign-offs\\`?"),
        "the nearest key is named: {}",
        lint.text()
    );
    // A bot that never saw the file goes on with what the database kept of it.
    world.settle().await;
    world.stop_bot().await;
    world.start_bot().await;
    world.mara().tick(&run, "of the database").await;
    let board = world.board(&run).await;
    assert!(board.text().contains("Small release"), "{}", board.text());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_discord_refuses_is_said_in_a_sentence() {
    let mut world = Seed::default().only_token("another").without_bot().await;
    let refused = world.try_start_bot().await.expect_err("the token is wrong");
    assert_eq!(
        refused.to_string(),
        "Discord refuses the token: it is wrong or was reset. Copy it again from the application's Bot page and set \
         HOLDPOINT__DISCORD__TOKEN"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_bot_has_is_refused_by_name() {
    let world = World::with(&[("small", SMALL)]).await;
    let settings = Configuration::load(&SettingsFile::None, Environment::default())
        .unwrap()
        .settings;
    let second = Bot::prepare(Plan {
        settings: &settings,
        database: &world.database(),
        checklists: &world.checklists(),
        token: SecretString::from("a-token"),
        endpoint: Endpoint::Local {
            proxy: world.stand_in.proxy_url(),
            certificate_authority: world.stand_in.ca_certificate_pem().to_owned(),
        },
        clock: Arc::new(SystemClock),
    })
    .await;
    let refused = second.err().expect("the first one has it").to_string();
    assert!(
        refused.contains(&format!("in use by process {}", std::process::id())),
        "{refused}"
    );
    // The first goes on undisturbed.
    let run = world.mara().start("small", "2.4.1", "staging").await;
    world.mara().tick(&run, "1.1").await;
    world.finish().await;
}
