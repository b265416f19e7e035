//! Reads and writes `apiclient_cert.p12`: the merchant's certificate and private key in one file (PKCS#12).
//!
//! Both kinds are read: PBES2 with PBKDF2 and AES-256-CBC, as current tools write them, and RC2 with 3DES,
//! as the merchant platform's older tool did and as OpenSSL 3 refuses them. The file's own checksum is not
//! consulted: that the password is right shows in the padding, and that nothing was exchanged in the key,
//! which must belong to the certificate.

use std::{fmt, num::NonZeroU32};

use aes::Aes256Dec;
use aws_lc_rs::pbkdf2;
use base64_simd::STANDARD;
use cbc::cipher::{Array, BlockModeDecrypt, InnerIvInit, KeyInit, consts::U16};
use zeroize::Zeroizing;

use super::{
    Certificate, PrivateKey,
    der::{CONTEXT_0, INTEGER, OBJECT, OCTET_STRING, Reader, SEQUENCE},
    key::KeyError,
};

mod legacy;
mod write;

const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const ENCRYPTED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
const KEY_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01";
const SHROUDED_KEY_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02";
const CERTIFICATE_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03";
const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
const HMAC_SHA256: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02\x09";
const AES_256_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
/// `[0]`, primitive.
const CONTEXT_0_PLAIN: u8 = 0x80;
/// More would only keep the machine busy.
const MOST_ITERATIONS: u32 = 10_000_000;

/// A merchant's certificate with its private key.
#[derive(Clone)]
pub struct Identity {
    certificate: Certificate,
    key: PrivateKey,
}

