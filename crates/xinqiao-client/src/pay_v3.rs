//! The merchant's credential of the payment interface's third generation.
//!
//! Requests are signed with the merchant's private key, off the async workers. Answers are verified over
//! the bytes that came, with the key that they name: a platform certificate, downloaded and opened with
//! the APIv3 key, or a public key that the merchant configured. Files are not signed by the platform;
//! everything else that succeeds must be.
//!
//! An answer that is not proved is an [`Error::Signature`]: the call may have had an effect. Only what may
//! be repeated is repeated.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use serde_json::Value;
use tokio::sync::Mutex;
#[cfg(feature = "sm")]
use xinqiao_crypto::pay_v3::{SmPrivateKey, SmResourceKey};
use xinqiao_crypto::{
    Genuine,
    pay_v3::{
        Certificate, Identity, KeyError, KeyRing, PrivateKey, PublicKey, Request, ResourceError,
        ResourceKey, Signed, VerifyError,
    },
};
use xinqiao_types::{ApiV3Key, MchId, UnixSeconds};
use xinqiao_wire::response;

use crate::{
    client::Client, error::Error, execute::Prepared, merchant::secret_header, transport::Outgoing,
};

mod certificates;
mod sensitive;
mod signer;
mod verify;

pub(crate) use self::sensitive::Marks;
use self::signer::Signer;
pub use self::{certificates::REFRESH, verify::signed_headers};

/// The header that names the platform's key.
const SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");

/// A merchant of the third generation. Cheap to clone; clones share the platform's keys.
#[derive(Clone)]
pub struct Merchant(Arc<Inner>);

struct Inner {
    mchid: MchId,
    serial: String,
    signer: Signer,
    /// Where certificates come from.
    download: &'static str,
    resource: Arc<ResourceKey>,
    #[cfg(feature = "sm")]
    sm_resource: Arc<SmResourceKey>,
    platform: RwLock<Platform>,
    /// One download at a time.
    flight: Mutex<()>,
}

/// The platform's keys, and when certificates were last asked for.
#[derive(Debug, Clone, Default)]
struct Platform {
    ring: Arc<KeyRing>,
    asked: Option<UnixSeconds>,
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("pay_v3::Merchant")
            .field("mchid", &self.0.mchid)
            .field("serial", &self.0.serial)
            .finish_non_exhaustive()
    }
}

impl Merchant {
    /// A merchant with the serial of its API certificate, its private key (PEM) and its APIv3 key.
    ///
    /// Platform certificates are downloaded at the first call; a merchant in public-key mode adds
    /// [`Self::with_public_key`].
    ///
    /// # Errors
    /// The private key is no RSA key, or the APIv3 key has not 32 bytes.
    pub fn new(
        mchid: impl Into<MchId>,
        serial: impl Into<String>,
        private_key: &str,
        api_v3_key: impl Into<ApiV3Key>,
    ) -> Result<Self, KeyError> {
        let signer = Signer::Rsa(PrivateKey::from_pem(private_key)?);
        Self::make(mchid.into(), serial.into(), signer, &api_v3_key.into())
    }

    /// A merchant that uses the national algorithms (国密): requests are signed with an SM2 key, answers and
    /// notices are taken with SM2 and with RSA. WeChat Pay opens this by application only.
    ///
    /// # Errors
    /// The private key is no SM2 key in PKCS#8, or the APIv3 key has not 32 bytes.
    #[cfg(feature = "sm")]
    pub fn new_sm(
        mchid: impl Into<MchId>,
        serial: impl Into<String>,
        private_key: &str,
        api_v3_key: impl Into<ApiV3Key>,
    ) -> Result<Self, KeyError> {
        let signer = Signer::Sm(SmPrivateKey::from_pem(private_key)?);
        Self::make(mchid.into(), serial.into(), signer, &api_v3_key.into())
    }

    /// A merchant with its API certificate and private key in one, which know the serial.
    ///
    /// # Errors
    /// The APIv3 key has not 32 bytes.
    pub fn from_identity(
        mchid: impl Into<MchId>,
        identity: &Identity,
        api_v3_key: impl Into<ApiV3Key>,
    ) -> Result<Self, KeyError> {
        let serial = identity.certificate().serial().to_owned();
        Self::make(
            mchid.into(),
            serial,
            Signer::Rsa(identity.key().clone()),
            &api_v3_key.into(),
        )
    }

