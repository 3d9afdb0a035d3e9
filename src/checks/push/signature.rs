//! Who signed a post, and when: Standard Webhooks 1.0.0, symmetric signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};

use super::super::seal::{Sealed, Sealer};

/// How far the clock of whoever signs may be from ours. Standard Webhooks asks for a tolerance and names five minutes.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// The least bytes of a secret: what is shorter can be guessed.
const SHORTEST_SECRET: usize = 16;
/// The most bytes of `webhook-id`.
const LONGEST_ID: usize = 128;
/// The most signatures that are looked at. Two are needed while a secret is changed.
const MOST_SIGNATURES: usize = 8;

/// A post as it came, not yet believed.
#[derive(Clone, Copy, Debug)]
pub struct SignedPost<'a> {
    /// The header `webhook-id`: what makes the post unique.
    pub id: &'a str,
    /// The header `webhook-timestamp`: when it was signed, in seconds since 1970.
    pub timestamp: &'a str,
    /// The header `webhook-signature`: one or more of `v1,` and base64, with spaces between them.
    pub signatures: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// A post is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unsigned {
    why: String,
}

impl Unsigned {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// Whether a post was signed with this secret within five minutes of now.
pub(super) fn verify(secret: &str, post: &SignedPost<'_>, now: Timestamp) -> Result<(), Unsigned> {
    let key = match secret.trim().strip_prefix("whsec_") {
        Some(encoded) => BASE64.decode(encoded).map_err(|_| {
            Unsigned::new("the secret begins with whsec_ and what follows is no base64; mend its variable")
        })?,
        None => secret.trim().as_bytes().to_vec(),
    };
    if key.len() < SHORTEST_SECRET {
        return Err(Unsigned::new(format!(
            "the secret is shorter than {SHORTEST_SECRET} bytes, so nothing is believed; give its variable a longer one"
        )));
    }
    if !(1..=LONGEST_ID).contains(&post.id.len()) || !post.id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unsigned::new(format!(
            "webhook-id must be 1 to {LONGEST_ID} printed characters without spaces"
        )));
    }
    let signed = post
        .timestamp
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    let signed = signed.ok_or_else(|| Unsigned::new("webhook-timestamp must be whole seconds since 1970"))?;
    if now.duration_since(signed).abs() > TOLERANCE {
        return Err(Unsigned::new(format!(
            "it was signed at {signed}, which is more than 5 minutes from now; set the clock of whoever signs it"
        )));
    }
    let expected = Sealer::with(&key).seal_bytes(&[
        post.id.as_bytes(),
        b".",
        post.timestamp.as_bytes(),
        b".",
        post.body,
    ]);
    // Each is compared to its end, so that the time tells nothing of which it was.
    let believed = post
        .signatures
        .split_ascii_whitespace()
        .take(MOST_SIGNATURES)
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|encoded| Some(Sealed::given(BASE64.decode(encoded).ok()?.try_into().ok()?)))
        .fold(false, |believed, given| {
            expected.is_of_the_same(&given) | believed
        });
    if believed {
        Ok(())
    } else {
        Err(Unsigned::new(
            "none of its signatures is right; sign it with the secret of this check",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_aG9sZHBvaW50LWV4YW1wbGUtc2VjcmV0LTAwMDE=";

    /// The example of `docs/checks/push.md`, with its id and time written out, as OpenSSL 3 signs it.
    const EXAMPLE: SignedPost<'_> = SignedPost {
        id: "build-1234",
        timestamp: "1772787600",
        signatures: "v1,PDR+J+crcVW6vAnvE9caU2VPxo9Lz3HT2C2aBTpvj6U=",
        body: br#"{"status":"passed","url":"https://ci.example/1234"}"#,
    };

    fn then() -> Timestamp {
        "2026-03-06T09:00:00Z".parse().expect("a time")
    }

    fn why(secret: &str, post: SignedPost<'_>, now: Timestamp) -> String {
        verify(secret, &post, now).map_or_else(|unsigned| unsigned.to_string(), |()| "signed".to_owned())
    }

    #[test]
    fn the_example_of_the_documentation_is_signed_as_openssl_signs_it() {
        let page = include_str!("../../../docs/checks/push.md");
        for part in [
            EXAMPLE.id,
            EXAMPLE.timestamp,
            EXAMPLE.signatures,
            "holdpoint-example-secret-0001",
        ] {
            assert!(page.contains(part), "{part} is not in docs/checks/push.md");
        }
        assert_eq!(verify(SECRET, &EXAMPLE, then()), Ok(()));
        assert_eq!(verify("holdpoint-example-secret-0001", &EXAMPLE, then()), Ok(()));
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let several = format!("v1,AAAA v2,x {}", EXAMPLE.signatures);
        let post = SignedPost {
            signatures: &several,
            ..EXAMPLE
        };
        assert_eq!(verify(SECRET, &post, then()), Ok(()));
    }

    #[test]
    fn what_is_forged_or_stale_is_not_believed() {
        let minutes = |minutes| then() + SignedDuration::from_mins(minutes);
        let short = "short";
        let table = [
            (
                "another body",
                why(
                    SECRET,
                    SignedPost {
                        body: b"{}",
                        ..EXAMPLE
                    },
                    then(),
                ),
            ),
            (
                "another id",
                why(
                    SECRET,
                    SignedPost {
                        id: "other",
                        ..EXAMPLE
                    },
                    then(),
                ),
            ),
            ("no id", why(SECRET, SignedPost { id: "", ..EXAMPLE }, then())),
            (
                "no signature",
                why(
                    SECRET,
                    SignedPost {
                        signatures: "",
                        ..EXAMPLE
                    },
                    then(),
                ),
            ),
            (
                "no time",
                why(
                    SECRET,
                    SignedPost {
                        timestamp: "soon",
                        ..EXAMPLE
                    },
                    then(),
                ),
            ),
            (
                "another secret",
                why("holdpoint-example-secret-0002", EXAMPLE, then()),
            ),
            ("a short secret", why(short, EXAMPLE, then())),
            ("a broken secret", why("whsec_!", EXAMPLE, then())),
            ("after 5 minutes", why(SECRET, EXAMPLE, minutes(5))),
            ("after 6 minutes", why(SECRET, EXAMPLE, minutes(6))),
            ("6 minutes ahead", why(SECRET, EXAMPLE, minutes(-6))),
        ];
        let table: Vec<String> = table
            .iter()
            .map(|(name, why)| format!("{name}: {why}\n"))
            .collect();
        insta::assert_snapshot!(table.concat(), @"
        another body: none of its signatures is right; sign it with the secret of this check
        another id: none of its signatures is right; sign it with the secret of this check
        no id: webhook-id must be 1 to 128 printed characters without spaces
        no signature: none of its signatures is right; sign it with the secret of this check
        no time: webhook-timestamp must be whole seconds since 1970
        another secret: none of its signatures is right; sign it with the secret of this check
        a short secret: the secret is shorter than 16 bytes, so nothing is believed; give its variable a longer one
        a broken secret: the secret begins with whsec_ and what follows is no base64; mend its variable
        after 5 minutes: signed
        after 6 minutes: it was signed at 2026-03-06T09:00:00Z, which is more than 5 minutes from now; set the clock of whoever signs it
        6 minutes ahead: it was signed at 2026-03-06T09:00:00Z, which is more than 5 minutes from now; set the clock of whoever signs it
        ");
    }
}
