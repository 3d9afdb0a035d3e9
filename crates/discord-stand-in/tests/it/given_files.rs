//! Files that people give to commands, from their hand to the application's fetch.

use std::time::{Duration, Instant};

use discord_stand_in::{Fault, GivenFile, RateLimitScope, Requests, StandIn};
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{Gateway, Outcome, Rest, options, text};

const LIST: &str = "# Release\n- [ ] Backup\n";
const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn command() -> Value {
    json!({ "name": "deploy", "description": "d", "options": [
        { "type": 1, "name": "start", "description": "d", "options": [
            { "type": 11, "name": "list", "description": "d", "required": true },
            { "type": 3, "name": "release", "description": "d" },
            { "type": 11, "name": "proof", "description": "d" },
        ] },
    ] })
}

struct Scene {
    stand_in: StandIn,
    gateway: Gateway,
    /// Speaks through the proxy and trusts its authority.
    client: Client,
}

impl Scene {
    async fn open() -> Result<Self, Box<dyn std::error::Error>> {
        let stand_in = StandIn::start(options()).await?;
        Rest::new(&stand_in)
            .register(&stand_in, json!([command()]))
            .await?;
        let (gateway, _) = Gateway::ready(&stand_in).await?;
        let authority = reqwest::Certificate::from_pem(stand_in.ca_certificate_pem().as_bytes())?;
        let client = Client::builder()
            .proxy(reqwest::Proxy::https(stand_in.proxy_url())?)
            .add_root_certificate(authority)
            .build()?;
        Ok(Self {
            stand_in,
            gateway,
            client,
        })
    }

    /// Ana gives a list; what the application hears of it.
    async fn give(&mut self, list: GivenFile) -> Result<Value, Box<dyn std::error::Error>> {
        let channel = self.stand_in.channel("releases")?;
        let ana = self.stand_in.person("Ana")?;
        ana.slash_with_files(&channel, "deploy start", &[("release", "3.2")], &[("list", list)])?;
        let event = self.gateway.event("INTERACTION_CREATE").await?;
        let given = &event["data"]["options"][0]["options"];
        assert_eq!(given[0], json!({ "name": "release", "type": 3, "value": "3.2" }));
        assert_eq!(
            (&given[1]["name"], &given[1]["type"]),
            (&json!("list"), &json!(11))
        );
        let attachments = &event["data"]["resolved"]["attachments"];
        assert_eq!(attachments.as_object().map(serde_json::Map::len), Some(1));
        let attachment = attachments[text(&given[1], "value")].clone();
        assert_eq!(attachment["id"], given[1]["value"]);
        Ok(attachment)
    }

    async fn status(&self, url: &str) -> Result<u16, reqwest::Error> {
        Ok(self.client.get(url).send().await?.status().as_u16())
    }
}

fn list() -> GivenFile {
    GivenFile::new("list.md", LIST).content_type("text/markdown; charset=utf-8")
}

#[tokio::test]
async fn a_given_file_is_fetched_from_discords_hosts_of_files() -> Outcome {
    let mut scene = Scene::open().await?;
    let attachment = scene.give(list()).await?;
    let (url, proxy_url) = (text(&attachment, "url"), text(&attachment, "proxy_url"));
    let application = scene.stand_in.application_id();
    let path = format!(
        "/ephemeral-attachments/{application}/{}/list.md",
        text(&attachment, "id")
    );
    assert!(url.starts_with(&format!("https://cdn.discordapp.com{path}?ex=")));
    assert!(proxy_url.starts_with(&format!("https://media.discordapp.net{path}?ex=")));
    let mut rest = attachment.clone();
    let others = rest.as_object_mut().ok_or("no attachment")?;
    others.retain(|key, _| !["id", "url", "proxy_url"].contains(&key.as_str()));
    assert_eq!(
        rest,
        json!({
            "filename": "list.md",
            "size": LIST.len(),
            "content_type": "text/markdown; charset=utf-8",
            "ephemeral": true,
        })
    );
    for address in [url.to_owned(), format!("{proxy_url}&width=100")] {
        let answer = scene.client.get(&address).send().await?;
        assert_eq!(answer.status(), 200, "{address}");
        assert_eq!(answer.headers()["content-type"], "text/markdown; charset=utf-8");
        assert_eq!(answer.text().await?, LIST);
    }
    Ok(())
}

