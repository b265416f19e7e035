//! What business pay (微企付) does differently from WeChat Pay's third generation: its header, and fields
//! encrypted with SM4 under a key that travels with the request.
//!
//! What is signed are the same lines as in [`crate::pay_v3`], with RSA and SHA-256.
//!
//! Source: the operator's PHP SDK (`Entpay\\Mse\\Client`), version 3.16.

/// Name of the signatures in headers.
pub const ALGORITHM: &str = "SHA256withRSA";

/// Name of the encryption in headers.
pub const ENCRYPTION: &str = "RSA_OAEP_with_SM4_128_CBC";

/// Reads a header of the form `name="value",name="value"`.
pub fn header(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        Some((name, value.trim_matches('"')))
    })
}

/// A field of a header of that form; empty if it is not there.
pub fn header_field<'h>(text: &'h str, wanted: &str) -> &'h str {
    let found = header(text).find(|(name, _)| *name == wanted);
    found.map_or("", |(_, value)| value)
}

/// Why a field cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the field was not encrypted with the key that came with it")]
pub struct FieldError;

/// The key that fields of one request or answer are encrypted with.
#[cfg(feature = "sm")]
pub struct FieldKey {
    key: [u8; 16],
    iv: [u8; 16],
}

#[cfg(feature = "sm")]
mod field_key {
    use std::fmt;

    use base64_simd::STANDARD;
    use cbc::cipher::{
        BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7,
    };
    use sm4::Sm4;

    use super::{FieldError, FieldKey};

    impl FieldKey {
        /// A key and an initial vector.
        pub const fn new(key: [u8; 16], iv: [u8; 16]) -> Self {
            Self { key, iv }
        }

        /// Encrypts a field: base64.
        pub fn encrypt(&self, plain: &str) -> String {
            let cipher = cbc::Encryptor::<Sm4>::new(&self.key.into(), &self.iv.into());
            STANDARD.encode_to_string(cipher.encrypt_padded_vec::<Pkcs7>(plain.as_bytes()))
        }

        /// Decrypts a field.
        ///
        /// # Errors
        /// It was encrypted with another key.
        pub fn decrypt(&self, sealed: &str) -> Result<String, FieldError> {
            let sealed = STANDARD.decode_to_vec(sealed).map_err(|_| FieldError)?;
            let cipher = cbc::Decryptor::<Sm4>::new(&self.key.into(), &self.iv.into());
            let plain = cipher.decrypt_padded_vec::<Pkcs7>(&sealed);
            String::from_utf8(plain.map_err(|_| FieldError)?).map_err(|_| FieldError)
        }
    }

    impl fmt::Debug for FieldKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("FieldKey(***)")
        }
    }

    impl Drop for FieldKey {
        fn drop(&mut self) {
            zeroize::Zeroize::zeroize(&mut self.key);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_openssl_encrypted_is_read_and_the_other_way_round() {
            // openssl enc -sm4-cbc -K 30313233343536373839616263646566 -iv 61626364656630313233343536373839 | base64
            let key = || FieldKey::new(*b"0123456789abcdef", *b"abcdef0123456789");
            let sealed = "LSUsO352D3uZgQ6zTKZIV033+ds84AWwx6mbncIFzgA=";
            assert_eq!(key().encrypt("张三的企业有限公司"), sealed);
            assert_eq!(key().decrypt(sealed).unwrap(), "张三的企业有限公司");
            let other = FieldKey::new(*b"0123456789abcdeF", *b"abcdef0123456789");
            assert!(other.decrypt(sealed).is_err());
            assert!(key().decrypt("AAAA").is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_taken_apart_and_equal_signs_in_values_stay() {
        let text = r#"nonce="n", timestamp="1",signature="ab==""#;
        assert_eq!(header_field(text, "signature"), "ab==");
        assert_eq!(header_field(text, "timestamp"), "1");
        assert_eq!(header_field(text, "serial"), "");
    }
}
