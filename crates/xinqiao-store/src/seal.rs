//! Sealing: AES-256-GCM with a random nonce in front (nonce ‖ ciphertext ‖ tag) and bound to a
//! context, so that a sealed value cannot be moved to another row.
//!
//! A nonce is a random 96-bit start, drawn when the key is taken into use, plus a count: no two values
//! of a process share one, and two processes' ranges meet as rarely as two random nonces. One key seals
//! at most 2³² values; a data key per account keeps far below that.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use xinqiao_types::{Entropy as _, SystemEntropy};

/// Seals and opens under one key.
pub struct Sealer {
    key: LessSafeKey,
    start: [u8; NONCE_LEN],
    count: AtomicU64,
}

/// A sealed value was altered, cut, or sealed under another key or for another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value was altered, or sealed under another key")]
pub struct SealError;

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(***)")
    }
}

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
        let mut start = [0; NONCE_LEN];
        // Never a seeded source: equal starts under one key would give it away.
        SystemEntropy.fill(&mut start);
        Self {
            key: LessSafeKey::new(key),
            start,
            count: AtomicU64::new(0),
        }
    }

    /// Seals `plain` for `context`.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = self.nonce();
        let mut out = Vec::with_capacity(NONCE_LEN + plain.len() + 16);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut out[NONCE_LEN..],
            )
            .expect("a value in memory is below AES-GCM's limit of 64 GiB");
        out.extend_from_slice(tag.as_ref());
        out
    }

    fn nonce(&self) -> [u8; NONCE_LEN] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut nonce = self.start;
        if let Some(low) = nonce.last_chunk_mut::<8>() {
            *low = u64::from_be_bytes(*low).wrapping_add(count).to_be_bytes();
        }
        nonce
    }

    /// Opens what [`seal`](Self::seal) made for the same `context`.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut rest = rest.to_vec();
        let length = self
            .key
            .open_in_place(nonce, Aad::from(context), &mut rest)
            .map_err(|_| SealError)?
            .len();
        rest.truncate(length);
        Ok(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_two_nonces_are_equal() {
        let sealer = Sealer::new(&[7; 32]);
        let nonces: std::collections::BTreeSet<_> = (0..1000).map(|_| sealer.nonce()).collect();
        assert_eq!(nonces.len(), 1000);
        assert_ne!(sealer.start, Sealer::new(&[7; 32]).start);
    }

    proptest! {
        #[test]
        fn sealed_values_open_only_unaltered_and_in_place(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            flip in any::<prop::sample::Index>(),
        ) {
            let sealer = Sealer::new(&[7; 32]);
            let sealed = sealer.seal(b"here", &plain);
            prop_assert_eq!(sealer.open(b"here", &sealed), Ok(plain));
            prop_assert_eq!(sealer.open(b"there", &sealed), Err(SealError));
            let mut altered = sealed.clone();
            altered[flip.index(sealed.len())] ^= 1;
            prop_assert_eq!(sealer.open(b"here", &altered), Err(SealError));
            prop_assert_eq!(Sealer::new(&[8; 32]).open(b"here", &sealed), Err(SealError));
        }
    }
}
