//! Random bytes, from the system or from a seed.

use std::{fmt, sync::Mutex};

/// A source of random bytes.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number of 64 bits.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A random number below `bound`; 0 if `bound` is 0. The bias is below 2⁻⁶⁴ × `bound`.
    fn below(&self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// The operating system's generator, fit for keys and tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system without random bytes cannot run us");
    }
}

/// A repeatable sequence for simulated worlds. Not fit for secrets of a real account.
///
/// The same seed gives the same bytes in every release: exports of a seeded world are compared byte
/// by byte. The generator is SplitMix64, eight bytes a step, little-endian; a call that asks for a
/// number of bytes that is no multiple of eight drops the rest of its last step.
pub struct SeededEntropy {
    state: Mutex<u64>,
}

impl SeededEntropy {
    /// Starts the sequence that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(seed),
        }
    }

    /// Where the sequence stands; `new(position())` continues it.
    pub fn position(&self) -> u64 {
        *self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Puts the sequence to a position taken before.
    pub fn set_position(&self, position: u64) {
        *self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = position;
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededEntropy").finish_non_exhaustive()
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (one, two) = (SeededEntropy::new(1), SeededEntropy::new(1));
        let (mut a, mut b) = ([0; 21], [0; 21]);
        one.fill(&mut a);
        two.fill(&mut b);
        assert_eq!(a, b);
        assert_ne!(one.next_u64(), SeededEntropy::new(2).next_u64());
    }

    #[test]
    fn the_sequence_is_the_published_splitmix64() {
        let entropy = SeededEntropy::new(1_234_567);
        assert_eq!(entropy.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(entropy.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_position_continues_the_sequence() {
        let entropy = SeededEntropy::new(7);
        entropy.next_u64();
        let copy = SeededEntropy::new(entropy.position());
        assert_eq!(entropy.next_u64(), copy.next_u64());
    }

    #[test]
    fn below_stays_below() {
        let entropy = SeededEntropy::new(3);
        assert!((0..1000).all(|_| entropy.below(10) < 10));
        assert_eq!(entropy.below(0), 0);
    }

    #[test]
    fn the_system_fills() {
        let mut bytes = [0; 32];
        SystemEntropy.fill(&mut bytes);
        assert_ne!(bytes, [0; 32]);
    }
}
