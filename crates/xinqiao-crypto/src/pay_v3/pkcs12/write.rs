//! Writes `apiclient_cert.p12` in the form that most programs read: 3DES under a key that SHA-1 derives, and a checksum of
//! SHA-1. OpenSSL 3 reads it without its legacy provider, and so do Java, .NET, Go and PHP, which know nothing newer at times.
//!
//! Source: RFC 7292, sections 4 and 5, appendix B.

use std::num::NonZeroU32;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::{
    CERTIFICATE_BAG, CONTEXT_0, CONTEXT_0_PLAIN, DATA, ENCRYPTED_DATA, INTEGER, OBJECT,
    OCTET_STRING, SEQUENCE, SHROUDED_KEY_BAG, legacy,
};

const SET: u8 = 0x31;
const NULL: u8 = 0x05;
const BMP_STRING: u8 = 0x1e;
const X509: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";
const FRIENDLY_NAME: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14";
const LOCAL_KEY_ID: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15";
const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
/// By this name Java programs ask for the key of a merchant's file.
const NAME: &str = "Tenpay Certificate";
/// As OpenSSL counts; the password is no secret.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(2048).expect("2048 is not 0");
/// Joins the certificate with its key.
const KEY_ID: &[u8] = &[1];

/// A value whose content is these parts.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(0);
        out.push(0x80 | (bytes.len() - from) as u8);
        out.extend_from_slice(&bytes[from..]);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, parts)
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    value(OCTET_STRING, &[bytes])
}

fn object(name: &[u8]) -> Vec<u8> {
    value(OBJECT, &[name])
}

fn iterations() -> Vec<u8> {
    value(INTEGER, &[&(ITERATIONS.get() as u16).to_be_bytes()])
}

/// The whole file. `salts` are three of eight bytes.
pub(super) fn file(
    certificate: &[u8],
    key: &[u8],
    password: &str,
    salts: &[u8; 24],
) -> Option<Vec<u8>> {
    let (of_certificate, of_key, of_sum) = (&salts[..8], &salts[8..16], &salts[16..]);
    let content = value(CONTEXT_0, &[&octets(certificate)]);
    let bag = sequence(&[&object(X509), &content]);
    let bag = sequence(&[
        &object(CERTIFICATE_BAG),
        &value(CONTEXT_0, &[&bag]),
        &attributes(),
    ]);
    let sealed = legacy::encrypt(&sequence(&[&bag]), password, of_certificate, ITERATIONS)?;
    let sealed = sequence(&[
        &object(DATA),
        &algorithm(of_certificate),
        &value(CONTEXT_0_PLAIN, &[&sealed]),
    ]);
    let sealed = sequence(&[&value(INTEGER, &[&[0]]), &sealed]);
    let certificates = sequence(&[&object(ENCRYPTED_DATA), &value(CONTEXT_0, &[&sealed])]);

    let shrouded = legacy::encrypt(key, password, of_key, ITERATIONS)?;
    let bag = sequence(&[&algorithm(of_key), &octets(&shrouded)]);
    let bag = sequence(&[
        &object(SHROUDED_KEY_BAG),
        &value(CONTEXT_0, &[&bag]),
        &attributes(),
    ]);
    let keys = data(&sequence(&[&bag]));

    let safe = sequence(&[&certificates, &keys]);
    let sum = checksum(&safe, password, of_sum)?;
    let how = sequence(&[&object(SHA1), &[NULL, 0]]);
    let sum = sequence(&[
        &sequence(&[&how, &octets(&sum)]),
        &octets(of_sum),
        &iterations(),
    ]);
    Some(sequence(&[&value(INTEGER, &[&[3]]), &data(&safe), &sum]))
}

fn data(bytes: &[u8]) -> Vec<u8> {
    sequence(&[&object(DATA), &value(CONTEXT_0, &[&octets(bytes)])])
}

fn algorithm(salt: &[u8]) -> Vec<u8> {
    let parameters = sequence(&[&octets(salt), &iterations()]);
    sequence(&[&object(&legacy::TDES3), &parameters])
}

fn attributes() -> Vec<u8> {
    let name: Vec<u8> = NAME.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let name = value(SET, &[&value(BMP_STRING, &[&name])]);
    let id = value(SET, &[&octets(KEY_ID)]);
    value(
        SET,
        &[
            &sequence(&[&object(FRIENDLY_NAME), &name]),
            &sequence(&[&object(LOCAL_KEY_ID), &id]),
        ],
    )
}

fn checksum(safe: &[u8], password: &str, salt: &[u8]) -> Option<Vec<u8>> {
    let key: Zeroizing<Vec<u8>> = legacy::checksum_key(password, salt, ITERATIONS);
    let mut sum = Hmac::<Sha1>::new_from_slice(&key).ok()?;
    sum.update(safe);
    Some(sum.finalize().into_bytes().to_vec())
}
