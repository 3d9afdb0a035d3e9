//! Two servers, one bot: nothing of the one is seen or moved from the other.

use discord_stand_in::{GuildSeed, RoleSeed, permissions::MANAGE_GUILD};
use holdpoint::domain::command::{ActingAs, Command};
use holdpoint::domain::ids::{DeploymentId, DiscordRoleId, GuildId, InputId, ItemId, UserId};
use holdpoint::domain::refusal::Refusal;
use holdpoint::domain::rights::Person;
use holdpoint::engine::{HandleError, Input, Wish};

use crate::harness::{ONE_ROLE, Seed, World};

/// Southbank, beside Northwind. Theo is in both; in Southbank he holds nothing.
async fn two_servers() -> World {
    let southbank = GuildSeed::new("Southbank")
        .channel("ships")
        .role(RoleSeed::new("Captain").permissions(MANAGE_GUILD))
        .person("Sven", &["Captain"])
        .person("Theo", &[]);
    Seed::default()
        .checklist("one-role", ONE_ROLE)
        .guild(southbank)
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_of_another_server_are_unknown() {
    let world = two_servers().await;
    let (mara, sven) = (world.mara(), world.member("Sven"));
    let ships = world.channel("ships");
    let northern = mara.start("one-role", "1.0", "staging").await;
    let southern = sven.start_in(&ships, "one-role", "2.0", "staging", &[]).await;
    let number = northern.number.to_string();

    for (word, more) in [
        ("status", vec![]),
        ("log", vec![]),
        ("tick", vec![("item", "1")]),
        ("report", vec![]),
    ] {
        let mut options = more;
        options.push(("deployment", number.as_str()));
        let answer = sven.slash(&ships, &format!("deploy {word}"), &options).await;
        assert!(
            answer
                .text()
                .contains("There is no such deployment in this server"),
            "{word}: {}",
            answer.text()
        );
    }
    let listed = sven.slash(&ships, "deploy list", &[("which", "all")]).await;
    assert!(
        listed.text().contains("2.0") && !listed.text().contains("1.0"),
        "{}",
        listed.text()
    );
    let offered = sven
        .is_offered(&ships, "deploy status", &[], ("deployment", ""))
        .await;
    assert_eq!(offered.len(), 1);
    assert_eq!(offered[0].value, southern.number);
    assert_eq!(
        world.deployment(&northern).await.seq,
        1,
        "nothing has happened to it"
    );
    world.finish().await;
}

/// A press carries the number of its deployment; one that was forged for another server's is refused at the door.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_forged_for_another_server_is_refused() {
    let world = two_servers().await;
    let northern = world.mara().start("one-role", "1.0", "staging").await;
    let south = GuildId(world.stand_in.guild_id("Southbank").unwrap().get());
    let id = DeploymentId(northern.number);
    assert!(matches!(
        world.engine().deployment(id, south).await,
        Err(HandleError::Refused(Refusal::UnknownDeployment))
    ));
    let handled = world
        .engine()
        .handle(Input {
            id: InputId::new("interaction:forged"),
            guild: Some(south),
            actor: ActingAs::Person(Person {
                id: UserId(world.member("Sven").person.id().get()),
                discord_roles: vec![DiscordRoleId(world.stand_in.role_id("Captain").unwrap().get())],
                manages_server: true,
            }),
            wish: Wish::Change {
                deployment: id,
                command: Command::Tick {
                    item: ItemId::new("1"),
                },
            },
        })
        .await;
    assert!(matches!(
        handled,
        Err(HandleError::Refused(Refusal::UnknownDeployment))
    ));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_held_in_one_server_is_not_held_in_the_other() {
    let world = two_servers().await;
    let (mara, theo, sven) = (world.mara(), world.theo(), world.member("Sven"));
    let ships = world.channel("ships");
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    let owners = sven.slash(&ships, "owner list", &[]).await;
    assert!(owners.text().contains("nobody"), "{}", owners.text());

    let run = sven.start_in(&ships, "one-role", "2.0", "staging", &[]).await;
    sven.deploy(&run, "tick", &[("item", "1")]).await;
    let card = world.card(&run, "Tech Lead", &[]).await;
    theo.react(&card, "✅");
    world
        .hear(
            &run.thread,
            "You do not hold the role `tech-lead`, and nobody does yet",
            &["Theo"],
        )
        .await;
    let refused = theo
        .slash(&ships, "owner set", &[("role", "tech-lead"), ("holder", "Theo")])
        .await;
    assert!(
        refused
            .text()
            .contains("You may not say who holds which role, or import checklists here"),
        "{}",
        refused.text()
    );
    assert!(
        world
            .deployment(&run)
            .await
            .sign_offs
            .values()
            .all(|role| role.signatures.is_empty())
    );
    world.finish().await;
}
