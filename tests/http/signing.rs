//! Posts signed as Standard Webhooks 1.0.0 has it, by nothing of ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// The secret of the example in `docs/checks/push.md`.
pub(crate) const SECRET: &str = "holdpoint-example-secret-0001";

/// The headers of a post that is signed with [`SECRET`].
pub(crate) fn signed(id: &str, at: Timestamp, body: &str) -> [(&'static str, String); 3] {
    let timestamp = at.as_second().to_string();
    let mac = hmac(format!("{id}.{timestamp}.{body}").as_bytes());
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", format!("v1,{}", BASE64.encode(mac))),
    ]
}

/// HMAC-SHA256 with [`SECRET`], which is shorter than a block (RFC 2104, 2).
fn hmac(text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..SECRET.len()].copy_from_slice(SECRET.as_bytes());
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}
