//! The national algorithms (国密): SM2 signatures with SM3, SM4-GCM resources.
//!
//! A merchant uses them by application only. Signatures are DER in base64, over the same lines as RSA's
//! and with the standard signer id; a resource's key is the first 16 bytes of SM3 over the APIv3 key; a
//! sensitive field is encrypted with SM2 in the ASN.1 form of GM/T 0009, which OpenSSL reads and writes too.

use std::{fmt, sync::Arc};

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{Aead, Payload, consts::U12},
};
use base64_simd::STANDARD;
use sm2::{
    dsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
    elliptic_curve::common::getrandom::SysRng,
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _},
    pke::{DecryptingKey, EncryptingKey},
};
use sm3::{Digest as _, Sm3};
use sm4::Sm4;
use xinqiao_types::ApiV3Key;

use super::{DecryptError, EncryptError, KeyError, ResourceError, SmCertificate, pem};
use crate::{
    base64,
    compare::{Genuine, Mismatch},
};

/// The standard's signer id.
const SIGNER: &str = "1234567812345678";
/// Name of the algorithm on the wire.
const ALGORITHM: &str = "AEAD_SM4_GCM";
const NONCE_LEN: usize = 12;

/// A merchant's SM2 private key. Cheap to clone.
#[derive(Clone)]
pub struct SmPrivateKey(Arc<Private>);

struct Private {
    sign: SigningKey,
    open: DecryptingKey,
}

impl SmPrivateKey {
    /// Reads the key from a PEM text (PKCS#8).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (_, der) = pem::block(text, &["PRIVATE KEY"]).ok_or(KeyError::Pem)?;
        let key = sm2::SecretKey::from_pkcs8_der(&der).map_err(|_| KeyError::Sm2)?;
        let sign = SigningKey::new(SIGNER, &key).map_err(|_| KeyError::Sm2)?;
        let open = DecryptingKey::new(key);
        Ok(Self(Arc::new(Private { sign, open })))
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> String {
        let signature: Signature = self.0.sign.sign(message);
        STANDARD.encode_to_string(signature.to_der().as_bytes())
    }

    /// Decrypts a sensitive field that the platform encrypted for us.
    pub fn decrypt(&self, text: &str) -> Result<String, DecryptError> {
        let sealed = base64::decode(text.as_bytes()).map_err(DecryptError::Base64)?;
        let plain = self
            .0
            .open
            .decrypt_der(&sealed)
            .map_err(|_| DecryptError::Unreadable)?;
        String::from_utf8(plain).map_err(|_| DecryptError::Text)
    }
}

impl fmt::Debug for SmPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmPrivateKey(***)")
    }
}

/// An SM2 public key. Cheap to clone.
#[derive(Clone)]
pub struct SmPublicKey(Arc<Public>);

struct Public {
    verify: VerifyingKey,
    seal: EncryptingKey,
}

impl SmPublicKey {
    /// Reads the key from a PEM text: a public key, or that of a certificate.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::block(text, &["PUBLIC KEY", "CERTIFICATE"]).ok_or(KeyError::Pem)?;
        if label == "CERTIFICATE" {
            return Ok(SmCertificate::from_der(&der)?.key().clone());
        }
        Self::from_der(&der)
    }

    /// Reads the DER bytes (SubjectPublicKeyInfo).
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = sm2::PublicKey::from_public_key_der(der).map_err(|_| KeyError::Sm2)?;
        let verify = VerifyingKey::new(SIGNER, key).map_err(|_| KeyError::Sm2)?;
        let seal = EncryptingKey::new(key);
        Ok(Self(Arc::new(Public { verify, seal })))
    }

    /// Encrypts a sensitive field for the owner of the private half.
    pub fn encrypt(&self, plain: &str) -> Result<String, EncryptError> {
        let sealed = self.0.seal.encrypt_der(&mut SysRng, plain.as_bytes());
        let refused = EncryptError {
            limit: usize::MAX,
            found: plain.len(),
        };
        let sealed = sealed.map_err(|_| refused)?;
        Ok(STANDARD.encode_to_string(sealed))
    }

    /// Proves that a message was signed with the private half.
    pub fn verify(&self, message: &[u8], base64: &str) -> Result<Genuine, Mismatch> {
        let der = STANDARD.decode_to_vec(base64).map_err(|_| Mismatch)?;
        let signature = Signature::from_der(&der).map_err(|_| Mismatch)?;
        self.0
            .verify
            .verify(message, &signature)
            .map(|()| Genuine::proved())
            .map_err(|_| Mismatch)
    }
}

impl fmt::Debug for SmPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmPublicKey(SM2)")
    }
}

/// An APIv3 key, ready to open resources that are sealed with SM4.
pub struct SmResourceKey(AesGcm<Sm4, U12>);

impl SmResourceKey {
    /// Name of the algorithm on the wire.
    pub const ALGORITHM: &str = ALGORITHM;

    /// Takes the key as the merchant set it.
    pub fn new(key: &ApiV3Key) -> Result<Self, KeyError> {
        let bytes = key.expose().as_bytes();
        if bytes.len() != 32 {
            return Err(KeyError::ApiV3Key { found: bytes.len() });
        }
        let digest = Sm3::digest(bytes);
        AesGcm::new_from_slice(&digest[..16])
            .map(Self)
            .map_err(|_| KeyError::Sm2)
    }

    /// Opens a resource. `associated_data` may be empty.
    pub fn open(
        &self,
        algorithm: &str,
        nonce: &str,
        associated_data: &str,
        ciphertext: &str,
    ) -> Result<Vec<u8>, ResourceError> {
        if algorithm != ALGORITHM {
            return Err(ResourceError::Algorithm {
                found: algorithm.to_owned(),
                wanted: ALGORITHM,
            });
        }
        let sealed = base64::decode(ciphertext.as_bytes()).map_err(ResourceError::Base64)?;
        let nonce: [u8; NONCE_LEN] = nonce
            .as_bytes()
            .try_into()
            .map_err(|_| ResourceError::Nonce { found: nonce.len() })?;
        let payload = Payload {
            msg: &sealed,
            aad: associated_data.as_bytes(),
        };
        self.0
            .decrypt(&nonce.into(), payload)
            .map_err(|_| ResourceError::Unauthentic)
    }
}

impl fmt::Debug for SmResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmResourceKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_standards() {
        let digest: Vec<String> = Sm3::digest(b"abc")
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(
            digest.concat(),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
    }
}
