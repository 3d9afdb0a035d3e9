//! Values that can be compared and not be seen.

use sha2::{Digest as _, Sha256};

/// The bytes that SHA-256 takes at once, and HMAC pads its key to.
const BLOCK: usize = 64;

/// Seals values with a key that nobody has, and that is gone with it.
pub(super) struct Sealer {
    key: [u8; BLOCK],
}

/// A keyed digest of a value (HMAC with SHA-256, RFC 2104). Without the key it says nothing of the value, and it
/// cannot be printed.
pub(super) struct Sealed([u8; 32]);

impl Sealer {
    /// With a key by chance; nothing when the system has no randomness to give.
    pub(super) fn new() -> Option<Self> {
        let mut key = [0; BLOCK];
        getrandom::fill(&mut key).ok()?;
        Some(Self { key })
    }

    /// With a key that somebody else has too. One that is longer than a block is digested first (RFC 2104, 2).
    pub(super) fn with(key: &[u8]) -> Self {
        let mut padded = [0; BLOCK];
        let digest: [u8; 32];
        let key = if key.len() > BLOCK {
            digest = Sha256::digest(key).into();
            digest.as_slice()
        } else {
            key
        };
        for (place, byte) in padded.iter_mut().zip(key) {
            *place = *byte;
        }
        Self { key: padded }
    }

    /// Seals a value.
    pub(super) fn seal(&self, value: &str) -> Sealed {
        self.seal_bytes(&[value.as_bytes()])
    }

    /// Seals bytes, in parts that follow one another.
    pub(super) fn seal_bytes(&self, parts: &[&[u8]]) -> Sealed {
        let mut inner = Sha256::new().chain_update(self.key.map(|byte| byte ^ 0x36));
        for part in parts {
            inner.update(part);
        }
        let inner = inner.finalize();
        let outer = Sha256::new()
            .chain_update(self.key.map(|byte| byte ^ 0x5c))
            .chain_update(inner)
            .finalize();
        Sealed(outer.into())
    }
}

impl Sealed {
    /// One that came from elsewhere.
    pub(super) fn given(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Whether both are of the same value, in a time that does not depend on where they differ.
    pub(super) fn is_of_the_same(&self, other: &Self) -> bool {
        let difference = self
            .0
            .iter()
            .zip(other.0)
            .fold(0, |difference, (one, other)| difference | (one ^ other));
        std::hint::black_box(difference) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_the_hmac_of_the_standard() {
        // RFC 4231, test case 2.
        let mut key = [0; BLOCK];
        key[..4].copy_from_slice(b"Jefe");
        let Sealed(digest) = Sealer { key }.seal("what do ya want for nothing?");
        assert_eq!(digest[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
        assert_eq!(digest[28..], [0x64, 0xec, 0x38, 0x43]);
    }

    #[test]
    fn a_key_longer_than_a_block_is_digested_first() {
        // RFC 4231, test case 6.
        let sealed =
            Sealer::with(&[0xaa; 131]).seal("Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(sealed.0[..8], [0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f]);
    }

    #[test]
    fn the_same_value_is_the_same_under_one_key_only() {
        let (one, other) = (Sealer::new().expect("a key"), Sealer::new().expect("a key"));
        assert!(one.seal("a").is_of_the_same(&one.seal("a")));
        assert!(!one.seal("a").is_of_the_same(&one.seal("b")));
        assert!(!one.seal("a").is_of_the_same(&other.seal("a")));
    }
}
