//! The REST side: where it goes, and what is asked before the gateway is opened.

use std::net::IpAddr;
use std::time::Duration;

use serenity::all::{Command, Http, HttpBuilder, HttpError, Ratelimiter, UserId};

use super::{commands, pace, wire};

/// How long one request to Discord may take. reqwest has no limit of its own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which Discord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// discord.com.
    Discord,
    /// A stand-in on this machine, reached through a proxy that answers for discord.com.
    Local {
        /// The proxy's address, as `http://127.0.0.1:8123`.
        proxy: String,
        /// The certificate authority that signed its certificate, as PEM.
        certificate_authority: String,
    },
}

/// Why Discord cannot be connected to. Each is a sentence with what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The token is wrong.
    #[error(
        "Discord refuses the token: it is wrong or was reset. Copy it again from the application's Bot page and set HOLDPOINT__DISCORD__TOKEN"
    )]
    TokenRefused,
    /// Discord did not answer as it should.
    #[error(
        "Discord cannot be reached ({why}). Check the connection and https://discordstatus.com, then start again"
    )]
    Unreachable {
        /// What went wrong.
        why: String,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// A local endpoint would have let something out.
    #[error("the local Discord names the gateway {url}, which is not on this machine; refusing to connect")]
    NotLoopback {
        /// The gateway it named.
        url: String,
    },
}

/// What came of connecting. serenity takes the client it is given for its own and has its rate limits told to event handlers,
/// each in a task of its own; ours has to know which work it is that waits.
pub(super) struct Connected {
    /// The client for all that the bot says and reads.
    pub(super) ours: Http,
    /// What fetches the files that people upload.
    pub(super) files: reqwest::Client,
    /// The client for serenity, which asks where the gateway is.
    pub(super) gateway: Http,
    /// Who we are.
    pub(super) user: UserId,
}

/// Makes the clients, asks who we are, and makes the commands known.
pub(super) async fn connect(token: &str, endpoint: &Endpoint) -> Result<Connected, ConnectError> {
    let mut client = reqwest::Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .use_rustls_tls();
    if let Endpoint::Local {
        proxy,
        certificate_authority,
    } = endpoint
    {
        client = client
            .proxy(reqwest::Proxy::https(proxy)?)
            .add_root_certificate(reqwest::Certificate::from_pem(certificate_authority.as_bytes())?);
    }
    let client = client.build()?;
    // serenity puts the scheme before a token that it is given, but not before its limiter's.
    let mut limiter = Ratelimiter::new(client.clone(), format!("Bot {token}"));
    limiter.set_ratelimit_callback(Box::new(pace::limited));
    let gateway = HttpBuilder::new(token).client(client.clone()).build();
    let http = HttpBuilder::new(token)
        .client(client.clone())
        .ratelimiter(limiter)
        .default_allowed_mentions(wire::nobody())
        .build();
    let application = http
        .get_current_application_info()
        .await
        .map_err(|error| connect_error(&error))?;
    http.set_application_id(application.id);
    // An old application's user has another id than the application.
    let user = http
        .get_current_user()
        .await
        .map_err(|error| connect_error(&error))?
        .id;
    // serenity falls back to the real gateway for good when this fails, so it is asked for here first.
    let place = http.get_gateway().await.map_err(|error| connect_error(&error))?;
    if matches!(endpoint, Endpoint::Local { .. }) && !is_loopback(&place.url) {
        return Err(ConnectError::NotLoopback { url: place.url });
    }
    Command::set_global_commands(&http, commands::to_register())
        .await
        .map_err(|error| connect_error(&error))?;
    Ok(Connected {
        ours: http,
        files: client,
        gateway,
        user,
    })
}

fn connect_error(error: &serenity::Error) -> ConnectError {
    if let serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) = error
        && response.status_code.as_u16() == 401
    {
        return ConnectError::TokenRefused;
    }
    ConnectError::Unreachable {
        why: what_stood_in_the_way(error),
    }
}

/// What the innermost error says: those around it say that something was sent over something.
fn what_stood_in_the_way(error: &serenity::Error) -> String {
    // Discord's own answer is the outermost, and serenity's errors for it have no source.
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().trim_end_matches('.').to_owned()
}

/// An error with what it came from, as the outermost sentence seldom says it.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let mut inner_sentence = inner.to_string();
        // The address of an answer to an interaction holds a token with which anybody could answer in our name.
        if let Some(url) = inner
            .downcast_ref::<reqwest::Error>()
            .and_then(reqwest::Error::url)
        {
            inner_sentence = inner_sentence.replace(&format!(" for url ({url})"), "");
        }
        if !sentence.contains(&inner_sentence) {
            sentence = format!("{sentence}: {inner_sentence}");
        }
        source = inner.source();
    }
    sentence
}

fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url)
        .ok()
        .and_then(|url| {
            url.host_str()
                .map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>())
        })
        .is_some_and(|address| address.is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literal_loopback_addresses_are_local() {
        for (url, local) in [
            ("ws://127.0.0.1:81/gateway", true),
            ("ws://[::1]:81", true),
            ("wss://gateway.discord.gg", false),
            ("ws://localhost.example", false),
            ("ws://127.0.0.1.example", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(url), local, "{url}");
        }
    }
}
