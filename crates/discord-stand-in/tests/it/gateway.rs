//! The gateway's conversation, its faults, and who hears what.

use std::time::Duration;

use discord_stand_in::{
    AcceptedToken, Greeting, HeartbeatAnswers, Options, PrivilegedIntents, Resumable, StandIn,
};
use serde_json::json;

use crate::support::{Gateway, INTENTS, Outcome, Rest, messages_of, options, text};

async fn close_code(gateway: &mut Gateway) -> String {
    match gateway.next().await {
        Ok(payload) => payload.to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn ready_comes_first_then_the_guild() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let (mut gateway, ready) = Gateway::ready(&stand_in).await?;
    assert_eq!((&ready["v"], gateway.sequence), (&json!(10), 1));
    assert_eq!(ready["guilds"][0]["unavailable"], true);
    assert_eq!(ready["application"]["id"], json!(stand_in.application_id()));
    let guild = gateway.event("GUILD_CREATE").await?;
    assert_eq!(guild["name"], "Pier");
    assert_eq!(guild["channels"][0]["name"], "releases");
    assert!(guild["stickers"].is_array());
    gateway.send(json!({ "op": 1, "d": 2 })).await?;
    assert_eq!(gateway.next().await?["op"], 11);
    Ok(())
}

#[tokio::test]
async fn a_bad_beginning_is_closed_with_its_code() -> Outcome {
    let stand_in = StandIn::start(Options {
        token: AcceptedToken::Only("token".to_owned()),
        privileged_intents: PrivilegedIntents::Refused,
        ..options()
    })
    .await?;
    let properties = json!({});
    for (payload, code) in [
        (
            json!({ "op": 2, "d": { "token": "other", "intents": 1, "properties": properties } }),
            "4004",
        ),
        (
            json!({ "op": 2, "d": { "token": "token", "intents": 1 << 18, "properties": properties } }),
            "4013",
        ),
        (
            json!({ "op": 2, "d": { "token": "token", "intents": 1 << 15, "properties": properties } }),
            "4014",
        ),
        (
            json!({ "op": 2, "d": { "token": "token", "intents": 1, "shard": [1, 1], "properties": properties } }),
            "4010",
        ),
        (json!({ "op": 3, "d": {} }), "4003"),
        (json!({ "op": 99, "d": {} }), "4001"),
        (json!("nothing"), "4002"),
        (json!({ "op": 1, "d": "a".repeat(4096) }), "4002"),
    ] {
        let mut gateway = Gateway::connect(&stand_in).await?;
        gateway.send(payload).await?;
        assert_eq!(close_code(&mut gateway).await, code);
    }
    let mut twice = Gateway::connect(&stand_in).await?;
    twice.identify(1).await?;
    twice.event("READY").await?;
    twice.event("GUILD_CREATE").await?;
    twice.identify(1).await?;
    assert_eq!(close_code(&mut twice).await, "4005");
    Ok(())
}

#[tokio::test]
async fn a_resume_replays_what_was_missed_in_order() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let channel = stand_in.channel("general")?;
    let (mut gateway, ready) = Gateway::ready(&stand_in).await?;
    gateway.event("GUILD_CREATE").await?;
    let seen = gateway.sequence;
    stand_in.gateway().drop_sockets();
    assert!(gateway.next().await.is_err());
    stand_in.gateway().wait_until_disconnected().await?;
    let ana = stand_in.person("Ana")?;
    for word in ["one", "two", "three"] {
        ana.say(&channel, word)?;
    }
    let mut gateway = Gateway::connect(&stand_in).await?;
    let resume = json!({ "token": "token", "session_id": ready["session_id"], "seq": seen });
    gateway.send(json!({ "op": 6, "d": resume })).await?;
    for (offset, word) in (1..).zip(["one", "two", "three"]) {
        let payload = gateway.next().await?;
        assert_eq!(
            (&payload["s"], &payload["d"]["content"]),
            (&json!(seen + offset), &json!(word))
        );
    }
    assert_eq!(gateway.next().await?["t"], "RESUMED");
    assert_eq!(
        (stand_in.gateway().identified(), stand_in.gateway().resumed()),
        (1, 1)
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_resumed_is_invalid() -> Outcome {
    let stand_in = StandIn::start(Options {
        resume_buffer: 2,
        ..options()
    })
    .await?;
    let channel = stand_in.channel("general")?;
    let (_gateway, ready) = Gateway::ready(&stand_in).await?;
    let ana = stand_in.person("Ana")?;
    for word in ["one", "two", "three"] {
        ana.say(&channel, word)?;
    }
    for session in [text(&ready, "session_id"), "unknown"] {
        let mut gateway = Gateway::connect(&stand_in).await?;
        let resume = json!({ "token": "token", "session_id": session, "seq": 1 });
        gateway.send(json!({ "op": 6, "d": resume })).await?;
        let answer = gateway.next().await?;
        assert_eq!((&answer["op"], &answer["d"]), (&json!(9), &json!(false)));
        // The same socket may identify anew.
        gateway.identify(INTENTS).await?;
        gateway.event("READY").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_gateway_does_wrong_when_told_to() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    gateway.event("GUILD_CREATE").await?;
    let controls = stand_in.gateway();
    controls.request_reconnect();
    assert_eq!(gateway.next().await?["op"], 7);
    controls.invalidate(Resumable::Yes);
    assert_eq!(gateway.next().await?["d"], true);
    controls.answer_heartbeats(HeartbeatAnswers::Withheld);
    gateway.send(json!({ "op": 1, "d": null })).await?;
    controls.hold();
    let channel = stand_in.channel("general")?;
    stand_in.person("Ana")?.say(&channel, "kept back")?;
    controls.request_reconnect();
    assert_eq!(gateway.next().await?["op"], 7);
    controls.release();
    assert_eq!(gateway.next().await?["d"]["content"], "kept back");
    controls.close(4000);
    assert_eq!(close_code(&mut gateway).await, "4000");
    Ok(())
}

#[tokio::test]
async fn a_session_left_too_long_is_forgotten() -> Outcome {
    let stand_in = StandIn::start(Options {
        resume_window: Duration::ZERO,
        ..options()
    })
    .await?;
    let (mut gateway, ready) = Gateway::ready(&stand_in).await?;
    gateway.event("GUILD_CREATE").await?;
    let seen = gateway.sequence;
    stand_in.gateway().drop_sockets();
    stand_in.gateway().wait_until_disconnected().await?;
    let mut gateway = Gateway::connect(&stand_in).await?;
    let resume = json!({ "token": "token", "session_id": ready["session_id"], "seq": seen });
    gateway.send(json!({ "op": 6, "d": resume })).await?;
    assert_eq!(gateway.next().await?["op"], 9);
    Ok(())
}

#[tokio::test]
async fn a_withheld_greeting_leaves_the_socket_open_and_silent() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    stand_in.gateway().greet(Greeting::Withheld);
    let mut silent = Gateway::open(&stand_in).await?;
    // The conversation goes on all the same, so that its first word is not HELLO.
    silent.identify(INTENTS).await?;
    assert_eq!(silent.next().await?["t"], "READY");
    Ok(())
}

#[tokio::test]
async fn an_interaction_can_come_twice() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    rest.register(&stand_in, json!([{ "name": "status", "description": "d" }]))
        .await?;
    assert!(!stand_in.gateway().replay_last_interaction());
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    stand_in
        .person("Ana")?
        .slash(&stand_in.channel("general")?, "status", &[])?;
    let first = gateway.event("INTERACTION_CREATE").await?;
    assert!(stand_in.gateway().replay_last_interaction());
    assert_eq!(gateway.event("INTERACTION_CREATE").await?, first);
    Ok(())
}

#[tokio::test]
async fn intents_decide_what_is_heard_and_read() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("general")?;
    let mut blind = Gateway::connect(&stand_in).await?;
    blind.identify(1 | 1 << 9).await?;
    blind.event("GUILD_CREATE").await?;
    let mut deaf = Gateway::connect(&stand_in).await?;
    deaf.identify(1).await?;
    deaf.event("GUILD_CREATE").await?;

    let ana = stand_in.person("Ana")?;
    let said = ana.say(&channel, "secret")?;
    assert_eq!(blind.next().await?["d"]["content"], "");
    ana.say(&channel, &format!("<@{}> look", stand_in.application_id()))?;
    let mentioned = blind.next().await?;
    assert!(text(&mentioned["d"], "content").ends_with("look"));
    rest.post(&messages_of(channel.id()), json!({ "content": "own" }))
        .await?;
    assert_eq!(blind.next().await?["d"]["content"], "own");
    ana.react(&said, "✅")?;
    let path = format!("/channels/{}", channel.id());
    rest.patch(&path, json!({ "topic": "t" })).await?;
    // Neither asked for reactions, and the second not for messages.
    assert_eq!(blind.next().await?["t"], "CHANNEL_UPDATE");
    assert_eq!(deaf.next().await?["t"], "CHANNEL_UPDATE");
    Ok(())
}

#[tokio::test]
async fn a_member_who_changes_or_leaves_is_heard_of() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("general")?;
    let mut gateway = Gateway::connect(&stand_in).await?;
    gateway.identify(1 | 1 << 1).await?;
    gateway.event("GUILD_CREATE").await?;
    let ben = stand_in.person("Ben")?;
    let path = format!("/guilds/{}/members/{}", stand_in.guild_id("Pier")?, ben.id());
    ben.set_roles(&channel, &["Pilot"])?;
    let pilot = json!([stand_in.role_id("Pilot")?]);
    assert_eq!(gateway.event("GUILD_MEMBER_UPDATE").await?["roles"], pilot);
    assert_eq!(rest.get(&path).await?.body["roles"], pilot);
    ben.leave(&channel)?;
    let removed = gateway.event("GUILD_MEMBER_REMOVE").await?;
    assert_eq!(removed["user"]["id"], json!(ben.id()));
    assert_eq!(rest.get(&path).await?.body["code"], 10007);
    assert!(ben.say(&channel, "still here?").is_err());
    Ok(())
}
