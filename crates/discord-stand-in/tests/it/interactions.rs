//! The life of an interaction, from a person's hand to the last follow-up.

use std::time::Duration;

use discord_stand_in::{Options, StandIn, Unanswered};
use serde_json::{Value, json};

use crate::support::{Gateway, Outcome, Rest, options, text};

fn commands() -> Value {
    json!([{
        "name": "deploy",
        "description": "d",
        "options": [
            { "type": 1, "name": "tick", "description": "d", "options": [
                { "type": 3, "name": "item", "description": "d", "required": true, "autocomplete": true },
                { "type": 6, "name": "for", "description": "d" },
                { "type": 4, "name": "times", "description": "d", "min_value": 1, "max_value": 3 },
            ] },
            { "type": 1, "name": "status", "description": "d" },
        ],
    }, {
        "name": "guarded",
        "description": "d",
        "default_member_permissions": "32",
    }])
}

struct Scene {
    stand_in: StandIn,
    rest: Rest,
    gateway: Gateway,
}

impl Scene {
    async fn open(options: Options) -> Result<Self, Box<dyn std::error::Error>> {
        let stand_in = StandIn::start(options).await?;
        let rest = Rest::new(&stand_in);
        rest.register(&stand_in, commands()).await?;
        let (gateway, _) = Gateway::ready(&stand_in).await?;
        Ok(Self {
            stand_in,
            rest,
            gateway,
        })
    }

    fn webhook(&self, event: &Value) -> String {
        format!(
            "/webhooks/{}/{}",
            self.stand_in.application_id(),
            text(event, "token")
        )
    }
}

#[tokio::test]
async fn a_command_arrives_whole_and_its_answer_is_seen() -> Outcome {
    let mut scene = Scene::open(options()).await?;
    let (ana, ben) = (scene.stand_in.person("Ana")?, scene.stand_in.person("Ben")?);
    let channel = scene.stand_in.channel("releases")?;
    let options = [("item", "3.2"), ("for", "Ben"), ("times", "2")];
    let interaction = ana.slash(&channel, "deploy tick", &options)?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    assert_eq!((&event["type"], &event["version"]), (&json!(2), &json!(1)));
    assert_eq!(
        event["member"]["roles"][0],
        json!(scene.stand_in.role_id("Pilot")?)
    );
    let tick = &event["data"]["options"][0];
    assert_eq!((&tick["name"], &tick["type"]), (&json!("tick"), &json!(1)));
    assert_eq!(
        tick["options"][2],
        json!({ "name": "times", "type": 4, "value": 2 })
    );
    let ben_id = ben.id().to_string();
    assert_eq!(event["data"]["resolved"]["users"][&ben_id]["global_name"], "Ben");
    assert!(event["data"]["resolved"]["members"][&ben_id]["permissions"].is_string());

    let path = format!(
        "/interactions/{}/{}/callback?with_response=true",
        text(&event, "id"),
        text(&event, "token")
    );
    let answer = scene
        .rest
        .post(&path, json!({ "type": 4, "data": { "content": "done" } }))
        .await?;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body["resource"]["message"]["interaction_metadata"]["name"],
        "deploy tick"
    );
    assert_eq!(interaction.message().await?.content(), "done");
    let again = scene.rest.callback(&event, json!({ "type": 5 })).await?;
    assert_eq!((again.status, &again.body["code"]), (400, &json!(40060)));
    Ok(())
}

