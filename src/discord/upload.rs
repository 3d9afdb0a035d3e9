//! Files that people give with a command, fetched from where Discord keeps them.

use futures_util::StreamExt as _;

use crate::domain::refusal::Refusal;
use crate::engine::{LARGEST_FILE, UnreadChecklist};

/// The hosts that Discord serves uploaded files from (Discord's documentation, "Signed Attachment CDN URLs"). No file is
/// fetched from anywhere else, whatever an interaction says.
const HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// A file as an interaction names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    /// Its name, as the person has it.
    pub(super) name: String,
    /// Its size in bytes, as Discord has it.
    pub(super) size: u64,
    /// Where it can be fetched, for a while.
    pub(super) url: String,
}

/// Why a file could not be had. Goes on from its name.
#[derive(Debug, thiserror::Error)]
enum NotFetched {
    #[error("does not lie with Discord, as files given in chat do; give it again")]
    Elsewhere,
    #[error(transparent)]
    Unread(#[from] UnreadChecklist),
    #[error("could not be fetched from Discord ({0}); give it again")]
    Broken(#[from] reqwest::Error),
}

impl Upload {
    /// Its bytes.
    ///
    /// # Errors
    /// Refuses one that is larger than a checklist may be, or that Discord does not hand out.
    pub(super) async fn fetch(&self, client: &reqwest::Client) -> Result<Vec<u8>, Refusal> {
        self.try_fetch(client).await.map_err(|why| Refusal::NotImported {
            file: self.name.clone(),
            why: why.to_string(),
        })
    }

    async fn try_fetch(&self, client: &reqwest::Client) -> Result<Vec<u8>, NotFetched> {
        if self.size > LARGEST_FILE {
            return Err(UnreadChecklist::TooLarge.into());
        }
        let url = reqwest::Url::parse(&self.url).map_err(|_| NotFetched::Elsewhere)?;
        let known = url.host_str().is_some_and(|host| HOSTS.contains(&host));
        if url.scheme() != "https" || !known {
            return Err(NotFetched::Elsewhere);
        }
        // The URL is a key to the file, so no error tells it.
        let answer = client
            .get(url)
            .send()
            .await
            .map_err(reqwest::Error::without_url)?;
        let answer = answer.error_for_status().map_err(reqwest::Error::without_url)?;
        let mut bytes = Vec::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(reqwest::Error::without_url)?);
            if bytes.len() as u64 > LARGEST_FILE {
                return Err(UnreadChecklist::TooLarge.into());
            }
        }
        Ok(bytes)
    }
}
