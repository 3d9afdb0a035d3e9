//! Messages, reactions, pins, threads and direct messages over REST.

use discord_stand_in::{BotMembership, GuildSeed, Options, StandIn, permissions};
use serde_json::{Value, json};

use crate::support::{Gateway, Outcome, Rest, messages_of, options, text};

#[tokio::test]
async fn an_enforced_nonce_posts_once() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let (releases, general) = (stand_in.channel("releases")?, stand_in.channel("general")?);
    let body = json!({ "content": "once", "nonce": "owed-1", "enforce_nonce": true });
    let first = rest.post(&messages_of(releases.id()), body.clone()).await?;
    let mut again = body.clone();
    again["content"] = json!("twice");
    let second = rest.post(&messages_of(releases.id()), again).await?;
    assert_eq!((second.status, &second.body["id"]), (200, &first.body["id"]));
    assert_eq!(second.body["content"], "once");
    assert_eq!(releases.messages().len(), 1);
    let elsewhere = rest.post(&messages_of(general.id()), body.clone()).await?;
    assert_ne!(elsewhere.body["id"], first.body["id"]);
    let mut plain = body;
    plain["enforce_nonce"] = json!(false);
    rest.post(&messages_of(releases.id()), plain).await?;
    assert_eq!(releases.messages().len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_message_is_edited_read_and_deleted() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let list = messages_of(channel.id());
    for number in 1..=5 {
        rest.post(&list, json!({ "content": number.to_string() })).await?;
    }
    let newest = rest.get(&format!("{list}?limit=2")).await?.body;
    assert_eq!(
        (&newest[0]["content"], &newest[1]["content"]),
        (&json!("5"), &json!("4"))
    );
    let before = rest
        .get(&format!("{list}?limit=1&before={}", text(&newest[1], "id")))
        .await?
        .body;
    assert_eq!(before[0]["content"], "3");
    let after = rest
        .get(&format!("{list}?limit=9&after={}", text(&before[0], "id")))
        .await?
        .body;
    assert_eq!(after.as_array().map(Vec::len), Some(2));

    let one = format!("{list}/{}", text(&newest[0], "id"));
    let edited = rest
        .patch(&one, json!({ "embeds": [{ "title": "kept content" }] }))
        .await?
        .body;
    assert_eq!(
        (&edited["content"], &edited["embeds"][0]["type"]),
        (&json!("5"), &json!("rich"))
    );
    assert!(edited["edited_timestamp"].is_string());
    let emptied = rest.patch(&one, json!({ "content": "", "embeds": [] })).await?;
    assert_eq!(emptied.body["code"], 50006);
    assert_eq!(rest.delete(&one).await?.status, 204);
    assert_eq!(rest.get(&one).await?.body["code"], 10008);

    let ben = stand_in.person("Ben")?;
    let theirs = ben.say(&channel, "mine")?;
    let refused = rest
        .patch(&format!("{list}/{}", theirs.id()), json!({ "content": "x" }))
        .await?;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!(50005)));
    Ok(())
}

#[tokio::test]
async fn files_come_back_as_they_went_in() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let channel = stand_in.channel("releases")?;
    let boundary = "----edge";
    let payload = json!({
        "content": "with a file",
        "attachments": [{ "id": 0, "filename": "plot.svg", "description": "A plot" }],
        "embeds": [{ "image": { "url": "attachment://plot.svg" } }],
    });
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"payload_json\"\r\ncontent-type: application/json\r\n\r\n{payload}\r\n--{boundary}\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"x.svg\"\r\ncontent-type: image/svg+xml\r\n\r\n<svg/>\r\n--{boundary}--\r\n"
    );
    let client = reqwest::Client::new();
    let answer: Value = client
        .post(format!(
            "{}/v10{}",
            stand_in.api_base(),
            messages_of(channel.id())
        ))
        .header("authorization", "Bot token")
        .header(
            "content-type",
            format!("multipart/form-data; boundary={boundary}"),
        )
        .body(body)
        .send()
        .await?
        .json()
        .await?;
    let attachment = &answer["attachments"][0];
    assert_eq!(
        (&attachment["filename"], &attachment["size"]),
        (&json!("plot.svg"), &json!(6))
    );
    assert_eq!(answer["embeds"][0]["image"]["url"], attachment["url"]);
    let file = client.get(text(attachment, "url")).send().await?;
    assert_eq!(file.headers()["content-type"], "image/svg+xml");
    assert_eq!(file.text().await?, "<svg/>");
    let recorded = stand_in.requests();
    assert_eq!(recorded[0].body, payload);
    Ok(())
}