#[tokio::test]
async fn a_deferral_loads_until_it_is_filled_in() -> Outcome {
    let mut scene = Scene::open(options()).await?;
    let (ana, ben) = (scene.stand_in.person("Ana")?, scene.stand_in.person("Ben")?);
    let channel = scene.stand_in.channel("releases")?;
    let interaction = ana.slash(&channel, "deploy status", &[])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    let webhook = scene.webhook(&event);
    let early = scene
        .rest
        .patch(
            &format!("{webhook}/messages/@original"),
            json!({ "content": "x" }),
        )
        .await?;
    assert_eq!((early.status, &early.body["code"]), (404, &json!(10015)));

    scene
        .rest
        .callback(&event, json!({ "type": 5, "data": { "flags": 64 } }))
        .await?;
    let loading = &channel.messages_seen_by(&ana)[0];
    assert!(loading.is_loading() && loading.is_ephemeral());
    let filled = scene
        .rest
        .post(&webhook, json!({ "content": "ready" }))
        .await?
        .body;
    assert_eq!(filled["id"], json!(loading.id()));
    let message = interaction.message().await?;
    assert!(message.is_ephemeral() && !message.is_loading());

    let follow_up = scene
        .rest
        .post(&webhook, json!({ "content": "more" }))
        .await?
        .body;
    let path = format!("{webhook}/messages/{}", text(&follow_up, "id"));
    scene
        .rest
        .patch(&path, json!({ "content": "more still" }))
        .await?;
    assert_eq!(interaction.follow_up(|_| true).await?.content(), "more still");
    assert_eq!(scene.rest.delete(&path).await?.status, 204);
    assert_eq!(scene.rest.get(&path).await?.body["code"], 10008);

    // Only Ana sees the ephemeral one, and the channel's routes do not know it.
    assert!(channel.messages_seen_by(&ben).is_empty());
    assert!(channel.messages().is_empty());
    let by_channel = format!("/channels/{}/messages/{}", channel.id(), message.id());
    assert_eq!(scene.rest.get(&by_channel).await?.body["code"], 10008);
    let page = reqwest::get(format!(
        "{}channels/{}/messages?user={}",
        scene.stand_in.page_url(),
        channel.id(),
        ben.id()
    ));
    assert_eq!(page.await?.text().await?, "[]");
    Ok(())
}

