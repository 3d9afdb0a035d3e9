//! The files that people give to commands: what the application is told of them, and what it fetches.

use serde_json::{Value, json};

use super::checks::text;
use super::invoke::{Refusal, Resolved};
use super::{StoredFile, World};
use crate::rest::body::Upload;
use crate::snowflake::Snowflake;
use crate::tls::{CDN_HOST, MEDIA_HOST};

/// The command option type of a file.
pub(crate) const ATTACHMENT: u64 = 11;
/// How large a file can be: 10 MiB, the limit of a guild without boosts.
pub(crate) const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;
/// How long a signed address lasts; Discord signs for a day.
const ADDRESS_LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;
/// What an id is multiplied with for each part of its signature. They only have to be odd and differ.
const SIGNATURE: [u64; 4] = [
    0x9E37_79B9_7F4A_7C15,
    0xBF58_476D_1CE4_E5B9,
    0x94D0_49BB_1331_11EB,
    0xD6E8_FEB8_6659_FD93,
];

/// A file that a person gave to a command, for as long as its address is signed.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    file: StoredFile,
    /// Such as `/ephemeral-attachments/1/2/list.md`.
    path: String,
    /// `ex`, `is` and `hm`, without which nothing is given out.
    signature: String,
    expires_ms: i64,
}

impl World {
    /// Keeps the files that the options name by their numbers, and names them by their ids instead.
    pub(super) fn keep_given(&mut self, options: &mut [Value], files: &[Upload], resolved: &mut Resolved) {
        for option in options {
            if let Some(below) = option.get_mut("options").and_then(Value::as_array_mut) {
                self.keep_given(below, files, resolved);
            }
            if option["type"] == ATTACHMENT
                && let Some(upload) = named(files, &option["value"])
            {
                let id = self.new_id();
                let attachment = self.keep(id, &upload.file);
                resolved.add("attachments", id, attachment);
                option["value"] = json!(id);
            }
        }
    }

    /// The file at an address of the content delivery network, while that address lasts.
    pub(crate) fn given_file(&self, path: &str, query: &str) -> Option<&StoredFile> {
        let id: Snowflake = path.split('/').nth(3)?.parse().ok()?;
        let given = self.given.get(&id)?;
        // What follows the signature asks for another size or format of a picture.
        let signed = query
            .strip_prefix(&given.signature)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('&'));
        let lasts = self.clock.now_ms() < given.expires_ms;
        (given.path == path && signed && lasts).then_some(&given.file)
    }

    /// Keeps one file, and describes it as the application hears of it.
    fn keep(&mut self, id: Snowflake, file: &StoredFile) -> Value {
        let now_ms = self.clock.now_ms();
        let expires_ms = now_ms + ADDRESS_LIFETIME_MS;
        self.given.retain(|_, given| given.expires_ms > now_ms);
        let name = plain_name(&file.name);
        let path = format!("/ephemeral-attachments/{}/{id}/{name}", self.application);
        // Unlike Discord's it is no secret, but it is as long and as opaque.
        let hash = SIGNATURE
            .map(|odd| format!("{:016x}", id.get().wrapping_mul(odd)))
            .concat();
        let signature = format!("ex={:x}&is={:x}&hm={hash}", expires_ms / 1000, now_ms / 1000);
        let mut attachment = json!({
            "id": id,
            "filename": name,
            "size": file.bytes.len(),
            "url": format!("https://{CDN_HOST}{path}?{signature}&"),
            "proxy_url": format!("https://{MEDIA_HOST}{path}?{signature}&"),
            "ephemeral": true,
        });
        if let Some(content_type) = &file.content_type {
            attachment["content_type"] = json!(content_type);
        }
        if name != file.name {
            attachment["title"] = json!(stem(&file.name));
        }
        let given = Given {
            file: file.clone(),
            path,
            signature,
            expires_ms,
        };
        self.given.insert(id, given);
        attachment
    }
}

/// Holds the file that an option names against Discord's limit.
pub(super) fn check_file(option: &Value, files: &[Upload]) -> Result<(), Refusal> {
    let name = text(option, "name");
    let upload = named(files, &option["value"])
        .ok_or_else(|| Refusal::new(format!("The file of the option {name} has not come along.")))?;
    if upload.file.bytes.len() > MAX_FILE_BYTES {
        return Err(Refusal::new(format!(
            "{} is larger than 10 MiB, which is the most that the option {name} takes. Choose a smaller file.",
            upload.file.name
        )));
    }
    Ok(())
}

/// The file whose number is an option's value.
fn named<'a>(files: &'a [Upload], value: &Value) -> Option<&'a Upload> {
    let number = value.as_str()?.parse().ok()?;
    files.iter().find(|upload| upload.index == Some(number))
}

/// A file's name as Discord shows it to applications: ASCII letters and digits, `.`, `-` and `_`. What has been left
/// out is in the attachment's title.
fn plain_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| if letter == ' ' { '_' } else { letter })
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_'))
        .collect();
    if stem(&plain).is_empty() {
        format!("file{plain}")
    } else {
        plain
    }
}

/// A file's name without its extension.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