#[tokio::test]
async fn super_reactions_are_counted_apart_and_listed_where_they_are_asked_for() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let (ana, ben) = (stand_in.person("Ana")?, stand_in.person("Ben")?);
    let channel = stand_in.channel("releases")?;
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    let said = ana.say(&channel, "well?")?;
    ana.react(&said, "✅")?;
    assert_eq!(gateway.event("MESSAGE_REACTION_ADD").await?["burst"], false);
    ben.super_react(&said, "✅")?;
    let event = gateway.event("MESSAGE_REACTION_ADD").await?;
    assert_eq!((&event["burst"], &event["type"]), (&json!(true), &json!(1)));
    let one = format!("{}/{}", messages_of(channel.id()), said.id());
    let reactions = format!("{one}/reactions/%E2%9C%85");
    let ids = async |path: String| -> Result<Value, Box<dyn std::error::Error>> {
        let users = rest.get(&path).await?.body;
        let ids = users
            .as_array()
            .into_iter()
            .flatten()
            .map(|user| user["id"].clone());
        Ok(ids.collect())
    };
    assert_eq!(ids(reactions.clone()).await?, json!([ana.id().to_string()]));
    assert_eq!(
        ids(format!("{reactions}?type=1")).await?,
        json!([ben.id().to_string()])
    );
    let counted = rest.get(&one).await?.body["reactions"][0].clone();
    assert_eq!(
        (&counted["count"], &counted["count_details"]),
        (&json!(2), &json!({ "burst": 1, "normal": 1 }))
    );
    ben.unreact(&said, "✅")?;
    assert_eq!(gateway.event("MESSAGE_REACTION_REMOVE").await?["burst"], true);
    Ok(())
}

#[tokio::test]
async fn reactions_are_counted_listed_in_pages_and_taken_away() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    let channel = stand_in.channel("releases")?;
    let posted = rest
        .post(&messages_of(channel.id()), json!({ "content": "sign" }))
        .await?
        .body;
    let one = format!("{}/{}", messages_of(channel.id()), text(&posted, "id"));
    let message = channel.wait_for_message(|_| true).await?;
    let people = ["Ana", "Ben", "Cleo"];
    for name in people {
        stand_in.person(name)?.react(&message, "✅")?;
    }
    let event = gateway.event("MESSAGE_REACTION_ADD").await?;
    assert_eq!(event["member"]["user"]["global_name"], "Ana");
    assert_eq!(event["member"]["roles"][0], json!(stand_in.role_id("Pilot")?));
    assert_eq!(event["type"], 0);

    let reactions = format!("{one}/reactions/%E2%9C%85");
    assert_eq!(
        rest.put(&format!("{reactions}/@me"), Value::Null).await?.status,
        204
    );
    let first = rest.get(&format!("{reactions}?limit=2")).await?.body;
    let next = rest
        .get(&format!("{reactions}?limit=9&after={}", text(&first[1], "id")))
        .await?
        .body;
    assert_eq!(
        (first.as_array().map(Vec::len), next.as_array().map(Vec::len)),
        (Some(2), Some(2))
    );
    assert_eq!(
        channel
            .message(message.id())
            .map(|message| message.reactions("✅")),
        Some(4)
    );

    let ben = stand_in.person("Ben")?;
    assert_eq!(
        rest.delete(&format!("{reactions}/{}", ben.id())).await?.status,
        204
    );
    let removed = gateway.event("MESSAGE_REACTION_REMOVE").await?;
    assert_eq!(removed["user_id"], json!(ben.id()));
    assert!(removed.get("member").is_none());
    assert_eq!(
        rest.put(&format!("{one}/reactions/nonsense/@me"), Value::Null)
            .await?
            .body["code"],
        10014
    );
    assert_eq!(rest.delete(&format!("{one}/reactions")).await?.status, 204);
    assert_eq!(
        channel
            .message(message.id())
            .map(|message| message.reactions("✅")),
        Some(0)
    );
    Ok(())
}

#[tokio::test]
async fn pins_show_by_both_routes() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?;
    let list = messages_of(channel.id());
    let old = rest.post(&list, json!({ "content": "old" })).await?.body;
    let new = rest.post(&list, json!({ "content": "new" })).await?.body;
    let by_old_route = format!("/channels/{}/pins/{}", channel.id(), text(&old, "id"));
    assert_eq!(rest.put(&by_old_route, Value::Null).await?.status, 204);
    stand_in.advance_clock(1000);
    let by_new_route = format!("{list}/pins/{}", text(&new, "id"));
    assert_eq!(rest.put(&by_new_route, Value::Null).await?.status, 204);
    let items = rest.get(&format!("{list}/pins?limit=1")).await?.body;
    assert_eq!(
        (&items["items"][0]["message"]["content"], &items["has_more"]),
        (&json!("new"), &json!(true))
    );
    let plain = rest.get(&format!("/channels/{}/pins", channel.id())).await?.body;
    assert_eq!(plain[1]["content"], "old");
    rest.delete(&by_old_route).await?;
    assert_eq!(channel.pins().len(), 1);
    Ok(())
}

