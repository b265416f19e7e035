//! Certificates: the platform's and the merchant's.
//!
//! A certificate is read, not judged: that a platform certificate is the platform's own is proved by the
//! APIv3 key that it was sealed with, not by a chain. Read are its serial, its validity and its key.

use std::{fmt, fmt::Write as _};

use xinqiao_types::UnixSeconds;

#[cfg(feature = "sm")]
use super::SmPublicKey;
use super::{
    der::{CONTEXT_0, GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME, Value},
    key::{KeyError, PublicKey},
    pem,
};

/// A certificate with an RSA key.
#[derive(Clone)]
pub struct Certificate {
    serial: String,
    not_before: UnixSeconds,
    not_after: UnixSeconds,
    key: PublicKey,
    der: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate from a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (_, der) = pem::block(text, &["CERTIFICATE"]).ok_or(KeyError::Pem)?;
        Self::from_der(&der)
    }

    /// Reads a certificate from its DER bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let parts = parts(der).ok_or(KeyError::Certificate)?;
        Ok(Self {
            serial: parts.serial,
            not_before: parts.not_before,
            not_after: parts.not_after,
            key: PublicKey::from_der(parts.key)?,
            der: der.to_vec(),
        })
    }

    /// The serial number as WeChat Pay writes it: upper-case hexadecimal digits, 40 in real ones.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// From when on it is valid.
    pub fn not_before(&self) -> UnixSeconds {
        self.not_before
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> UnixSeconds {
        self.not_after
    }

    /// Its key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Its DER bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("serial", &self.serial)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// A certificate with an SM2 key.
#[cfg(feature = "sm")]
#[derive(Clone)]
pub struct SmCertificate {
    serial: String,
    not_before: UnixSeconds,
    not_after: UnixSeconds,
    key: SmPublicKey,
}

#[cfg(feature = "sm")]
impl SmCertificate {
    /// Reads a certificate from a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (_, der) = pem::block(text, &["CERTIFICATE"]).ok_or(KeyError::Pem)?;
        Self::from_der(&der)
    }

    /// Reads a certificate from its DER bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let parts = parts(der).ok_or(KeyError::Certificate)?;
        Ok(Self {
            serial: parts.serial,
            not_before: parts.not_before,
            not_after: parts.not_after,
            key: SmPublicKey::from_der(parts.key)?,
        })
    }

    /// The serial number as WeChat Pay writes it: upper-case hexadecimal digits.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// From when on it is valid.
    pub fn not_before(&self) -> UnixSeconds {
        self.not_before
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> UnixSeconds {
        self.not_after
    }

    /// Its key.
    pub fn key(&self) -> &SmPublicKey {
        &self.key
    }
}

#[cfg(feature = "sm")]
impl fmt::Debug for SmCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmCertificate")
            .field("serial", &self.serial)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

struct Parts<'a> {
    serial: String,
    not_before: UnixSeconds,
    not_after: UnixSeconds,
    key: &'a [u8],
}

fn parts(der: &[u8]) -> Option<Parts<'_>> {
    let mut certificate = Reader::new(der).inside(SEQUENCE)?;
    let mut body = certificate.inside(SEQUENCE)?;
    let _version = body.tagged(CONTEXT_0);
    let serial = serial(body.content(INTEGER)?);
    let _algorithm = body.content(SEQUENCE)?;
    let _issuer = body.content(SEQUENCE)?;
    let mut validity = body.inside(SEQUENCE)?;
    let not_before = time(validity.any()?)?;
    let not_after = time(validity.any()?)?;
    let _subject = body.content(SEQUENCE)?;
    let key = body.tagged(SEQUENCE)?.whole;
    Some(Parts {
        serial,
        not_before,
        not_after,
        key,
    })
}

fn serial(bytes: &[u8]) -> String {
    // A leading zero byte only says that the number is positive.
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02X}");
    }
    out
}

/// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(value: Value<'_>) -> Option<UnixSeconds> {
    let text = std::str::from_utf8(value.content).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (value.tag, text.len()) {
        (UTC_TIME, 12) => {
            let year: i64 = text[..2].parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                &text[2..],
            )
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let two = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let (month, day) = (two(0)?, two(2)?);
    let (hour, minute, second) = (two(4)?, two(6)?, two(8)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    // Days of the proleptic Gregorian calendar, years counted from March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + of_year - 719_468;
    Some(UnixSeconds(
        days * 86_400 + hour * 3600 + minute * 60 + second,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tag: u8, text: &str, want: Option<i64>) {
        let value = Value {
            tag,
            content: text.as_bytes(),
            whole: &[],
        };
        assert_eq!(time(value).map(|time| time.0), want);
    }

    #[test]
    fn both_forms_of_time_are_read() {
        check(UTC_TIME, "700101000000Z", Some(0));
        check(UTC_TIME, "260201000000Z", Some(1_769_904_000));
        check(GENERALIZED_TIME, "20260201000000Z", Some(1_769_904_000));
        check(GENERALIZED_TIME, "20000229235959Z", Some(951_868_799));
        check(UTC_TIME, "260201000000", None);
        check(UTC_TIME, "261301000000Z", None);
        check(GENERALIZED_TIME, "260201000000Z", None);
    }

    #[test]
    fn a_serial_loses_its_sign_byte_only() {
        assert_eq!(serial(&[0, 0xfa, 0x0b]), "FA0B");
        assert_eq!(serial(&[0x0a, 0x0b]), "0A0B");
        assert_eq!(serial(&[0]), "00");
    }
}