#[tokio::test]
async fn a_silent_application_has_failed_and_its_token_is_dead() -> Outcome {
    let mut scene = Scene::open(Options {
        interaction_deadline: Duration::from_millis(1),
        ..options()
    })
    .await?;
    let channel = scene.stand_in.channel("releases")?;
    let interaction = scene
        .stand_in
        .person("Ana")?
        .slash(&channel, "deploy status", &[])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    assert_eq!(interaction.response().await, Err(Unanswered::Failed));
    let late = scene
        .rest
        .callback(&event, json!({ "type": 4, "data": { "content": "late" } }))
        .await?;
    assert_eq!((late.status, &late.body["code"]), (404, &json!(10062)));
    assert!(channel.messages().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_token_ends_with_its_lifetime() -> Outcome {
    let mut scene = Scene::open(Options {
        interaction_lifetime: Duration::ZERO,
        ..options()
    })
    .await?;
    let channel = scene.stand_in.channel("releases")?;
    scene
        .stand_in
        .person("Ana")?
        .slash(&channel, "deploy status", &[])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    let answer = scene
        .rest
        .callback(&event, json!({ "type": 4, "data": { "content": "x" } }))
        .await?;
    assert_eq!(answer.status, 204);
    let late = scene
        .rest
        .post(&scene.webhook(&event), json!({ "content": "x" }))
        .await?;
    assert_eq!((late.status, &late.body["code"]), (401, &json!(50027)));
    Ok(())
}

#[tokio::test]
async fn a_token_ends_when_the_clock_is_moved_past_its_lifetime() -> Outcome {
    let mut scene = Scene::open(options()).await?;
    let channel = scene.stand_in.channel("releases")?;
    scene
        .stand_in
        .person("Ana")?
        .slash(&channel, "deploy status", &[])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    let answer = scene.rest.callback(&event, json!({ "type": 5 })).await?;
    assert_eq!(answer.status, 204);
    let original = format!("{}/messages/@original", scene.webhook(&event));
    scene.stand_in.advance_clock(14 * 60 * 1000);
    let edited = scene
        .rest
        .patch(&original, json!({ "content": "in time" }))
        .await?;
    assert_eq!(edited.status, 200);
    scene.stand_in.advance_clock(60 * 1000);
    let late = scene.rest.patch(&original, json!({ "content": "late" })).await?;
    assert_eq!((late.status, &late.body["code"]), (401, &json!(50027)));
    Ok(())
}

#[tokio::test]
async fn buttons_menus_and_modals_lead_on() -> Outcome {
    let mut scene = Scene::open(options()).await?;
    let (ana, ben) = (scene.stand_in.person("Ana")?, scene.stand_in.person("Ben")?);
    let channel = scene.stand_in.channel("releases")?;
    let interaction = ana.slash(&channel, "deploy status", &[])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    let components = json!([
        { "type": 1, "components": [
            { "type": 2, "style": 1, "label": "Note", "custom_id": "note" },
            { "type": 2, "style": 1, "label": "Off", "custom_id": "off", "disabled": true },
        ] },
        { "type": 1, "components": [
            { "type": 3, "custom_id": "pick", "max_values": 2, "options": [
                { "label": "One", "value": "1" }, { "label": "Two", "value": "2" }, { "label": "Three", "value": "3" },
            ] },
        ] },
        { "type": 1, "components": [{ "type": 5, "custom_id": "who" }] },
    ]);
    scene
        .rest
        .callback(
            &event,
            json!({ "type": 4, "data": { "content": "status", "components": components } }),
        )
        .await?;
    let message = interaction.message().await?;

    assert!(
        ben.press(&message, "off")
            .is_err_and(|refusal| refusal.to_string().contains("disabled"))
    );
    assert!(ben.press(&message, "none").is_err());
    assert!(ben.choose(&message, "pick", &["4"]).is_err());
    assert!(ben.choose(&message, "pick", &["1", "2", "3"]).is_err());

    ben.choose(&message, "pick", &["1", "3"])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    assert_eq!(event["data"]["values"], json!(["1", "3"]));
    assert_eq!(event["message"]["id"], json!(message.id()));
    scene.rest.callback(&event, json!({ "type": 6 })).await?;
    let edit = format!("{}/messages/@original", scene.webhook(&event));
    scene.rest.patch(&edit, json!({ "content": "picked" })).await?;
    channel
        .wait_for_edit(message.id(), |message| message.content() == "picked")
        .await?;

    let ana_id = ana.id().to_string();
    ben.choose(&message, "who", &[&ana_id])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    assert_eq!(event["data"]["resolved"]["users"][&ana_id]["global_name"], "Ana");

    let pressed = ben.press(&message, message.button("Note").ok_or("no button")?)?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    let inputs = json!([{ "type": 1, "components": [
        { "type": 4, "style": 2, "custom_id": "text", "label": "Why", "min_length": 3, "max_length": 10 },
    ] }]);
    let modal = json!({ "title": "Note", "custom_id": "note-1", "components": inputs });
    scene
        .rest
        .callback(&event, json!({ "type": 9, "data": modal }))
        .await?;
    let modal = pressed.modal().await?;
    assert!(ben.submit(&modal, &[("text", "")]).is_err());
    assert!(ben.submit(&modal, &[("text", "far too long")]).is_err());
    assert!(ana.submit(&modal, &[("text", "enough")]).is_err());
    let sent = ben.submit(&modal, &[("text", "enough")])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    assert_eq!(
        (&event["type"], &event["data"]["custom_id"]),
        (&json!(5), &json!("note-1"))
    );
    assert_eq!(event["data"]["components"][0]["components"][0]["value"], "enough");
    scene
        .rest
        .callback(&event, json!({ "type": 7, "data": { "content": "noted" } }))
        .await?;
    assert_eq!(sent.message().await?.id(), message.id());
    assert!(ben.submit(&modal, &[("text", "enough")]).is_err());
    Ok(())
}

#[tokio::test]
async fn what_a_client_would_not_send_is_refused_with_a_sentence() -> Outcome {
    let scene = Scene::open(options()).await?;
    let (ana, ben) = (scene.stand_in.person("Ana")?, scene.stand_in.person("Ben")?);
    let channel = scene.stand_in.channel("releases")?;
    for (command, options, part) in [
        ("fly", &[][..], "no command"),
        ("deploy fly", &[], "no subcommand"),
        ("deploy", &[], "subcommands"),
        ("deploy tick", &[], "required"),
        ("deploy tick", &[("item", "1"), ("speed", "9")], "no option"),
        ("deploy tick", &[("item", "1"), ("times", "four")], "not a value"),
        ("deploy tick", &[("item", "1"), ("times", "4")], "limits"),
        ("deploy tick", &[("item", "1"), ("for", "Nobody")], "not a value"),
    ] {
        let refusal = ana
            .slash(&channel, command, options)
            .err()
            .ok_or(command)?
            .to_string();
        assert!(
            refusal.contains(part) && refusal.ends_with('.'),
            "{command}: {refusal}"
        );
    }
    // Ana owns the guild; Ben lacks the permission that the command asks for.
    assert!(ana.slash(&channel, "guarded", &[]).is_ok());
    assert!(ben.slash(&channel, "guarded", &[]).is_err());
    Ok(())
}

#[tokio::test]
async fn a_response_of_the_wrong_kind_is_refused() -> Outcome {
    let mut scene = Scene::open(options()).await?;
    let channel = scene.stand_in.channel("releases")?;
    scene
        .stand_in
        .person("Ana")?
        .slash(&channel, "deploy status", &[])?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    for kind in [6, 7, 8, 3] {
        let body = json!({ "type": kind, "data": { "choices": [], "content": "c" } });
        let answer = scene.rest.callback(&event, body).await?;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (400, &json!(50035)),
            "type {kind}"
        );
    }
    Ok(())
}
