//! Merchants: numbers, keys and certificates, and the keys that the platform answers them with.
//!
//! A merchant signs with the private key of its certificate; the platform signs with its certificate's key or, where
//! the merchant is in public-key mode, with another that is known by an id. Private keys are part of the program
//! ([`keys`]): worlds of one seed have the same files every day, and nobody waits for a key to be found.

pub(crate) mod keys;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use xinqiao_crypto::pay_v3::{
    Certificate, Identity, PrivateKey, PublicKey, SCHEME_RSA, answer_message,
};
use xinqiao_types::{ApiV2Key, ApiV3Key};

use super::rules::Switched;
use crate::kernel::{Id, Refused, Table, World};

/// Certificate and key in one file, whose password is the merchant's number.
pub(crate) const PKCS12: &str = "apiclient_cert.p12";

/// Merchants by number.
pub(crate) static MERCHANTS: Table<Id, Merchant> = Table::new("accounts.merchants", 1);

/// One merchant as it is registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Merchant {
    pub(crate) mchid: Id,
    pub(crate) name: String,
    /// For XML with a signature among its elements.
    pub(crate) api_v2_key: String,
    /// 32 bytes: seals resources of notices and certificates.
    pub(crate) api_v3_key: String,
    /// `apiclient_cert.pem`.
    pub(crate) certificate: String,
    /// The certificate's serial number: upper-case hexadecimal digits.
    pub(crate) serial: Id,
    /// Which of the program's keys the certificate is for; none where it was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<u64>,
    pub(crate) key_mode: KeyMode,
    /// What signs answers to calls that name no key, and notices, where that is not as `key_mode` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sign_with: Option<KeyMode>,
    /// The accounts in which it may be paid.
    pub(crate) appids: Vec<Id>,
    #[serde(default, skip_serializing_if = "Kind::is_merchant")]
    pub(crate) kind: Kind,
    /// The service provider that calls for it (特约商户).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<Id>,
    /// What of the disputed behaviour is switched.
    #[serde(default, skip_serializing_if = "Switched::is_empty")]
    pub(crate) rules: Switched,
    pub(crate) created_at: i64,
}

/// For whom a merchant calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// For itself (直连商户), or nobody calls but its provider.
    #[default]
    Merchant,
    /// For its sub-merchants too (服务商).
    ServiceProvider,
}

impl Kind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_merchant(&self) -> bool {
        *self == Self::Merchant
    }
}

/// By which key a merchant knows the platform.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyMode {
    /// A certificate that is downloaded (平台证书).
    #[default]
    Certificate,
    /// A public key with an id (微信支付公钥), as merchants have it since autumn 2024.
    PublicKey,
}

/// A key that the platform signs with, and the name under which it is known.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    name: String,
    key: &'static PrivateKey,
}

impl Merchant {
    /// The id of the public key that this merchant sees.
    pub(crate) fn public_key_id(&self) -> String {
        format!("PUB_KEY_ID_01{}{:022}", self.mchid, 1)
    }

    /// The key that belongs to the certificate's private one.
    pub(crate) fn public_key(&self) -> Option<PublicKey> {
        PublicKey::from_pem(&self.certificate).ok()
    }

    pub(crate) fn api_v2_key(&self) -> ApiV2Key {
        ApiV2Key::new(self.api_v2_key.clone())
    }

    pub(crate) fn api_v3_key(&self) -> ApiV3Key {
        ApiV3Key::new(self.api_v3_key.clone())
    }

    /// Who signs what this merchant gets: the key that it names, if it names one of the platform's.
    pub(crate) fn signer(&self, named: Option<&str>) -> Signer {
        let of = match named {
            Some(name) if name == self.public_key_id() => KeyMode::PublicKey,
            Some(name) if name == keys::platform().serial() => KeyMode::Certificate,
            _ => self.sign_with.unwrap_or(self.key_mode),
        };
        match of {
            KeyMode::Certificate => Signer::certified(),
            KeyMode::PublicKey => Signer {
                name: self.public_key_id(),
                key: keys::public(),
            },
        }
    }

    /// The object of the control interface.
    pub(crate) fn view(&self) -> Value {
        json!({
            "mchid": &*self.mchid,
            "name": self.name,
            "api_v2_key": self.api_v2_key,
            "api_v3_key": self.api_v3_key,
            "private_key": self.key.map(keys::merchant_pem),
            "certificate": self.certificate,
            "serial_no": &*self.serial,
            "platform_certificate": keys::platform().pem(),
            "platform_serial_no": keys::platform().serial(),
            "platform_public_key": keys::public_pem(),
            "platform_public_key_id": self.public_key_id(),
            "key_mode": self.key_mode,
            "sign_with": self.sign_with.unwrap_or(self.key_mode),
            "rules": self.rules,
            "kind": self.kind,
            "provider": self.provider.as_deref(),
            "appids": self.appids.iter().map(|appid| &**appid).collect::<Vec<_>>(),
            "created_at": self.created_at,
        })
    }

    /// The files of the merchant's console, by their names there. Without a key of ours there is none of it.
    pub(crate) fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut files = vec![
            ("apiclient_cert.pem", self.certificate.clone().into_bytes()),
            ("platform_cert.pem", keys::platform().pem().into()),
            ("pub_key.pem", keys::public_pem().into_bytes()),
        ];
        if let Some(key) = self.key {
            let key = keys::merchant_pem(key);
            files.push(("apiclient_key.pem", key.into()));
            let both = Identity::from_pem(&self.certificate, key);
            let both = both.and_then(|both| both.to_pkcs12(&self.mchid, &self.salts()));
            files.extend(both.ok().map(|both| (PKCS12, both)));
        }
        files
    }

    /// What salts its `.p12` file, which is the same every day.
    fn salts(&self) -> [u8; 24] {
        let mut salts = [0; 24];
        salts.copy_from_slice(&Sha256::digest(self.certificate.as_bytes())[..24]);
        salts
    }

    /// Whether this certificate, as DER, is its own.
    pub(crate) fn has(&self, certificate: &[u8]) -> bool {
        Certificate::from_pem(&self.certificate).is_ok_and(|own| own.der() == certificate)
    }
}

impl Signer {
    /// Signs for whoever is not known.
    pub(crate) fn certified() -> Self {
        Self {
            name: keys::platform().serial().to_owned(),
            key: keys::platform().key(),
        }
    }

    /// The headers that prove an answer or a notice.
    pub(crate) fn headers(
        &self,
        timestamp: i64,
        nonce: &str,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let timestamp = timestamp.to_string();
        let signature = self.key.sign(&answer_message(&timestamp, nonce, body));
        vec![
            ("wechatpay-nonce", nonce.to_owned()),
            ("wechatpay-serial", self.name.clone()),
            ("wechatpay-signature", signature),
            ("wechatpay-signature-type", SCHEME_RSA.to_owned()),
            ("wechatpay-timestamp", timestamp),
        ]
    }
}

/// A nonce that belongs to something: 32 hexadecimal digits.
pub(crate) fn nonce(of: &str) -> String {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(of.as_bytes())[..16]);
    xinqiao_crypto::Hex::from(half).to_string()
}

/// The merchant of this number.
pub(crate) fn merchant<'w>(world: &'w World, mchid: &str) -> Result<&'w Merchant, Refused> {
    MERCHANTS
        .get(world, mchid)
        .ok_or_else(|| Refused::unknown("merchant", mchid))
}