    fn make(
        mchid: MchId,
        serial: String,
        signer: Signer,
        api_v3_key: &ApiV3Key,
    ) -> Result<Self, KeyError> {
        Ok(Self(Arc::new(Inner {
            mchid,
            serial: serial.trim().to_ascii_uppercase(),
            signer,
            download: certificates::DOWNLOAD,
            resource: Arc::new(ResourceKey::new(api_v3_key)?),
            #[cfg(feature = "sm")]
            sm_resource: Arc::new(SmResourceKey::new(api_v3_key)?),
            platform: RwLock::default(),
            flight: Mutex::new(()),
        })))
    }

    /// For cross-border pay (境外支付): certificates are downloaded from its own host.
    ///
    /// As all settings it leaves clones that were made before as they are.
    #[must_use]
    pub fn for_global(self) -> Self {
        let mut inner = self.apart();
        inner.download = certificates::GLOBAL;
        Self(Arc::new(inner))
    }

    /// Adds a public key of WeChat Pay (微信支付公钥) under its id, `PUB_KEY_ID_…`. Answers are then asked
    /// for under this id; notices may still name a certificate while the platform switches over.
    ///
    /// # Errors
    /// The text is no RSA key in PEM.
    pub fn with_public_key(self, id: impl Into<String>, pem: &str) -> Result<Self, KeyError> {
        let key = PublicKey::from_pem(pem)?;
        Ok(self.changed(|ring| ring.add_public_key(id, key)))
    }

    /// Adds a platform certificate (平台证书) that is at hand, beside those that are downloaded.
    ///
    /// # Errors
    /// The text is no certificate in PEM.
    pub fn with_certificate(self, pem: &str) -> Result<Self, KeyError> {
        let certificate = Certificate::from_pem(pem)?;
        Ok(self.changed(|ring| ring.add_certificate(&certificate)))
    }

    /// Adds a platform certificate with an SM2 key (国密) that is at hand.
    ///
    /// # Errors
    /// The text is no certificate with an SM2 key in PEM.
    #[cfg(feature = "sm")]
    pub fn with_sm_certificate(self, pem: &str) -> Result<Self, KeyError> {
        let certificate = xinqiao_crypto::pay_v3::SmCertificate::from_pem(pem)?;
        Ok(self.changed(|ring| ring.add_sm_certificate(&certificate)))
    }

    /// Whether requests are signed with SM2 (国密).
    pub fn is_sm(&self) -> bool {
        self.0.signer.is_sm()
    }

    /// The merchant's number.
    pub fn mchid(&self) -> &MchId {
        &self.0.mchid
    }

    /// The serial of the merchant's API certificate.
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// The platform's keys as they are now.
    pub fn platform_keys(&self) -> Arc<KeyRing> {
        let platform = self.0.platform.read();
        Arc::clone(&platform.unwrap_or_else(PoisonError::into_inner).ring)
    }

    /// Signs a message with the merchant's private key. It takes about a millisecond of a core: inside
    /// async code prefer what signs on its own thread.
    pub fn sign_message(&self, message: &[u8]) -> String {
        self.0.signer.sign(message)
    }

    /// Signs a message on a thread for blocking work.
    ///
    /// Cancel safety: nothing happens but lost work.
    ///
    /// # Panics
    /// Outside a `tokio` runtime.
    pub async fn sign_off_thread(&self, message: Vec<u8>) -> String {
        let signer = self.0.signer.clone();
        let done = tokio::task::spawn_blocking(move || signer.sign(&message)).await;
        done.expect("signing does not panic")
    }

    /// Proves that the platform signed these bytes for this merchant, about now.
    ///
    /// # Errors
    /// It did not, or the key that it names is not known here.
    pub fn verify(
        &self,
        signed: &Signed<'_>,
        body: &[u8],
        now: UnixSeconds,
    ) -> Result<Genuine, VerifyError> {
        self.platform_keys().verify(signed, body, now)
    }

