//! What holds for every message, key and damage.

use proptest::prelude::*;
use xinqiao_crypto::{AesKey, MessageCipher, callback};

fn cipher(key: [u8; 32]) -> MessageCipher {
    MessageCipher::new(&AesKey::from_bytes(key), "wxba5fad812f8e6fb9")
}

#[test]
fn messages_of_all_lengths_come_back() {
    let cipher = cipher([7; 32]);
    let message: Vec<u8> = (0..4096_u32).map(|n| (n % 251) as u8).collect();
    for length in 0..=message.len() {
        let text = cipher.encrypt([9; 16], &message[..length]);
        assert_eq!(text.len(), cipher.encrypted_len(length));
        let plain = cipher.decrypt(text.as_bytes()).unwrap();
        assert_eq!(plain.message(), &message[..length]);
        assert_eq!(plain.into_message(), &message[..length]);
    }
}

#[test]
fn receiver_ids_of_all_lengths_are_checked() {
    let key = AesKey::from_bytes([3; 32]);
    for length in 0..64 {
        let id = "x".repeat(length);
        let text = MessageCipher::new(&key, &id).encrypt([1; 16], b"<xml/>");
        assert!(
            MessageCipher::new(&key, &id)
                .decrypt(text.as_bytes())
                .is_ok()
        );
        assert!(
            MessageCipher::new(&key, &format!("{id}y"))
                .decrypt(text.as_bytes())
                .is_err()
        );
    }
}

proptest! {
    #[test]
    fn any_changed_bit_breaks_the_signature(
        token in "[A-Za-z0-9]{3,32}", nonce in "[0-9]{1,10}", encrypt in "[A-Za-z0-9+/]{16,200}",
        part in 0..3_usize, position in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let mut parts = [token.into_bytes(), nonce.into_bytes(), encrypt.into_bytes()];
        let signature = callback::signature(&parts);
        prop_assert!(callback::verify(&parts, signature.as_str()).is_ok());
        let at = position.index(parts[part].len());
        parts[part][at] ^= 1 << bit;
        prop_assert!(callback::verify(&parts, signature.as_str()).is_err());
    }

    #[test]
    fn any_changed_signature_is_refused(position in 0..40_usize, digit in "[0-9a-f]") {
        let parts = ["token", "1700000000", "42"];
        let mut signature = callback::signature(&parts).to_string();
        let changed = signature.as_bytes()[position] != digit.as_bytes()[0];
        signature.replace_range(position..=position, &digit);
        prop_assert_eq!(callback::verify(&parts, &signature).is_err(), changed);
    }

    #[test]
    fn foreign_keys_and_damage_never_panic(
        key in any::<[u8; 32]>(), other in any::<[u8; 32]>(),
        message in prop::collection::vec(any::<u8>(), 0..300),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = cipher(key).encrypt([5; 16], &message);
        if key != other {
            prop_assert!(cipher(other).decrypt(text.as_bytes()).is_err());
        }
        let short = &text.as_bytes()[..cut.index(text.len())];
        prop_assert!(cipher(key).decrypt(short).is_err());
        let _ = cipher(other).glimpse(text.as_bytes());
        let _ = cipher(key).glimpse(short);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(cipher([1; 32]).decrypt(&bytes).is_err());
        let _ = cipher([1; 32]).glimpse(&bytes);
        let _ = AesKey::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_key_comes_back_from_its_text(key in any::<[u8; 32]>()) {
        let key = AesKey::from_bytes(key);
        let text = key.to_text();
        prop_assert_eq!(text.expose().len(), 43);
        prop_assert_eq!(AesKey::from_text(&text), Ok(key));
    }
}
