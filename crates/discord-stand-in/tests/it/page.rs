//! The page's endpoints and its stream of events.

use discord_stand_in::{Options, Snowflake, StandIn, SwitchPosition, SwitchSeed, Welcome};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::support::{Gateway, Outcome, Rest, options, text};

struct Page {
    client: Client,
    base: String,
}

impl Page {
    fn new(stand_in: &StandIn) -> Self {
        Self {
            client: Client::new(),
            base: stand_in.page_url(),
        }
    }

    async fn get(&self, path: &str) -> Result<Value, reqwest::Error> {
        self.client
            .get(format!("{}{path}", self.base))
            .send()
            .await?
            .json()
            .await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Result<Response, reqwest::Error> {
        let url = format!("{}{path}", self.base);
        self.client.request(method, url).json(&body).send().await
    }
}

/// The page's stream of events.
struct Events {
    stream: Response,
    read: String,
}

impl Events {
    async fn open(stand_in: &StandIn, viewer: Snowflake) -> Result<Self, reqwest::Error> {
        Ok(Self {
            stream: reqwest::get(format!("{}events?user={viewer}", stand_in.page_url())).await?,
            read: String::new(),
        })
    }

    /// Reads until an event of this name, and gives its data.
    async fn event(&mut self, name: &str) -> Result<Value, Box<dyn std::error::Error>> {
        loop {
            while let Some((block, rest)) = self.read.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.read = rest;
                let mut lines = block.lines();
                let is_it = lines.next() == Some(&format!("event: {name}"));
                let data = lines.next().and_then(|line| line.strip_prefix("data: "));
                if let Some(data) = data.filter(|_| is_it) {
                    return Ok(serde_json::from_str(data)?);
                }
            }
            let chunk = self.stream.chunk().await?;
            let chunk = chunk.ok_or_else(|| format!("the stream ended before {name}"))?;
            self.read += std::str::from_utf8(&chunk)?;
        }
    }
}

#[tokio::test]
async fn the_page_and_its_files_are_served() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let root = reqwest::get(format!("http://{}/", stand_in.address())).await?;
    assert_eq!(root.url().path(), "/page/");
    for (file, kind) in [
        ("", "text/html"),
        ("style.css", "text/css"),
        ("app.js", "text/javascript"),
    ] {
        let answer = reqwest::get(format!("{}{file}", stand_in.page_url())).await?;
        assert_eq!(answer.status(), 200, "{file}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let found = answer.headers()["content-type"].to_str()?;
        assert!(found.starts_with(kind), "{found}");
    }
    let missing = reqwest::get(format!("{}secret.js", stand_in.page_url())).await?;
    assert_eq!(missing.status(), 404);
    assert!(missing.json::<Value>().await?["message"].is_string());
    Ok(())
}

#[tokio::test]
async fn a_command_goes_from_the_page_to_the_answer() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let page = Page::new(&stand_in);
    let option = json!({ "type": 3, "name": "item", "description": "d", "autocomplete": true });
    rest.register(
        &stand_in,
        json!([{ "name": "tick", "description": "d", "options": [option] }]),
    )
    .await?;
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    let state = page.get("state").await?;
    assert_eq!(
        (&state["guild"]["name"], &state["connected"]),
        (&json!("Pier"), &json!(true))
    );
    assert_eq!(state["channels"][0]["name"], "releases");
    let (ana, channel) = (stand_in.person("Ana")?.id(), stand_in.channel("releases")?.id());
    let mut events = Events::open(&stand_in, ana).await?;
    let commands = page.get("commands").await?;
    let command = json!({
        "user": ana,
        "channel": channel,
        "command_id": commands[0]["id"],
        "name": "tick",
        "options": [{ "type": 3, "name": "item", "value": "3", "focused": true }],
    });

    let answered = async {
        let event = gateway.event("INTERACTION_CREATE").await?;
        assert_eq!(event["type"], 4);
        let choices = json!([{ "name": "3.2 Backup", "value": "3.2" }]);
        rest.callback(&event, json!({ "type": 8, "data": { "choices": choices } }))
            .await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let asked = page.send(Method::POST, "interactions/autocomplete", command.clone());
    let (answered, asked) = tokio::join!(answered, asked);
    answered?;
    assert_eq!(asked?.json::<Value>().await?["choices"][0]["value"], "3.2");

    let mut sent = command;
    sent["options"] = json!([{ "type": 3, "name": "item", "value": "3.2" }]);
    let id = page
        .send(Method::POST, "interactions/command", sent)
        .await?
        .json::<Value>()
        .await?;
    let pending = events.event("interaction").await?;
    assert_eq!(
        (&pending["id"], &pending["state"]),
        (&id["id"], &json!("pending"))
    );
    let interaction = gateway.event("INTERACTION_CREATE").await?;
    rest.callback(
        &interaction,
        json!({ "type": 4, "data": { "content": "ticked" } }),
    )
    .await?;
    let created = events.event("message_create").await?["message"].clone();
    assert_eq!(created["content"], "ticked");
    assert_eq!(created["interaction_metadata"]["user"]["id"], json!(ana));

    let reaction = json!({ "user": ana, "channel": channel, "message": created["id"], "emoji": "👍" });
    assert_eq!(
        page.send(Method::PUT, "reactions", reaction.clone())
            .await?
            .status(),
        204
    );
    let reacted = events.event("reaction").await?;
    assert_eq!(reacted["message"]["reactions"][0]["users"], json!([ana]));
    assert_eq!(
        page.send(Method::DELETE, "reactions", reaction).await?.status(),
        204
    );
    let shown = page
        .get(&format!("channels/{channel}/messages?user={ana}"))
        .await?;
    assert_eq!(
        (&shown[0]["id"], &shown[0]["reactions"]),
        (&created["id"], &json!([]))
    );
    let said = json!({ "user": ana, "channel": channel, "content": "thanks", "reply_to": created["id"] });
    let said = page
        .send(Method::POST, "messages", said)
        .await?
        .json::<Value>()
        .await?;
    assert_eq!(said["referenced_message"]["content"], "ticked");
    let newest = page.get("requests?limit=1").await?;
    assert!(text(&newest[0], "path").ends_with("/callback"));
    Ok(())
}

