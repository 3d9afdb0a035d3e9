//! Whom a message pings.

use discord_stand_in::{Options, StandIn, permissions};
use serde_json::{Value, json};

use crate::support::{Outcome, Rest, messages_of, options};

struct Case {
    what: &'static str,
    allowed: Value,
    users: &'static [&'static str],
    roles: &'static [&'static str],
    everyone: bool,
}

#[tokio::test]
async fn allowed_mentions_decide_who_is_pinged() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let (ana, ben) = (stand_in.person("Ana")?, stand_in.person("Ben")?);
    let (pilot, keeper) = (stand_in.role_id("Pilot")?, stand_in.role_id("Keeper")?);
    let content = format!(
        "{} {} <@&{pilot}> <@&{keeper}> @here `{}`",
        ana.mention(),
        ben.mention(),
        stand_in.person("Cleo")?.mention()
    );
    let cases = [
        Case {
            what: "absent",
            allowed: Value::Null,
            users: &["Ana", "Ben"],
            roles: &["Pilot", "Keeper"],
            everyone: true,
        },
        Case {
            what: "empty",
            allowed: json!({}),
            users: &[],
            roles: &[],
            everyone: false,
        },
        Case {
            what: "nothing parsed",
            allowed: json!({ "parse": [] }),
            users: &[],
            roles: &[],
            everyone: false,
        },
        Case {
            what: "users",
            allowed: json!({ "parse": ["users"] }),
            users: &["Ana", "Ben"],
            roles: &[],
            everyone: false,
        },
        Case {
            what: "everyone",
            allowed: json!({ "parse": ["everyone"] }),
            users: &[],
            roles: &[],
            everyone: true,
        },
        Case {
            what: "one user",
            allowed: json!({ "users": [ben.id()] }),
            users: &["Ben"],
            roles: &[],
            everyone: false,
        },
        Case {
            what: "one role",
            allowed: json!({ "parse": ["users"], "roles": [pilot] }),
            users: &["Ana", "Ben"],
            roles: &["Pilot"],
            everyone: false,
        },
    ];
    for case in cases {
        let mut body = json!({ "content": content });
        if !case.allowed.is_null() {
            body["allowed_mentions"] = case.allowed;
        }
        let answer = rest.post(&messages_of(channel.id()), body).await?.body;
        let posted = channel.messages().pop().ok_or("no message")?;
        let pings = stand_in.pings_of(&posted);
        assert_eq!(pings.users, case.users, "{}", case.what);
        assert_eq!(pings.roles, case.roles, "{}", case.what);
        assert_eq!(pings.everyone, case.everyone, "{}", case.what);
        assert_eq!(answer["mention_everyone"], case.everyone, "{}", case.what);
        assert_eq!(
            answer["mentions"].as_array().map(Vec::len),
            Some(case.users.len()),
            "{}",
            case.what
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_role_ping_reaches_its_members_and_an_edit_nobody() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let pilot = stand_in.role_id("Pilot")?;
    rest.post(
        &messages_of(channel.id()),
        json!({ "content": format!("<@&{pilot}>") }),
    )
    .await?;
    let posted = channel.messages().pop().ok_or("no message")?;
    assert_eq!(stand_in.pings_of(&posted).reached, ["Ana"]);
    let ben = stand_in.person("Ben")?;
    let path = format!("{}/{}", messages_of(channel.id()), posted.id());
    let edited = rest.patch(&path, json!({ "content": ben.mention() })).await?.body;
    assert_eq!(edited["mentions"][0]["id"], json!(ben.id()));
    assert_eq!(stand_in.pings_of(&posted).reached, ["Ana"]);
    Ok(())
}

#[tokio::test]
async fn without_the_permission_only_open_roles_are_pinged() -> Outcome {
    let mut seeds = options();
    seeds.guilds[0].bot_permissions = permissions::USUAL_FOR_EVERYONE;
    let stand_in = StandIn::start(Options { ..seeds }).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let (pilot, keeper) = (stand_in.role_id("Pilot")?, stand_in.role_id("Keeper")?);
    let content = format!("@everyone <@&{pilot}> <@&{keeper}>");
    rest.post(&messages_of(channel.id()), json!({ "content": content }))
        .await?;
    let posted = channel.messages().pop().ok_or("no message")?;
    let pings = stand_in.pings_of(&posted);
    assert_eq!((pings.roles, pings.everyone), (vec!["Pilot".to_owned()], false));
    Ok(())
}

#[tokio::test]
async fn a_reply_pings_unless_told_otherwise() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let asked = stand_in.person("Cleo")?.say(&channel, "when?")?;
    let reference = json!({ "message_id": asked.id() });
    for (allowed, pinged) in [
        (Value::Null, true),
        (json!({ "parse": [] }), false),
        (json!({ "parse": [], "replied_user": true }), true),
    ] {
        let mut body = json!({ "content": "now", "message_reference": reference });
        if !allowed.is_null() {
            body["allowed_mentions"] = allowed;
        }
        let answer = rest.post(&messages_of(channel.id()), body).await?.body;
        assert_eq!(answer["referenced_message"]["content"], "when?");
        let posted = channel.messages().pop().ok_or("no message")?;
        assert_eq!(
            stand_in.pings_of(&posted).users.contains(&"Cleo".to_owned()),
            pinged
        );
    }
    Ok(())
}