impl Identity {
    /// Joins a certificate and its key.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, KeyError> {
        let wanted = ["PRIVATE KEY", "RSA PRIVATE KEY"];
        let (_, key_der) = super::pem::block(key, &wanted).ok_or(KeyError::Pem)?;
        Self::join(
            Certificate::from_pem(certificate)?,
            PrivateKey::from_der(&key_der)?,
        )
    }

    /// Reads a `.p12` file. Its password is the merchant number unless somebody changed it.
    pub fn from_pkcs12(file: &[u8], password: &str) -> Result<Self, KeyError> {
        let mut found = Found::default();
        found.file(file, password)?;
        let key = found.key.ok_or(KeyError::Pkcs12)?;
        let private = PrivateKey::from_der(&key)?;
        let own = |certificate: &Certificate| certificate.key() == private.public_key();
        let certificates = found
            .certificates
            .iter()
            .map(|der| Certificate::from_der(der));
        // Certificates of authorities may lie in the file too.
        let certificate = certificates
            .filter_map(Result::ok)
            .find(own)
            .ok_or(KeyError::Certificate)?;
        Self::join(certificate, private)
    }

    /// Writes a `.p12` file, of which `salts` are 24 bytes that nobody need keep secret. Never print it.
    ///
    /// # Errors
    /// None is known; a cipher that refuses its key would be one.
    pub fn to_pkcs12(&self, password: &str, salts: &[u8; 24]) -> Result<Vec<u8>, KeyError> {
        let key = self.key.to_pkcs8();
        write::file(self.certificate.der(), &key, password, salts).ok_or(KeyError::Pkcs12)
    }

    fn join(certificate: Certificate, key: PrivateKey) -> Result<Self, KeyError> {
        if certificate.key() != key.public_key() {
            return Err(KeyError::Certificate);
        }
        Ok(Self { certificate, key })
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Certificate and private key as PEM, for a transport that shows the certificate. Never print it.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let key = self.key.to_pkcs8();
        let mut out = Zeroizing::new(String::with_capacity(8192));
        for (label, der) in [
            ("CERTIFICATE", self.certificate.der()),
            ("PRIVATE KEY", &*key),
        ] {
            out.push_str("-----BEGIN ");
            out.push_str(label);
            out.push_str("-----\n");
            let base64 = Zeroizing::new(STANDARD.encode_to_string(der));
            for line in base64.as_bytes().chunks(64) {
                out.extend(line.iter().map(|byte| char::from(*byte)));
                out.push('\n');
            }
            out.push_str("-----END ");
            out.push_str(label);
            out.push_str("-----\n");
        }
        out
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Found {
    certificates: Vec<Vec<u8>>,
    key: Option<Zeroizing<Vec<u8>>>,
}

impl Found {
    fn file(&mut self, file: &[u8], password: &str) -> Result<(), KeyError> {
        let contents = contents(file).ok_or(KeyError::Pkcs12)?;
        let mut contents = Reader::new(contents)
            .inside(SEQUENCE)
            .ok_or(KeyError::Pkcs12)?;
        while !contents.is_empty() {
            let mut info = contents.inside(SEQUENCE).ok_or(KeyError::Pkcs12)?;
            let kind = info.content(OBJECT).ok_or(KeyError::Pkcs12)?;
            let mut content = info.inside(CONTEXT_0).ok_or(KeyError::Pkcs12)?;
            match kind {
                DATA => {
                    let bags = content.content(OCTET_STRING).ok_or(KeyError::Pkcs12)?;
                    self.bags(bags, password)?;
                }
                ENCRYPTED_DATA => {
                    let (algorithm, sealed) = sealed_bags(content).ok_or(KeyError::Pkcs12)?;
                    self.bags(&decrypt(algorithm, sealed, password)?, password)?;
                }
                _ => return Err(KeyError::Pkcs12),
            }
        }
        Ok(())
    }

    fn bags(&mut self, bags: &[u8], password: &str) -> Result<(), KeyError> {
        let mut bags = Reader::new(bags).inside(SEQUENCE).ok_or(KeyError::Pkcs12)?;
        while !bags.is_empty() {
            let mut bag = bags.inside(SEQUENCE).ok_or(KeyError::Pkcs12)?;
            let kind = bag.content(OBJECT).ok_or(KeyError::Pkcs12)?;
            let mut value = bag.inside(CONTEXT_0).ok_or(KeyError::Pkcs12)?;
            match kind {
                KEY_BAG => {
                    let key = value.tagged(SEQUENCE).ok_or(KeyError::Pkcs12)?;
                    self.key = Some(Zeroizing::new(key.whole.to_vec()));
                }
                SHROUDED_KEY_BAG => {
                    let mut key = value.inside(SEQUENCE).ok_or(KeyError::Pkcs12)?;
                    let algorithm = key.inside(SEQUENCE).ok_or(KeyError::Pkcs12)?;
                    let sealed = key.content(OCTET_STRING).ok_or(KeyError::Pkcs12)?;
                    self.key = Some(decrypt(algorithm, sealed, password)?);
                }
                CERTIFICATE_BAG => {
                    let der = certificate(value).ok_or(KeyError::Pkcs12)?;
                    self.certificates.push(der.to_vec());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn contents(file: &[u8]) -> Option<&[u8]> {
    let mut file = Reader::new(file).inside(SEQUENCE)?;
    let _version = file.content(INTEGER)?;
    let mut info = file.inside(SEQUENCE)?;
    if info.content(OBJECT)? != DATA {
        return None;
    }
    info.inside(CONTEXT_0)?.content(OCTET_STRING)
}

fn sealed_bags(mut content: Reader<'_>) -> Option<(Reader<'_>, &[u8])> {
    let mut data = content.inside(SEQUENCE)?;
    let _version = data.content(INTEGER)?;
    let mut info = data.inside(SEQUENCE)?;
    let _kind = info.content(OBJECT)?;
    let algorithm = info.inside(SEQUENCE)?;
    Some((algorithm, info.content(CONTEXT_0_PLAIN)?))
}

fn certificate(mut value: Reader<'_>) -> Option<&[u8]> {
    let mut bag = value.inside(SEQUENCE)?;
    let _kind = bag.content(OBJECT)?;
    bag.inside(CONTEXT_0)?.content(OCTET_STRING)
}

/// How something in the file is encrypted.
struct Pbes2<'a> {
    salt: &'a [u8],
    iterations: NonZeroU32,
    prf: pbkdf2::Algorithm,
    iv: [u8; 16],
}

fn pbes2(mut algorithm: Reader<'_>) -> Option<Pbes2<'_>> {
    if algorithm.content(OBJECT)? != PBES2 {
        return None;
    }
    let mut parameters = algorithm.inside(SEQUENCE)?;
    let mut derivation = parameters.inside(SEQUENCE)?;
    if derivation.content(OBJECT)? != PBKDF2 {
        return None;
    }
    let mut derivation = derivation.inside(SEQUENCE)?;
    let salt = derivation.content(OCTET_STRING)?;
    let iterations = iterations(derivation.content(INTEGER)?)?;
    let _key_length = derivation.content(INTEGER);
    let prf = match derivation.inside(SEQUENCE) {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(mut prf) => match prf.content(OBJECT)? {
            HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
            _ => return None,
        },
    };
    let mut cipher = parameters.inside(SEQUENCE)?;
    if cipher.content(OBJECT)? != AES_256_CBC {
        return None;
    }
    Some(Pbes2 {
        salt,
        iterations,
        prf,
        iv: cipher.content(OCTET_STRING)?.try_into().ok()?,
    })
}

fn iterations(count: &[u8]) -> Option<NonZeroU32> {
    if count.len() > 4 {
        return None;
    }
    let count = count
        .iter()
        .fold(0, |sum: u32, byte| (sum << 8) | u32::from(*byte));
    NonZeroU32::new(count).filter(|count| count.get() <= MOST_ITERATIONS)
}

fn decrypt(
    algorithm: Reader<'_>,
    sealed: &[u8],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if let Some(how) = legacy::read(algorithm) {
        return how.decrypt(sealed, password);
    }
    let how = pbes2(algorithm).ok_or(KeyError::Pkcs12)?;
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(
        how.prf,
        how.iterations,
        how.salt,
        password.as_bytes(),
        &mut *key,
    );
    let mut buffer = Zeroizing::new(sealed.to_vec());
    let (blocks, rest) = Array::<u8, U16>::slice_as_chunks_mut(&mut buffer);
    if blocks.is_empty() || !rest.is_empty() {
        return Err(KeyError::Pkcs12);
    }
    let cipher = Aes256Dec::new((&*key).into());
    cbc::Decryptor::inner_iv_init(&cipher, (&how.iv).into()).decrypt_blocks(blocks);
    unpadded(buffer, 16)
}

/// Takes the padding off; a wrong password shows in it.
fn unpadded(mut buffer: Zeroizing<Vec<u8>>, block: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let padding = usize::from(buffer[buffer.len() - 1]);
    let end = buffer.len().saturating_sub(padding);
    let wrong = buffer[end..]
        .iter()
        .any(|byte| usize::from(*byte) != padding);
    if padding == 0 || padding > block || wrong {
        return Err(KeyError::Password);
    }
    buffer.truncate(end);
    Ok(buffer)
}
