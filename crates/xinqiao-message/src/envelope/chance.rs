//! What sealing takes from chance.

use xinqiao_crypto::message::RANDOM_LEN;
use xinqiao_types::Entropy;

/// A callback's nonce as the platform sends it, in decimal digits. Nine at most: they never read as a timestamp, so
/// nobody can exchange the two.
pub fn nonce(entropy: &dyn Entropy) -> String {
    entropy.below(1_000_000_000).to_string()
}

/// A [`nonce`], and the random bytes that a ciphertext begins with.
pub fn chance(entropy: &dyn Entropy) -> (String, [u8; RANDOM_LEN]) {
    let mut random = [0; RANDOM_LEN];
    entropy.fill(&mut random);
    (nonce(entropy), random)
}

#[cfg(test)]
mod tests {
    use xinqiao_types::SeededEntropy;

    use super::*;

    #[test]
    fn no_nonce_reads_as_a_timestamp() {
        let entropy = SeededEntropy::new(1);
        for _ in 0..10_000 {
            let nonce = nonce(&entropy);
            assert!(
                nonce.parse::<u32>().is_ok_and(|n| n < 1_000_000_000),
                "{nonce}"
            );
        }
    }

    #[test]
    fn no_two_chances_are_equal() {
        let entropy = SeededEntropy::new(1);
        let (one, other) = (chance(&entropy), chance(&entropy));
        assert!(one.0 != other.0 && one.1 != other.1);
    }
}
