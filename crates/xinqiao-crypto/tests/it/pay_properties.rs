//! What holds for every payment message, key and damage.

use std::sync::LazyLock;

use base64_simd::STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use xinqiao_crypto::{
    pay_v2::{self, SignType},
    pay_v3::{Certificate, Identity, PrivateKey, PublicKey, ResourceKey},
};
use xinqiao_types::{ApiV2Key, ApiV3Key};

static KEYS: LazyLock<Value> = LazyLock::new(|| {
    let file: Value = serde_json::from_str(include_str!("../../testdata/pay.json")).unwrap();
    file["keys"].clone()
});

static PRIVATE: LazyLock<PrivateKey> = LazyLock::new(|| {
    PrivateKey::from_pem(KEYS["merchant_rsa_private_key"].as_str().unwrap()).unwrap()
});

fn certificate() -> Vec<u8> {
    let pem = KEYS["merchant_rsa_certificate"].as_str().unwrap();
    Certificate::from_pem(pem).unwrap().der().to_vec()
}

fn flipped(mut bytes: Vec<u8>, at: prop::sample::Index, bit: u8) -> Vec<u8> {
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_breaks_the_rsa_signature(
        message in prop::collection::vec(any::<u8>(), 1..400),
        at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let signature = PRIVATE.sign(&message);
        let public = PRIVATE.public_key();
        prop_assert!(public.verify(&message, &signature).is_ok());
        prop_assert!(public.verify(&flipped(message.clone(), at, bit), &signature).is_err());
        let wrong = flipped(STANDARD.decode_to_vec(&signature).unwrap(), at, bit);
        prop_assert!(public.verify(&message, &STANDARD.encode_to_string(wrong)).is_err());
        prop_assert!(public.verify(&message, &signature[..signature.len() - 4]).is_err());
    }

    #[test]
    fn a_flipped_bit_closes_the_resource(
        plain in prop::collection::vec(any::<u8>(), 0..300), data in "[a-z]{0,12}",
        at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let key = ResourceKey::new(&ApiV3Key::new("0123456789abcdef0123456789abcdef")).unwrap();
        let open = |data: &str, text: &str| key.open("AEAD_AES_256_GCM", "0123456789ab", data, text);
        let sealed = key.seal("0123456789ab", &data, &plain).unwrap();
        prop_assert_eq!(open(&data, &sealed).unwrap(), plain);
        let longer = data.clone() + "x";
        prop_assert!(open(&longer, &sealed).is_err());
        let wrong = flipped(STANDARD.decode_to_vec(&sealed).unwrap(), at, bit);
        prop_assert!(open(&data, &STANDARD.encode_to_string(wrong)).is_err());
    }

    #[test]
    fn sensitive_fields_come_back(plain in "\\PC{0,50}") {
        let sealed = PRIVATE.public_key().encrypt(&plain).unwrap();
        prop_assert_eq!(PRIVATE.decrypt(&sealed).unwrap(), plain);
    }

    #[test]
    fn a_changed_parameter_breaks_the_sign(
        name in "[a-z_]{1,12}", value in "[ -~]{1,40}", other in "[ -~]{1,40}",
    ) {
        prop_assume!(name != "sign" && name != "a" && value != other);
        let key = ApiV2Key::new("192006250b4c09247ec02edce69f6a2d");
        for how in [SignType::Md5, SignType::HmacSha256] {
            let sign = pay_v2::sign([("a", "1"), (&name, &value)], &key, how);
            prop_assert!(pay_v2::verify([(&*name, &*value), ("a", "1")], &key, how, &sign).is_ok());
            prop_assert!(pay_v2::verify([(&*name, &*other), ("a", "1")], &key, how, &sign).is_err());
        }
    }

    #[test]
    fn req_info_comes_back(plain in prop::collection::vec(any::<u8>(), 0..200)) {
        let key = ApiV2Key::new("192006250b4c09247ec02edce69f6a2d");
        let sealed = pay_v2::encrypt_req_info(&plain, &key);
        prop_assert_eq!(pay_v2::decrypt_req_info(&sealed, &key).unwrap(), plain);
    }

    #[test]
    fn damaged_files_are_refused_without_a_panic(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), length in any::<prop::sample::Index>(),
    ) {
        let mut der = certificate();
        let at = at.index(der.len());
        der[at] = byte;
        let _ = Certificate::from_der(&der);
        let length = length.index(der.len());
        prop_assert!(Certificate::from_der(&der[..length]).is_err());
        let _ = Identity::from_pkcs12(&der, "x");
        prop_assert!(PublicKey::from_der(&der[..length.min(200)]).is_err());
    }
}
