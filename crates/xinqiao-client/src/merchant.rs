//! A merchant's credential, of either generation of the payment interface.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use xinqiao_catalog::Product;
use xinqiao_crypto::pay_v3::Identity;
use xinqiao_types::MchId;

use crate::{
    answer::Answer,
    client::Client,
    error::Error,
    execute::Prepared,
    pay_business, pay_v2, pay_v3,
    pay_v3::Marks,
    transport::{Incoming, Outgoing},
};

/// What payment calls are signed with.
#[derive(Debug, Clone)]
pub enum Merchant {
    /// Second generation: XML, signed with a shared key.
    V2(pay_v2::Merchant),
    /// Third generation: JSON, signed with a private key. Cross-border pay is signed so too.
    V3(pay_v3::Merchant),
    /// A platform of business pay (微企付).
    Business(pay_business::Platform),
}

impl From<pay_business::Platform> for Merchant {
    fn from(platform: pay_business::Platform) -> Self {
        Self::Business(platform)
    }
}

impl From<pay_v2::Merchant> for Merchant {
    fn from(merchant: pay_v2::Merchant) -> Self {
        Self::V2(merchant)
    }
}

impl From<pay_v3::Merchant> for Merchant {
    fn from(merchant: pay_v3::Merchant) -> Self {
        Self::V3(merchant)
    }
}

impl Merchant {
    /// The merchant's number.
    pub fn mchid(&self) -> &MchId {
        match self {
            Self::V2(merchant) => merchant.mchid(),
            Self::V3(merchant) => merchant.mchid(),
            Self::Business(platform) => platform.id(),
        }
    }

    /// The client certificate to show, if there is one.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match self {
            Self::V2(merchant) => merchant.identity(),
            Self::V3(_) | Self::Business(_) => None,
        }
    }

    /// Refuses calls of another product than the credential's.
    pub(crate) fn suits(&self, request: &Prepared) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        let product = Product::of_id(endpoint);
        let needed = match product {
            Some(Product::PayBusiness) => match self {
                Self::Business(_) => return Ok(()),
                _ => {
                    "this call needs a platform of business pay: make a client with \
                     `pay_business::Platform`"
                }
            },
            Some(Product::PayV2) => match self {
                Self::V2(merchant) => return merchant.suits(request),
                _ => "this call needs the APIv2 key: make a client with `pay_v2::Merchant`",
            },
            _ => match self {
                Self::V3(_) => return Ok(()),
                _ => "this call needs the private key: make a client with `pay_v3::Merchant`",
            },
        };
        Err(Error::Credential {
            endpoint,
            reason: needed.into(),
        })
    }

    /// Encrypts what must travel encrypted.
    pub(crate) async fn seal(
        &self,
        client: &Client,
        marks: Marks<'_>,
        request: &mut Prepared,
    ) -> Result<(), Error> {
        match self {
            Self::V2(_) => Ok(()),
            Self::V3(merchant) => merchant.seal(client, marks, request).await,
            Self::Business(platform) => platform.seal(client, marks, request),
        }
    }

    /// Signs one attempt.
    pub(crate) async fn sign(
        &self,
        client: &Client,
        request: &Prepared,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        match self {
            Self::V2(merchant) => merchant.sign(client, request, outgoing),
            Self::V3(merchant) => merchant.sign(client, request, outgoing).await,
            Self::Business(platform) => platform.sign(client, request, outgoing).await,
        }
    }

    /// Proves that an answer is the platform's, and finds the failure that only this generation words.
    pub(crate) async fn check(
        &self,
        client: &Client,
        request: &Prepared,
        incoming: &mut Incoming,
    ) -> Result<(), Error> {
        match self {
            Self::V2(merchant) => merchant.check(request, incoming),
            Self::V3(merchant) => merchant.check(client, request, incoming).await,
            Self::Business(platform) => platform.check(request, incoming),
        }
    }

    /// What proves a file whose bytes are still arriving.
    pub(crate) async fn check_head(
        &self,
        client: &Client,
        request: &Prepared,
        headers: &HeaderMap,
    ) -> Result<HeadProof, Error> {
        match self {
            // WECHAT: files of the second generation are not signed.
            Self::V2(_) => Ok(HeadProof::None),
            Self::V3(merchant) => merchant.check_head(client, request, headers).await,
            Self::Business(platform) => platform.check_head(request, headers),
        }
    }

    /// Decrypts the fields of an answer that came encrypted: a new body, if there were any.
    pub(crate) async fn unseal(
        &self,
        endpoint: &'static str,
        marks: Marks<'_>,
        answer: &Answer,
    ) -> Result<Option<Bytes>, Error> {
        match self {
            Self::V2(_) => Ok(None),
            Self::V3(merchant) => merchant.unseal(endpoint, marks, &answer.body).await,
            Self::Business(platform) => platform.unseal(endpoint, marks, answer).await,
        }
    }
}

/// What the head of an answer says about the proof of its body.
pub(crate) enum HeadProof {
    /// There is none: the hash of the file was signed with an earlier answer, if at all.
    None,
    /// The body must have this SHA-1, in hexadecimal digits; that was signed.
    Sha1(String),
    /// The whole body was signed.
    Whole,
}

/// A header value that `Debug` does not show.
pub(crate) fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Client {
    /// 32 digits and letters that were never used before (`nonce_str`).
    pub fn nonce(&self) -> String {
        let entropy = &self.inner.settings.entropy;
        format!("{:016X}{:016X}", entropy.next_u64(), entropy.next_u64())
    }
}
