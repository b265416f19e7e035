use super::*;

fn cipher() -> MessageCipher {
    MessageCipher::new(&AesKey::from_bytes([7; 32]), "wx1")
}

/// A ciphertext around any plaintext, padded as told: what a wrong program could make.
fn forged(plain: &[u8]) -> String {
    let cipher = cipher();
    let mut buffer = plain.to_vec();
    let (blocks, rest) = Array::<u8, U16>::slice_as_chunks_mut(&mut buffer);
    assert!(rest.is_empty());
    cbc::Encryptor::inner_iv_init(&cipher.encrypt, &cipher.iv).encrypt_blocks(blocks);
    STANDARD.encode_to_string(&buffer)
}

#[track_caller]
fn check(plain: &[u8], want: &DecryptError) {
    assert_eq!(
        cipher().decrypt(forged(plain).as_bytes()).as_ref(),
        Err(want)
    );
}

#[test]
fn each_layer_has_its_error() {
    assert_eq!(cipher().decrypt(b"!!!!"), Err(DecryptError::Base64));
    assert_eq!(
        cipher().decrypt(b""),
        Err(DecryptError::Length { found: 0 })
    );
    assert_eq!(
        cipher().decrypt(b"AAAA"),
        Err(DecryptError::Length { found: 3 })
    );
    check(&[0; 32], &DecryptError::Padding);
    check(&[33; 64], &DecryptError::Padding);
    check(&[16; 16], &DecryptError::InnerLength { length: 0, room: 0 });
}

#[test]
fn an_inner_length_near_the_end_of_32_bits_is_refused() {
    let mut plain = [1_u8; 32];
    plain[16..20].copy_from_slice(&u32::MAX.to_be_bytes());
    check(
        &plain,
        &DecryptError::InnerLength {
            length: u32::MAX,
            room: 11,
        },
    );
}

#[test]
fn padding_bytes_must_all_agree() {
    let mut plain = [4_u8; 32];
    plain[29] = 3;
    check(&plain, &DecryptError::Padding);
}

#[test]
fn a_glimpse_tells_a_cut_from_a_wrong_key() {
    let text = cipher().encrypt([1; 16], "<xml>你好</xml>".repeat(20).as_bytes());
    let cut = &text.as_bytes()[..text.len() / 2];
    assert!(cipher().glimpse(cut).unwrap().is_cut());
    assert!(cipher().glimpse(text.as_bytes()).unwrap().fits());
    let other = MessageCipher::new(&AesKey::from_bytes([8; 32]), "wx1");
    assert!(!other.glimpse(cut).unwrap().fits());
    assert_eq!(cipher().glimpse(b"AAAA"), None);
}

#[test]
fn nothing_prints_a_message_or_a_key() {
    let text = cipher().encrypt([1; 16], b"hello");
    let plain = cipher().decrypt(text.as_bytes()).unwrap();
    assert_eq!(format!("{plain:?}"), "Plain(5 bytes)");
    assert_eq!(
        format!("{:?}", cipher()),
        "MessageCipher { receiver_id: \"wx1\", .. }"
    );
}