#[tokio::test]
async fn threads_start_are_renamed_archived_and_wake_up() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    let channel = stand_in.channel("releases")?;
    let posted = rest
        .post(&messages_of(channel.id()), json!({ "content": "start" }))
        .await?
        .body;
    let threads = format!("{}/{}/threads", messages_of(channel.id()), text(&posted, "id"));
    let thread = rest.post(&threads, json!({ "name": "Deploy 1" })).await?;
    assert_eq!((thread.status, &thread.body["id"]), (201, &posted["id"]));
    assert_eq!(thread.body["type"], 11);
    assert_eq!(gateway.event("THREAD_CREATE").await?["newly_created"], true);
    assert_eq!(
        rest.post(&threads, json!({ "name": "again" })).await?.body["code"],
        160_004
    );

    let path = format!("/channels/{}", text(&thread.body, "id"));
    let change = json!({ "name": "Deploy 1 (done)", "archived": true });
    let archived = rest.patch(&path, change).await?.body;
    assert_eq!(archived["thread_metadata"]["archived"], true);
    assert_eq!(gateway.event("THREAD_UPDATE").await?["name"], "Deploy 1 (done)");
    let guild = stand_in.guild_id("Pier")?;
    let active = format!("/guilds/{guild}/threads/active");
    assert_eq!(rest.get(&active).await?.body["threads"], json!([]));
    let said = rest
        .post(&format!("{path}/messages"), json!({ "content": "awake" }))
        .await?;
    assert_eq!(said.status, 200);
    assert!(!stand_in.channel("Deploy 1 (done)")?.is_archived());
    assert_eq!(
        rest.get(&active).await?.body["threads"][0]["id"],
        thread.body["id"]
    );
    Ok(())
}

#[tokio::test]
async fn direct_messages_reach_one_person_until_they_close_them() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let ana = stand_in.person("Ana")?;
    let opened = rest
        .post("/users/@me/channels", json!({ "recipient_id": ana.id() }))
        .await?
        .body;
    assert_eq!(
        (&opened["type"], &opened["recipients"][0]["id"]),
        (&json!(1), &json!(ana.id()))
    );
    let path = format!("/channels/{}/messages", text(&opened, "id"));
    assert_eq!(rest.post(&path, json!({ "content": "psst" })).await?.status, 200);
    assert_eq!(ana.direct_messages().messages()[0].content(), "psst");
    ana.close_direct_messages();
    assert_eq!(
        rest.post(&path, json!({ "content": "psst" })).await?.body["code"],
        50007
    );
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_has_its_code() -> Outcome {
    let mut quiet = GuildSeed::new("Quiet").channel("listen").person("Ana", &[]);
    quiet.bot_permissions = permissions::VIEW_CHANNEL;
    let mut seeds = options();
    seeds.guilds.push(quiet);
    seeds.guilds.push(
        GuildSeed::new("Far")
            .channel("away")
            .person("Dan", &[])
            .bot(BotMembership::Absent),
    );
    let stand_in = StandIn::start(Options { ..seeds }).await?;
    let rest = Rest::new(&stand_in);
    let channel = stand_in.channel("releases")?.id();
    let away = stand_in.channel("away")?.id();
    let (pier, far) = (stand_in.guild_id("Pier")?, stand_in.guild_id("Far")?);
    let dan = stand_in.person("Dan")?.id();
    for (path, status, code) in [
        ("/channels/1".to_owned(), 404, 10003),
        ("/guilds/1".to_owned(), 404, 10004),
        (format!("/guilds/{pier}/members/{dan}"), 404, 10007),
        (format!("/channels/{channel}/messages/1"), 404, 10008),
        ("/users/1".to_owned(), 404, 10013),
        (format!("/channels/{away}"), 403, 50001),
        (format!("/guilds/{far}"), 403, 50001),
        ("/nowhere".to_owned(), 404, 0),
    ] {
        let answer = rest.get(&path).await?;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (status, &json!(code)),
            "{path}"
        );
    }
    let webhook = format!(
        "/webhooks/{}/nothing/messages/@original",
        stand_in.application_id()
    );
    assert_eq!(rest.get(&webhook).await?.body["code"], 50027);
    let unknown = rest
        .post("/interactions/1/nothing/callback", json!({ "type": 5 }))
        .await?;
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!(10062)));
    // `@everyone` may speak in a seeded guild, but only the bot's own role could pin.
    let listen = stand_in.channel("listen")?.id();
    let said = rest
        .post(&messages_of(listen), json!({ "content": "c" }))
        .await?
        .body;
    let pin = rest
        .put(
            &format!("{}/pins/{}", messages_of(listen), text(&said, "id")),
            Value::Null,
        )
        .await?;
    assert_eq!((pin.status, &pin.body["code"]), (403, &json!(50013)));

    let stranger = reqwest::get(format!("{}/v10/users/@me", stand_in.api_base())).await?;
    assert_eq!(stranger.status(), 401);
    Ok(())
}
