//! A stand-in with people in it, a REST client and a gateway client.

use std::error::Error;

use discord_stand_in::{GuildSeed, Mentionable, Options, RateLimits, RoleSeed, Snowflake, StandIn};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// What every test returns.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// Every intent that a bot of these tests asks for.
pub(crate) const INTENTS: u64 = 1 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 15;

/// One guild with two channels, two roles and three people; requests are not counted.
pub(crate) fn options() -> Options {
    Options {
        bot_name: "Harbour".to_owned(),
        guilds: vec![
            GuildSeed::new("Pier")
                .channel("releases")
                .channel("general")
                .role(RoleSeed::new("Pilot"))
                .role(RoleSeed::new("Keeper").mentionable(Mentionable::ByPermission))
                .person("Ana", &["Pilot"])
                .person("Ben", &["Keeper"])
                .person("Cleo", &[]),
        ],
        rate_limits: RateLimits::Off,
        ..Options::default()
    }
}

/// A REST client with a bot's token.
pub(crate) struct Rest {
    client: reqwest::Client,
    base: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Rest {
    pub(crate) fn new(stand_in: &StandIn) -> Self {
        Self {
            client: reqwest::Client::new(),
            base: format!("{}/v10", stand_in.api_base()),
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header("authorization", "Bot token");
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        Ok(Answer {
            status,
            headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, reqwest::Error> {
        self.call(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Answer, reqwest::Error> {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Result<Answer, reqwest::Error> {
        self.call(Method::PATCH, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<Answer, reqwest::Error> {
        self.call(Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, reqwest::Error> {
        self.call(Method::DELETE, path, Value::Null).await
    }

    /// Registers commands for everywhere.
    pub(crate) async fn register(&self, stand_in: &StandIn, commands: Value) -> Outcome {
        let path = format!("/applications/{}/commands", stand_in.application_id());
        let answer = self.put(&path, commands).await?;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(format!("the commands were refused: {}", answer.body).into())
        }
    }

    /// Answers an interaction.
    pub(crate) async fn callback(&self, interaction: &Value, body: Value) -> Result<Answer, reqwest::Error> {
        let (id, token) = (text(interaction, "id"), text(interaction, "token"));
        self.post(&format!("/interactions/{id}/{token}/callback"), body)
            .await
    }
}

/// A gateway client that hides nothing.
pub(crate) struct Gateway {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) sequence: u64,
}

impl Gateway {
    /// Connects and says and reads nothing.
    pub(crate) async fn open(stand_in: &StandIn) -> Result<Self, Box<dyn Error>> {
        let url = format!("ws://{}/gateway/?v=10&encoding=json", stand_in.address());
        let (socket, _) = connect_async(url).await?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Connects and reads HELLO.
    pub(crate) async fn connect(stand_in: &StandIn) -> Result<Self, Box<dyn Error>> {
        let mut gateway = Self::open(stand_in).await?;
        let hello = gateway.next().await?;
        assert_eq!(hello["op"], 10);
        assert!(hello["d"]["heartbeat_interval"].is_u64());
        Ok(gateway)
    }

    /// Connects, identifies and waits for READY.
    pub(crate) async fn ready(stand_in: &StandIn) -> Result<(Self, Value), Box<dyn Error>> {
        let mut gateway = Self::connect(stand_in).await?;
        gateway.identify(INTENTS).await?;
        let ready = gateway.event("READY").await?;
        Ok((gateway, ready))
    }

    pub(crate) async fn identify(&mut self, intents: u64) -> Outcome {
        let properties = json!({ "os": "linux", "browser": "test", "device": "test" });
        self.send(json!({
            "op": 2,
            "d": { "token": "token", "intents": intents, "properties": properties },
        }))
        .await
    }

    pub(crate) async fn send(&mut self, payload: Value) -> Outcome {
        self.socket.send(Frame::text(payload.to_string())).await?;
        Ok(())
    }

    /// The next payload, or the close code as an error.
    pub(crate) async fn next(&mut self) -> Result<Value, Box<dyn Error>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Frame::Text(text))) => {
                    let payload: Value = serde_json::from_str(&text)?;
                    if let Some(sequence) = payload["s"].as_u64() {
                        self.sequence = sequence;
                    }
                    return Ok(payload);
                }
                Some(Ok(Frame::Close(Some(frame)))) => {
                    return Err(u16::from(frame.code).to_string().into());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err("the socket has ended".into()),
            }
        }
    }

    /// The data of the next event of this name; what comes before is passed over.
    pub(crate) async fn event(&mut self, name: &str) -> Result<Value, Box<dyn Error>> {
        loop {
            let payload = self.next().await?;
            if payload["t"] == name {
                return Ok(payload["d"].clone());
            }
        }
    }
}

/// A field that has to be a text.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The path of a channel's messages.
pub(crate) fn messages_of(channel: Snowflake) -> String {
    format!("/channels/{channel}/messages")
}
