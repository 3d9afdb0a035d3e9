//! The CONNECT proxy: Discord's hosts over TLS, and nothing else.

use discord_stand_in::StandIn;
use serde_json::Value;

use crate::support::{Outcome, options};

#[tokio::test]
async fn discord_com_is_served_over_tls_to_those_who_trust_the_authority() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let authority = reqwest::Certificate::from_pem(stand_in.ca_certificate_pem().as_bytes())?;
    let proxy = || reqwest::Proxy::https(stand_in.proxy_url());
    let trusting = reqwest::Client::builder()
        .proxy(proxy()?)
        .add_root_certificate(authority)
        .build()?;
    for _ in 0..2 {
        let user: Value = trusting
            .get("https://discord.com/api/v10/users/@me")
            .header("authorization", "Bot token")
            .send()
            .await?
            .json()
            .await?;
        assert_eq!(user["username"], "harbour");
    }
    let elsewhere = trusting.get("https://example.com/").send().await;
    assert!(elsewhere.is_err_and(|error| error.is_connect()));
    let wary = reqwest::Client::builder().proxy(proxy()?).build()?;
    let refused = wary.get("https://discord.com/api/v10/gateway").send().await;
    assert!(refused.is_err_and(|error| error.is_connect()));
    Ok(())
}

#[tokio::test]
async fn a_shutdown_gives_the_port_back() -> Outcome {
    let stand_in = StandIn::start(options()).await?;
    let address = stand_in.address();
    reqwest::get(stand_in.page_url()).await?.error_for_status()?;
    stand_in.shutdown().await;
    tokio::net::TcpListener::bind(address).await?;
    Ok(())
}
