//! What on Discord belongs to what here, who holds which role, and which inputs were heard.

use super::super::{Filter, Posted};
use super::{ALICE, Course, GUILD, Outcome, Place, at, noted};
use crate::domain::event::{Event, Outcome as Ending};
use crate::domain::ids::{
    ChannelId, DeploymentId, DiscordRoleId, GuildId, InputId, MessageId, RoleKey, UserId,
};
use crate::domain::sign_off::{Holder, Owners, Rank};

fn posted(channel: u64, message: u64) -> Posted {
    Posted {
        channel: ChannelId(channel),
        message: MessageId(message),
    }
}

#[tokio::test]
async fn messages_are_found_both_ways() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let (mut one, mut two) = (Course::new(1), Course::new(2));
    store.commit(&[one.start()?, two.start()?]).await?;
    // A thread has the id of the message it hangs on. The greatest ids do not fit a signed integer.
    store.remember(one.id, "opening", posted(5, 100)).await?;
    store.remember(one.id, "thread", posted(100, 100)).await?;
    store.remember(one.id, "board", posted(100, u64::MAX)).await?;
    store.remember(one.id, "card:qa:1", posted(100, 102)).await?;
    store.remember(one.id, "card:qa:2", posted(100, 103)).await?;
    store.remember(two.id, "opening", posted(5, 200)).await?;
    store.remember(two.id, "card:qa:1", posted(200, 201)).await?;
    store.remember(two.id, "card:qa:1", posted(200, 202)).await?;

    assert_eq!(store.deployment_of_channel(ChannelId(100)).await?, Some(one.id));
    assert_eq!(store.deployment_of_channel(ChannelId(5)).await?, None);
    let of_message = |message| store.deployment_of_message(MessageId(message));
    assert_eq!(of_message(100).await?, Some((one.id, "opening".to_owned())));
    assert_eq!(of_message(u64::MAX).await?, Some((one.id, "board".to_owned())));
    assert_eq!(of_message(202).await?, Some((two.id, "card:qa:1".to_owned())));
    assert_eq!(of_message(201).await?, None);
    assert_eq!(store.posted(one.id, "card:qa:2").await?, Some(posted(100, 103)));
    assert_eq!(store.posted(DeploymentId(3), "board").await?, None);
    let listed = store.deployments(GUILD, Filter::All, 10).await?;
    assert_eq!((listed[0].thread, listed[1].thread), (None, Some(ChannelId(100))));

    let cards = store.posted_like("card:", Filter::Running).await?;
    let names: Vec<_> = cards.iter().map(|(id, name, _)| (id.0, name.as_str())).collect();
    assert_eq!(names, [(1, "card:qa:1"), (1, "card:qa:2"), (2, "card:qa:1")]);
    let end = Event::Finished {
        outcome: Ending::Complete,
        reason: None,
    };
    store.commit(&[two.unit("end", vec![end])?]).await?;
    assert_eq!(store.posted_like("card:", Filter::Running).await?.len(), 2);
    assert_eq!(store.posted_like("card:", Filter::All).await?.len(), 3);
    // A prefix is text, not a pattern.
    assert!(store.posted_like("c%", Filter::All).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn owners_are_set_moved_and_cleared_per_guild() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let (qa, lead) = (RoleKey::new("qa"), RoleKey::new("tech-lead"));
    let alice = Holder::Member(ALICE);
    let bob = Holder::Member(UserId(8));
    // A member and a role of Discord's may have the same number.
    let team = Holder::DiscordRole(DiscordRoleId(8));
    let set = async |guild, role, rank, holder, seconds| {
        store
            .set_owner(guild, role, rank, holder, ALICE, at(seconds))
            .await
    };
    set(GUILD, &qa, Rank::Lead, team, 1).await?;
    set(GUILD, &qa, Rank::Owner, bob, 2).await?;
    set(GUILD, &qa, Rank::Owner, alice, 3).await?;
    set(GUILD, &lead, Rank::Owner, alice, 4).await?;
    set(GuildId(1), &qa, Rank::Owner, team, 5).await?;
    let expected = Owners(
        [
            (
                qa.clone(),
                vec![(Rank::Owner, bob), (Rank::Owner, alice), (Rank::Lead, team)],
            ),
            (lead.clone(), vec![(Rank::Owner, alice)]),
        ]
        .into(),
    );
    assert_eq!(store.owners(GUILD).await?, expected);

    // Another rank replaces the one held.
    set(GUILD, &qa, Rank::Deputy, bob, 6).await?;
    assert_eq!(
        store.owners(GUILD).await?.0[&qa],
        [(Rank::Owner, alice), (Rank::Deputy, bob), (Rank::Lead, team)]
    );
    assert_eq!(
        store
            .clear_owner(GUILD, &qa, Some(Rank::Owner), Some(bob))
            .await?,
        0
    );
    assert_eq!(store.clear_owner(GUILD, &qa, None, Some(bob)).await?, 1);
    assert_eq!(store.clear_owner(GUILD, &qa, Some(Rank::Lead), None).await?, 1);
    assert_eq!(store.owners(GUILD).await?.0[&qa], [(Rank::Owner, alice)]);
    assert_eq!(store.clear_owner(GUILD, &qa, None, None).await?, 1);
    assert_eq!(store.owners(GUILD).await?.0.len(), 1);
    assert_eq!(store.owners(GuildId(1)).await?.0.len(), 1);
    assert_eq!(store.owners(GuildId(2)).await?, Owners::default());
    Ok(())
}

#[tokio::test]
async fn an_input_that_changed_nothing_is_remembered_and_may_still_be_applied() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store.commit(&[course.start()?]).await?;
    let unit = course.unit("reaction", vec![noted("x")])?;
    let reaction = unit.input.clone();
    assert!(store.remember_input(&reaction, at(5)).await?);
    assert!(!store.remember_input(&reaction, at(6)).await?);
    assert!(store.seen(std::slice::from_ref(&reaction)).await?.is_empty());
    // Whoever reacted was given the role meanwhile.
    store.commit(&[unit]).await?;
    assert_eq!(
        store.seen(std::slice::from_ref(&reaction)).await?[&reaction].seq,
        2
    );
    assert!(!store.remember_input(&reaction, at(7)).await?);
    Ok(())
}

#[tokio::test]
async fn old_inputs_are_forgotten() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    store.remember_input(&InputId::new("old"), at(0)).await?;
    store.remember_input(&InputId::new("new"), at(10)).await?;
    assert_eq!(store.forget_inputs_before(at(10)).await?, 1);
    assert!(store.remember_input(&InputId::new("old"), at(11)).await?);
    assert!(!store.remember_input(&InputId::new("new"), at(11)).await?);
    Ok(())
}