#[tokio::test]
async fn a_given_file_is_nowhere_but_at_its_signed_address_and_there_for_a_day() -> Outcome {
    let mut scene = Scene::open().await?;
    let attachment = scene.give(list()).await?;
    let (url, id) = (text(&attachment, "url"), text(&attachment, "id"));
    let unsigned = url.split('?').next().unwrap_or_default();
    for gone in [
        url.replace(id, "123456789012345678"),
        url.replace("list.md", "lists.md"),
        url.replace("hm=", "hm=0"),
        unsigned.to_owned(),
        "https://cdn.discordapp.com/attachments/x/y/z".to_owned(),
        "https://cdn.discordapp.com/".to_owned(),
        // What else the stand-in has is elsewhere, and elsewhere has no such file.
        "https://cdn.discordapp.com/api/v10/gateway".to_owned(),
        "https://media.discordapp.net/page/".to_owned(),
        url.replace("cdn.discordapp.com", "discord.com"),
        url.replace(
            "https://cdn.discordapp.com",
            &format!("http://{}", scene.stand_in.address()),
        ),
    ] {
        assert_eq!(scene.status(&gone).await?, 404, "{gone}");
    }
    scene.stand_in.advance_clock(DAY_MS - 60_000);
    assert_eq!(scene.status(url).await?, 200);
    scene.stand_in.advance_clock(60_000);
    assert_eq!(scene.status(url).await?, 404);
    Ok(())
}

#[tokio::test]
async fn a_files_name_is_made_plain_and_its_content_type_may_be_unknown() -> Outcome {
    let mut scene = Scene::open().await?;
    for (name, filename, title) in [
        ("Prüfung (1) neu.md", "Prfung_1_neu.md", json!("Prüfung (1) neu")),
        ("выпуск.md", "file.md", json!("выпуск")),
        ("a-b_c.1.txt", "a-b_c.1.txt", Value::Null),
    ] {
        let attachment = scene.give(GivenFile::new(name, vec![0xFF, 0x00])).await?;
        assert_eq!(attachment["filename"], filename);
        assert_eq!(attachment["title"], title);
        assert_eq!(attachment.get("content_type"), None);
        let answer = scene.client.get(text(&attachment, "url")).send().await?;
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.bytes().await?, vec![0xFF, 0x00]);
    }
    Ok(())
}

#[tokio::test]
async fn what_a_client_would_not_send_is_refused() -> Outcome {
    let mut scene = Scene::open().await?;
    let channel = scene.stand_in.channel("releases")?;
    let ana = scene.stand_in.person("Ana")?;
    let too_large = GivenFile::new("list.md", vec![b'x'; MAX_FILE_BYTES + 1]);
    for (typed, files, part) in [
        (&[][..], &[][..], "list is required"),
        (&[("list", "list.md")], &[], "takes a file"),
        (&[], &[("release", list())], "takes no file"),
        (&[], &[("lists", list())], "no option lists"),
        (&[], &[("proof", list())], "list is required"),
        (&[], &[("list", too_large)], "larger than 10 MiB"),
    ] {
        let refusal = ana
            .slash_with_files(&channel, "deploy start", typed, files)
            .err()
            .ok_or(part)?
            .to_string();
        assert!(
            refusal.contains(part) && refusal.ends_with('.'),
            "{part}: {refusal}"
        );
    }
    let largest = GivenFile::new("list.md", vec![b'x'; MAX_FILE_BYTES]);
    assert_eq!(scene.give(largest).await?["size"], json!(MAX_FILE_BYTES));
    Ok(())
}

#[tokio::test]
async fn two_files_of_a_command_are_not_taken_for_each_other() -> Outcome {
    let mut scene = Scene::open().await?;
    let channel = scene.stand_in.channel("releases")?;
    let files = [("proof", GivenFile::new("proof.txt", "seen")), ("list", list())];
    let ana = scene.stand_in.person("Ana")?;
    ana.slash_with_files(&channel, "deploy start", &[], &files)?;
    let event = scene.gateway.event("INTERACTION_CREATE").await?;
    for (option, content) in [(0, "seen"), (1, LIST)] {
        let given = &event["data"]["options"][0]["options"][option];
        let attachment = &event["data"]["resolved"]["attachments"][text(given, "value")];
        let fetched = scene.client.get(text(attachment, "url")).send().await?;
        assert_eq!(fetched.text().await?, content, "{given}");
    }
    Ok(())
}

#[tokio::test]
async fn faults_come_over_the_fetch_of_a_file() -> Outcome {
    let mut scene = Scene::open().await?;
    let attachment = scene.give(list()).await?;
    let url = text(&attachment, "url");
    let faults = scene.stand_in.faults();
    let fetches = || Requests::of("GET", "/ephemeral-attachments/*/*/*");
    let retry_after = Duration::from_secs(1);
    let scope = RateLimitScope::Global;
    for (fault, status) in [
        (Fault::Status(503), Some(503)),
        (Fault::RateLimited { scope, retry_after }, Some(429)),
        (Fault::Refuse, None),
        (Fault::Hang(Duration::ZERO), None),
        (Fault::LoseReply, None),
    ] {
        faults.next(1, fetches(), fault);
        let met = scene.status(url).await.ok();
        assert_eq!(met, status, "{fault:?}");
        assert_eq!(scene.status(url).await?, 200, "after {fault:?}");
    }
    let delay = Duration::from_millis(120);
    faults.next(1, fetches(), Fault::Slow(delay));
    let asked = Instant::now();
    assert_eq!(scene.status(url).await?, 200);
    assert!(asked.elapsed() >= delay);
    assert_eq!(faults.happened(), 6);
    Ok(())
}