    /// Opens a resource that was sealed with the APIv3 key.
    ///
    /// # Errors
    /// It was sealed with another key, or changed on the way.
    pub fn open(
        &self,
        algorithm: &str,
        nonce: &str,
        associated_data: &str,
        ciphertext: &str,
    ) -> Result<Vec<u8>, ResourceError> {
        #[cfg(feature = "sm")]
        if algorithm == SmResourceKey::ALGORITHM {
            let key = &self.0.sm_resource;
            return key.open(algorithm, nonce, associated_data, ciphertext);
        }
        self.0
            .resource
            .open(algorithm, nonce, associated_data, ciphertext)
    }

    /// The same credential with a state of its own.
    fn apart(&self) -> Inner {
        let inner = &self.0;
        let platform = inner.platform.read();
        let platform = platform.unwrap_or_else(PoisonError::into_inner).clone();
        Inner {
            mchid: inner.mchid.clone(),
            serial: inner.serial.clone(),
            signer: inner.signer.clone(),
            download: inner.download,
            resource: Arc::clone(&inner.resource),
            #[cfg(feature = "sm")]
            sm_resource: Arc::clone(&inner.sm_resource),
            platform: RwLock::new(platform),
            flight: Mutex::new(()),
        }
    }

    /// The same credential with other keys of the platform.
    fn changed(self, change: impl FnOnce(&mut KeyRing)) -> Self {
        let merchant = Self(Arc::new(self.apart()));
        merchant.change(change);
        merchant
    }

    fn change(&self, change: impl FnOnce(&mut KeyRing)) {
        let platform = self.0.platform.write();
        let mut platform = platform.unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut platform.ring));
    }

    pub(crate) async fn sign(
        &self,
        client: &Client,
        request: &Prepared,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        if !certificates::is_download(request) {
            self.have_keys(client, endpoint).await?;
        }
        let timestamp = client.inner.settings.clock.unix().0;
        let nonce = client.nonce();
        let whole;
        let body = match &request.signed {
            Some(part) => &part[..],
            None => {
                whole = outgoing.body.concat();
                &whole
            }
        };
        let signing = Request {
            method: request.method,
            target: target(&outgoing.url),
            timestamp,
            nonce: &nonce,
            body,
        };
        let signature = self.sign_off_thread(signing.message()).await;
        let mchid = self.0.mchid.as_str();
        let text = signing.authorization(self.0.signer.scheme(), mchid, &self.0.serial, &signature);
        let refuse = |reason: &str| Error::Credential {
            endpoint,
            reason: reason.into(),
        };
        let value = secret_header(&text)
            .ok_or_else(|| refuse("the merchant's number or serial is none"))?;
        outgoing.headers.insert(header::AUTHORIZATION, value);
        if !is_file(request) && request.signed.is_none() {
            let json = HeaderValue::from_static("application/json");
            outgoing.headers.insert(header::ACCEPT, json);
        }
        // WECHAT: the answer is signed with the public key only if the request names it.
        let ring = self.platform_keys();
        if !outgoing.headers.contains_key(SERIAL)
            && let Some(id) = ring.public_key_id()
        {
            let id =
                HeaderValue::from_str(id).map_err(|_| refuse("the public key's id is none"))?;
            outgoing.headers.insert(SERIAL, id);
        }
        Ok(())
    }
}

/// Path and query of a URL, as they are sent.
pub(crate) fn target(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// Whether the answer is a file, which the platform does not sign.
pub(crate) fn is_file(request: &Prepared) -> bool {
    response::is_file(request.envelope.answer)
}

pub(crate) fn json(endpoint: &'static str, body: &[u8]) -> Result<Value, Error> {
    response::value(body).map_err(|error| Error::Decode {
        endpoint,
        path: "".into(),
        source: error.into(),
    })
}

pub(crate) fn bytes(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_what_follows_the_host() {
        assert_eq!(target("https://h/v3/a%7Cb?x=1"), "/v3/a%7Cb?x=1");
        assert_eq!(target("http://127.0.0.1:1/v3/a/"), "/v3/a/");
        assert_eq!(target("http://h"), "/");
    }
}
