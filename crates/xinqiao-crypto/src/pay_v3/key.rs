//! RSA keys: the merchant's private key, the platform's public keys.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{
        OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        PrivateDecryptingKey, PublicEncryptingKey,
    },
    signature::{
        KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64_simd::STANDARD;
use zeroize::Zeroizing;

use super::pem;
use crate::{
    base64::{self, Base64Fault},
    compare::{Genuine, Mismatch},
};

/// Why a key or a certificate cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no such PEM block.
    #[error(
        "no PEM block of the wanted kind was found: take the file as the merchant platform gives it"
    )]
    Pem,
    /// The key is no RSA key of 2048 bits or more.
    #[error("the key is no RSA key of 2048 to 8192 bits")]
    Rsa,
    /// The key is no SM2 key.
    #[error("the key is no SM2 key")]
    Sm2,
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Certificate,
    /// An APIv3 key has exactly 32 bytes.
    #[error("an APIv3 key has 32 bytes, this has {found}: the APIv2 key is another one")]
    ApiV3Key {
        /// How many bytes there are.
        found: usize,
    },
    /// The file of certificate and key cannot be read.
    #[error(
        "the .p12 file cannot be read: it is damaged, or of a rare form; write it anew with \
         `openssl pkcs12 -in old.p12 -legacy -nodes -out all.pem` and take certificate and key from there"
    )]
    Pkcs12,
    /// The password of the file is wrong.
    #[error("the password of the .p12 file is wrong: it is the merchant number unless changed")]
    Password,
}

impl KeyError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Pem => "pay.key.pem",
            Self::Rsa | Self::Sm2 => "pay.key.kind",
            Self::Certificate => "pay.key.certificate",
            Self::ApiV3Key { .. } => "pay.key.api_v3_length",
            Self::Pkcs12 => "pay.key.pkcs12",
            Self::Password => "pay.key.password",
        }
    }
}

/// A sensitive field that cannot be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sensitive field has at most {limit} bytes, this has {found}")]
pub struct EncryptError {
    /// How many bytes the key takes.
    pub limit: usize,
    /// How many there are.
    pub found: usize,
}

/// Why a sensitive field cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// The text was damaged on the way.
    #[error("the field is not base64: {0}")]
    Base64(Base64Fault),
    /// Encrypted for another key or in another way.
    #[error("the field was not encrypted for this key with OAEP and SHA-1")]
    Unreadable,
    /// What came out is no text.
    #[error("the field is not UTF-8")]
    Text,
}

impl DecryptError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Base64(fault) => fault.rule(),
            Self::Unreadable | Self::Text => "pay.field.key",
        }
    }
}

/// A merchant's private key. Cheap to clone.
#[derive(Clone)]
pub struct PrivateKey(Arc<Private>);

struct Private {
    sign: RsaKeyPair,
    open: OaepPrivateDecryptingKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads `apiclient_key.pem`, in PKCS#8 or PKCS#1.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (_, der) =
            pem::block(text, &["PRIVATE KEY", "RSA PRIVATE KEY"]).ok_or(KeyError::Pem)?;
        Self::from_der(&der)
    }

    /// Reads the DER bytes, PKCS#8 or PKCS#1.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let sign = RsaKeyPair::from_pkcs8(der)
            .or_else(|_| RsaKeyPair::from_der(der))
            .map_err(|_| KeyError::Rsa)?;
        let pkcs8: Pkcs8V1Der<'_> = sign.as_der().map_err(|_| KeyError::Rsa)?;
        let open = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| KeyError::Rsa)?;
        let open = OaepPrivateDecryptingKey::new(open).map_err(|_| KeyError::Rsa)?;
        let public = PublicKey::from_der(sign.public_key().as_ref())?;
        Ok(Self(Arc::new(Private { sign, open, public })))
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// The key's bytes as PKCS#8.
    pub(super) fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let pkcs8: Pkcs8V1Der<'_> = self
            .0
            .sign
            .as_der()
            .expect("a key that was written once when it was read can be written again");
        Zeroizing::new(pkcs8.as_ref().to_vec())
    }

    /// Signs a message: base64 of RSA PKCS#1 v1.5 with SHA-256. Takes a millisecond.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.0.sign.public_modulus_len()];
        self.0
            .sign
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .expect("a key that was checked when it was read can sign");
        STANDARD.encode_to_string(signature)
    }

    /// Decrypts a sensitive field that the platform encrypted for us.
    pub fn decrypt(&self, text: &str) -> Result<String, DecryptError> {
        let sealed = base64::decode(text.as_bytes()).map_err(DecryptError::Base64)?;
        let mut buffer = vec![0; self.0.open.min_output_size()];
        let plain = self
            .0
            .open
            .decrypt(&OAEP_SHA1_MGF1SHA1, &sealed, &mut buffer, None)
            .map_err(|_| DecryptError::Unreadable)?;
        String::from_utf8(plain.to_vec()).map_err(|_| DecryptError::Text)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

/// A public key of the platform or of a certificate. Cheap to clone.
#[derive(Clone)]
pub struct PublicKey(Arc<Public>);

struct Public {
    verify: ParsedPublicKey,
    seal: OaepPublicEncryptingKey,
    info: Vec<u8>,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.info == other.0.info
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// Reads `pub_key.pem`: a public key in either of its forms, or that of a certificate.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let wanted = ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"];
        let (label, der) = pem::block(text, &wanted).ok_or(KeyError::Pem)?;
        if label == "CERTIFICATE" {
            return Ok(super::Certificate::from_der(&der)?.key().clone());
        }
        Self::from_der(&der)
    }

    /// Reads the DER bytes: SubjectPublicKeyInfo or PKCS#1.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = aws_lc_rs::rsa::PublicKey::from_der(der).map_err(|_| KeyError::Rsa)?;
        let info: PublicKeyX509Der<'_> = key.as_der().map_err(|_| KeyError::Rsa)?;
        let verify = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, info.as_ref())
            .map_err(|_| KeyError::Rsa)?;
        let seal = PublicEncryptingKey::from_der(info.as_ref()).map_err(|_| KeyError::Rsa)?;
        let seal = OaepPublicEncryptingKey::new(seal).map_err(|_| KeyError::Rsa)?;
        let info = info.as_ref().to_vec();
        Ok(Self(Arc::new(Public { verify, seal, info })))
    }

    /// Proves that a message was signed with the private half.
    pub fn verify(&self, message: &[u8], base64: &str) -> Result<Genuine, Mismatch> {
        let signature = STANDARD.decode_to_vec(base64).map_err(|_| Mismatch)?;
        self.0
            .verify
            .verify_sig(message, &signature)
            .map(|()| Genuine::proved())
            .map_err(|_| Mismatch)
    }

    /// Encrypts a sensitive field for the owner of the private half: base64 of OAEP with SHA-1.
    pub fn encrypt(&self, plain: &str) -> Result<String, EncryptError> {
        let limit = self.0.seal.max_plaintext_size(&OAEP_SHA1_MGF1SHA1);
        let refused = EncryptError {
            limit,
            found: plain.len(),
        };
        let mut buffer = vec![0; self.0.seal.ciphertext_size()];
        let sealed = self
            .0
            .seal
            .encrypt(&OAEP_SHA1_MGF1SHA1, plain.as_bytes(), &mut buffer, None)
            .map_err(|_| refused)?;
        Ok(STANDARD.encode_to_string(sealed))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(RSA)")
    }
}
