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

    /// Seals a value.
    pub(super) fn seal(&self, value: &str) -> Sealed {
        let inner = Sha256::new()
            .chain_update(self.key.map(|byte| byte ^ 0x36))
            .chain_update(value)
            .finalize();
        let outer = Sha256::new()
            .chain_update(self.key.map(|byte| byte ^ 0x5c))
            .chain_update(inner)
            .finalize();
        Sealed(outer.into())
    }
}

impl Sealed {
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
    fn the_same_value_is_the_same_under_one_key_only() {
        let (one, other) = (Sealer::new().expect("a key"), Sealer::new().expect("a key"));
        assert!(one.seal("a").is_of_the_same(&one.seal("a")));
        assert!(!one.seal("a").is_of_the_same(&one.seal("b")));
        assert!(!one.seal("a").is_of_the_same(&other.seal("a")));
    }
}
