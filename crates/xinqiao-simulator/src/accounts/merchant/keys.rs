//! The private keys of simulated worlds, and the certificates made for them.
//!
//! They are part of the program and so known to everybody: they prove nothing outside a simulator. A key cannot be
//! drawn from a seed in time, and one that is drawn by chance would be another one tomorrow.

use std::sync::LazyLock;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SerialNumber,
    date_time_ymd,
};
use xinqiao_crypto::pay_v3::PrivateKey;

const ROOT: &str = include_str!("keys/root.pem");
const PLATFORM: &str = include_str!("keys/platform.pem");
const PUBLIC: &str = include_str!("keys/public.pem");
const MERCHANTS: [&str; 4] = [
    include_str!("keys/merchant_1.pem"),
    include_str!("keys/merchant_2.pem"),
    include_str!("keys/merchant_3.pem"),
    include_str!("keys/merchant_4.pem"),
];

/// The serial number of the platform's certificate. All serial numbers of simulators begin with `51`, an S.
const PLATFORM_SERIAL: &str = "5100000000000000000000000000000000000001";
/// From the first to the last year of the platform's certificate: no clock that is moved within reason leaves it.
const YEARS: (i32, i32) = (2020, 2060);
/// For how many years a merchant's certificate is good.
const LIFE: i32 = 5;
/// No certificate tells of a later year.
const LAST_YEAR: i32 = 9999;

const PARSED: &str = "the keys of the program are keys";

/// The platform's certificate with its key.
#[derive(Debug)]
pub(crate) struct Platform {
    serial: &'static str,
    key: PrivateKey,
    pem: String,
}

impl Platform {
    pub(crate) fn serial(&self) -> &str {
        self.serial
    }

    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }
}

pub(crate) fn platform() -> &'static Platform {
    static KEY: LazyLock<Platform> = LazyLock::new(|| Platform {
        serial: PLATFORM_SERIAL,
        key: PrivateKey::from_pem(PLATFORM).expect(PARSED),
        pem: certificate("Tenpay.com sign", PLATFORM_SERIAL, PLATFORM, YEARS, (1, 1)),
    });
    &KEY
}

/// The key of public-key mode.
pub(crate) fn public() -> &'static PrivateKey {
    static KEY: LazyLock<PrivateKey> =
        LazyLock::new(|| PrivateKey::from_pem(PUBLIC).expect(PARSED));
    &KEY
}

/// Its file `pub_key.pem`.
pub(crate) fn public_pem() -> String {
    KeyPair::from_pem(PUBLIC).expect(PARSED).public_key_pem()
}

/// `apiclient_key.pem` of the merchant made as this one, from 1. Every fifth merchant has the key of the first again:
/// what tells them apart is the serial number.
pub(crate) fn merchant_pem(number: u64) -> &'static str {
    let at = number.saturating_sub(1) % MERCHANTS.len() as u64;
    MERCHANTS[usize::try_from(at).unwrap_or(0)]
}

/// `apiclient_cert.pem` of a merchant, made on this day.
pub(crate) fn merchant_certificate(
    mchid: &str,
    serial: &str,
    number: u64,
    (year, month, day): (i32, u8, u8),
) -> String {
    // The 29th of February may have no fifth birthday.
    let from_to = (year, (year + LIFE).min(LAST_YEAR));
    let day = (month, day.min(28));
    certificate(mchid, serial, merchant_pem(number), from_to, day)
}

fn certificate(
    name: &str,
    serial: &str,
    key: &str,
    (first, last): (i32, i32),
    (month, day): (u8, u8),
) -> String {
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        let mut whose = DistinguishedName::new();
        whose.push(DnType::CommonName, name);
        whose.push(DnType::OrganizationName, "Xinqiao simulator");
        params.distinguished_name = whose;
        params
    };
    let issuer = Issuer::new(
        params("Xinqiao simulator root"),
        KeyPair::from_pem(ROOT).expect(PARSED),
    );
    let mut own = params(name);
    own.is_ca = IsCa::ExplicitNoCa;
    own.serial_number = Some(SerialNumber::from_slice(&bytes(serial)));
    own.not_before = date_time_ymd(first, month, day);
    own.not_after = date_time_ymd(last, month, day);
    let key = KeyPair::from_pem(key).expect(PARSED);
    own.signed_by(&key, &issuer)
        .expect("a certificate of fixed parts can be signed")
        .pem()
}

fn bytes(hex: &str) -> Vec<u8> {
    { hex.as_bytes().chunks(2) }
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use xinqiao_crypto::pay_v3::{Certificate, Identity, PublicKey};

    use super::*;

    #[test]
    fn a_certificate_is_the_same_every_day_and_belongs_to_its_key() {
        let serial = "51000000ABCDEF00ABCDEF00ABCDEF00ABCDEF00";
        let made = || merchant_certificate("9000000001", serial, 5, (2028, 2, 29));
        assert_eq!(made(), made());
        merchant_certificate("9000000001", serial, 1, (9999, 12, 31));
        let own = Identity::from_pem(&made(), merchant_pem(1)).unwrap();
        assert_eq!(own.certificate().serial(), serial);
        assert!(Identity::from_pem(&made(), merchant_pem(2)).is_err());
    }

    #[test]
    fn the_platforms_files_belong_to_its_keys() {
        let certificate = Certificate::from_pem(platform().pem()).unwrap();
        assert_eq!(certificate.serial(), platform().serial());
        assert_eq!(certificate.key(), platform().key().public_key());
        let public = PublicKey::from_pem(&public_pem()).unwrap();
        assert_eq!(&public, super::public().public_key());
    }
}
