//! Digests as lower-case hexadecimal text, without an allocation.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `N` lower-case hexadecimal digits: a digest as WeChat writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hex<const N: usize>([u8; N]);

impl<const N: usize> Hex<N> {
    /// Writes `N / 2` bytes as `N` digits.
    pub(crate) fn encode(bytes: &[u8]) -> Self {
        debug_assert_eq!(bytes.len() * 2, N);
        let mut digits = [b'0'; N];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(digits)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }

    /// The digits as bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 16]> for Hex<32> {
    fn from(md5: [u8; 16]) -> Self {
        Self::encode(&md5)
    }
}

impl From<[u8; 20]> for Hex<40> {
    fn from(sha1: [u8; 20]) -> Self {
        Self::encode(&sha1)
    }
}

impl From<[u8; 32]> for Hex<64> {
    fn from(sha256: [u8; 32]) -> Self {
        Self::encode(&sha256)
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> AsRef<str> for Hex<N> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> From<Hex<N>> for String {
    fn from(hex: Hex<N>) -> Self {
        hex.as_str().to_owned()
    }
}

impl<const N: usize> PartialEq<str> for Hex<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<const N: usize> PartialEq<&str> for Hex<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_digits() {
        let hex = Hex::<8>::encode(&[0x00, 0x9f, 0xa0, 0xff]);
        assert_eq!(hex, "009fa0ff");
        assert_eq!(hex.to_string(), "009fa0ff");
    }
}