#[tokio::test]
async fn a_file_comes_with_a_command_of_the_page() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let rest = Rest::new(&stand_in);
    let option = json!({ "type": 11, "name": "list", "description": "d", "required": true });
    let commands = json!([{ "name": "read", "description": "d", "options": [option] }]);
    rest.register(&stand_in, commands).await?;
    let (mut gateway, _) = Gateway::ready(&stand_in).await?;
    let command = Page::new(&stand_in).get("commands").await?[0]["id"].clone();
    let payload = json!({
        "user": stand_in.person("Ana")?.id(),
        "channel": stand_in.channel("releases")?.id(),
        "command_id": command,
        "options": [{ "type": 11, "name": "list", "value": "0" }],
        "attachments": [{ "id": "0", "filename": "a \"b\"; c.md" }],
    });
    let send = async |content: &str| {
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{payload}\r\n--b\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"a %22b%22; c.md\"\r\ncontent-type: text/markdown\r\n\r\n{content}\r\n--b--\r\n"
        );
        Client::new()
            .post(format!("{}interactions/command", stand_in.page_url()))
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body)
            .send()
            .await
    };
    // More than the server takes of any other request.
    let large = "x".repeat(3 * 1024 * 1024);
    assert_eq!(send(&large).await?.status(), 200);
    let event = gateway.event("INTERACTION_CREATE").await?;
    let id = text(&event["data"]["options"][0], "value");
    let attachment = &event["data"]["resolved"]["attachments"][id];
    assert_eq!(
        (&attachment["filename"], &attachment["title"]),
        (&json!("a_b_c.md"), &json!("a \"b\"; c"))
    );
    assert_eq!(
        (&attachment["size"], &attachment["content_type"]),
        (&json!(large.len()), &json!("text/markdown"))
    );

    let refused = send(&"x".repeat(10 * 1024 * 1024 + 1)).await?;
    assert_eq!(refused.status(), 413);
    let sentence = refused.json::<Value>().await?["message"].clone();
    assert_eq!(sentence, "A file can have at most 10 MiB. Choose a smaller one.");
    let without = Page::new(&stand_in)
        .send(Method::POST, "interactions/command", payload.clone())
        .await?;
    assert_eq!(without.status(), 400);
    let sentence = without.json::<Value>().await?["message"].clone();
    assert_eq!(sentence, "The file of the option list has not come along.");
    Ok(())
}

#[tokio::test]
async fn a_server_founded_at_the_same_time_is_the_same_at_every_start_and_greets() -> Outcome {
    const FOUNDED_MS: i64 = 1_767_225_600_000;
    let start = async || {
        StandIn::start(Options {
            founded_ms: Some(FOUNDED_MS),
            welcome: Some(Welcome {
                text: "Type **here**".to_owned(),
                command: "start".to_owned(),
            }),
            ..options()
        })
        .await
    };
    let before = start().await?;
    let first = Page::new(&before).get("state").await?;
    before.shutdown().await;
    let second = Page::new(&start().await?).get("state").await?;
    for key in ["guild", "me", "application_id", "channels", "roles", "welcome"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    assert_eq!(
        text(&first["guild"], "id").parse::<Snowflake>()?.timestamp_ms(),
        FOUNDED_MS
    );
    assert_eq!(first["welcome"]["channel"], first["channels"][0]["id"]);
    assert_eq!(first["welcome"]["command"], "start");
    Ok(())
}

#[tokio::test]
async fn the_clock_and_the_switches_move_for_page_and_host() -> Outcome {
    let switch = SwitchSeed::new("fault", "Status service").texts("down", "up");
    let stand_in = StandIn::start(Options {
        switches: vec![switch.at(SwitchPosition::Off)],
        ..options()
    })
    .await?;
    let page = Page::new(&stand_in);
    let mut clock = stand_in.clock();
    let mut position = stand_in.switch("fault").ok_or("no switch")?;
    assert!(stand_in.switch("other").is_none());
    let mut events = Events::open(&stand_in, Snowflake::new(1)).await?;

    let moved = page
        .send(Method::POST, "clock", json!({ "advance_ms": 3_600_000 }))
        .await?;
    assert_eq!(moved.json::<Value>().await?["clock_offset_ms"], 3_600_000);
    clock.changed().await?;
    assert_eq!(*clock.borrow(), 3_600_000);
    assert_eq!(events.event("clock").await?["clock_offset_ms"], 3_600_000);

    let set = page
        .send(Method::PUT, "switches/fault", json!({ "on": true }))
        .await?;
    assert_eq!(set.json::<Value>().await?["switches"][0]["on"], true);
    position.changed().await?;
    assert!(*position.borrow());
    assert_eq!(events.event("switches").await?["switches"][0]["on_text"], "down");
    let unknown = page
        .send(Method::PUT, "switches/other", json!({ "on": true }))
        .await?;
    assert_eq!(unknown.status(), 404);
    Ok(())
}
