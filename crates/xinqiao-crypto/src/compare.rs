//! Comparison in constant time, and the proof that it succeeded.

use subtle::ConstantTimeEq;

/// Whether two byte strings are equal. The time taken depends on the lengths only.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Proof that a signature was made with the key it was checked against.
///
/// Only a verification in this crate can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "carry the proof along with what it proves"]
pub struct Genuine(());

impl Genuine {
    /// For verifications that compare nothing themselves: those of public-key signatures.
    pub(crate) const fn proved() -> Self {
        Self(())
    }
}

/// The signature was not made with this key over these parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match")]
pub struct Mismatch;

/// Compares what was computed with what was received.
pub(crate) fn prove(expected: &[u8], received: &[u8]) -> Result<Genuine, Mismatch> {
    if constant_time_eq(expected, received) {
        Ok(Genuine(()))
    } else {
        Err(Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_is_equal() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"abc", b"abc"));
        assert!(!constant_time_eq(b"abc", b"abd"));
        assert!(!constant_time_eq(b"abc", b"ab"));
        assert!(!constant_time_eq(b"", b"a"));
    }
}
