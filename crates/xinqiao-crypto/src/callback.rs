//! Signatures of callbacks: SHA-1 over the sorted parts.
//!
//! * `signature` is over token, timestamp and nonce.
//! * `msg_signature` is over token, timestamp, nonce and the ciphertext.
//!
//! The parts are sorted as bytes (digits before capitals before small letters) and joined without
//! anything between them.

use sha1::{Digest, Sha1};

use crate::{Genuine, Hex, Mismatch, compare};

/// 40 hexadecimal digits.
pub type Signature = Hex<40>;

/// The SHA-1 digest over the sorted parts.
pub fn digest<P: AsRef<[u8]>>(parts: &[P]) -> [u8; 20] {
    const MOST: usize = 8;
    let mut hash = Sha1::new();
    if parts.len() <= MOST {
        let mut sorted = [&[][..]; MOST];
        for (slot, part) in sorted.iter_mut().zip(parts) {
            *slot = part.as_ref();
        }
        let sorted = &mut sorted[..parts.len()];
        sorted.sort_unstable();
        for part in sorted.iter() {
            hash.update(part);
        }
    } else {
        let mut sorted: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
        sorted.sort_unstable();
        for part in sorted {
            hash.update(part);
        }
    }
    hash.finalize().into()
}

/// The order in which the parts are joined, by their place among `parts`; for whoever shows what was signed.
pub fn order<P: AsRef<[u8]>>(parts: &[P]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| parts[*at].as_ref());
    order
}

/// Signs the parts.
///
/// ```
/// use xinqiao_crypto::callback;
/// let signature = callback::signature(&["AAAAA", "1714036504", "1514711492"]);
/// assert_eq!(signature, "f464b24fc39322e44b38aa78f5edd27bd1441696");
/// ```
pub fn signature<P: AsRef<[u8]>>(parts: &[P]) -> Signature {
    Signature::encode(&digest(parts))
}

/// Checks a signature that came from outside.
pub fn verify<P: AsRef<[u8]>>(parts: &[P], received: &str) -> Result<Genuine, Mismatch> {
    compare::prove(signature(parts).as_bytes(), received.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sorted_as_bytes() {
        let signature = signature(&["token", "1700000000", "Abc"]);
        assert_eq!(signature, "0c195954fff80745705e148baa36f9746a126d28");
    }

    #[test]
    fn the_order_is_that_of_the_digest() {
        let parts = ["token", "1700000000", "Abc"];
        let joined: String = order(&parts).into_iter().map(|at| parts[at]).collect();
        assert_eq!(joined, "1700000000Abctoken");
        assert_eq!(digest(&parts), digest(&[joined]));
    }

    #[test]
    fn many_parts_are_sorted_too() {
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut reversed = many.clone();
        reversed.reverse();
        assert_eq!(signature(&many), signature(&reversed));
    }

    #[test]
    fn a_wrong_signature_proves_nothing() {
        let parts = ["AAAAA", "1714036504", "1514711492"];
        assert!(verify(&parts, "f464b24fc39322e44b38aa78f5edd27bd1441696").is_ok());
        for wrong in ["", "f464b24fc39322e44b38aa78f5edd27bd1441697", "F464", "0"] {
            assert_eq!(verify(&parts, wrong), Err(Mismatch));
        }
    }
}
