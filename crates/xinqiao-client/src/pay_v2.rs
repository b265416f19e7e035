//! The merchant's credential of the payment interface's second generation.
//!
//! A request's empty `mch_id`, `nonce_str` and `sign` are filled in here, so a typed request may give `""`
//! for them. An answer that carries a `sign` is verified over all its elements; one that ought to carry a
//! `sign` and does not is refused.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
};

use xinqiao_catalog::Product;
use xinqiao_crypto::{
    pay_v2::{self, SIGN, SignType},
    pay_v3::{Identity, VerifyError},
};
use xinqiao_types::{ApiV2Key, MchId};
use xinqiao_wire::xml::{Document, Writer};

use crate::{
    client::Client,
    error::{AnswerCode, ApiError, Error},
    execute::Prepared,
    transport::{Incoming, Outgoing},
};

/// A merchant of the second generation. Cheap to clone.
#[derive(Clone)]
pub struct Merchant(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    mchid: MchId,
    key: ApiV2Key,
    sign_type: SignType,
    identity: Option<Identity>,
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("pay_v2::Merchant")
            .field("mchid", &self.0.mchid)
            .finish_non_exhaustive()
    }
}

impl Merchant {
    /// A merchant with its APIv2 key.
    pub fn new(mchid: impl Into<MchId>, key: impl Into<ApiV2Key>) -> Self {
        Self(Arc::new(Inner {
            mchid: mchid.into(),
            key: key.into(),
            sign_type: SignType::Md5,
            identity: None,
        }))
    }

    /// How requests are signed that do not say it themselves; MD5 unless set.
    ///
    /// Payouts and red packets take MD5 only; profit sharing and deposits HMAC-SHA256 only, and their
    /// requests have a `sign_type` to set.
    #[must_use]
    pub fn with_sign_type(mut self, how: SignType) -> Self {
        Arc::make_mut(&mut self.0).sign_type = how;
        self
    }

    /// The client certificate, which refunds, payouts and red packets must show.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        Arc::make_mut(&mut self.0).identity = Some(identity);
        self
    }

    /// The merchant's number.
    pub fn mchid(&self) -> &MchId {
        &self.0.mchid
    }

    /// The key that notices and invoke parameters are signed with.
    pub fn key(&self) -> &ApiV2Key {
        &self.0.key
    }

    /// How requests are signed that do not say it themselves.
    pub fn sign_type(&self) -> SignType {
        self.0.sign_type
    }

    /// Whether there is a client certificate.
    pub fn has_identity(&self) -> bool {
        self.0.identity.is_some()
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    pub(crate) fn suits(&self, request: &Prepared) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        let needed = xinqiao_catalog::endpoint(endpoint).is_some_and(|known| known.client_cert);
        // WECHAT: without it the front door answers HTML, not XML.
        if needed && self.0.identity.is_none() {
            return Err(Error::Credential {
                endpoint,
                reason: "this call must show the client certificate: give it with `with_identity`"
                    .into(),
            });
        }
        Ok(())
    }

    pub(crate) fn sign(
        &self,
        client: &Client,
        request: &Prepared,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        let body = outgoing.body.concat();
        let document = Document::parse(&body).map_err(|error| Error::Credential {
            endpoint: request.envelope.endpoint,
            reason: format!("the body cannot be signed: {error}").into(),
        })?;
        let mut params: Vec<(&str, Cow<'_, str>)> = document
            .root()
            .children()
            .map(|child| (child.name(), child.text()))
            .filter(|(name, value)| *name != SIGN && !value.is_empty())
            .collect();
        let has = |params: &[(&str, Cow<'_, str>)], name: &str| {
            params.iter().any(|(known, _)| *known == name)
        };
        let asked_for = |name: &str| document.root().child(name).is_some();
        for name in ["mch_id", "mchid"] {
            if asked_for(name) && !has(&params, name) {
                params.push((name, self.0.mchid.as_str().into()));
            }
        }
        if !has(&params, "nonce_str") {
            params.push(("nonce_str", client.nonce().into()));
        }
        let given = params.iter().find(|(name, _)| *name == "sign_type");
        let how = match given {
            Some((_, value)) => SignType::parse(value).unwrap_or(self.0.sign_type),
            None => {
                if self.0.sign_type != SignType::Md5 {
                    params.push(("sign_type", self.0.sign_type.as_str().into()));
                }
                self.0.sign_type
            }
        };
        let sign = pay_v2::sign(pairs(&params), &self.0.key, how);
        let mut writer = Writer::with_capacity(body.len() + 256);
        writer.open("xml");
        for (name, value) in &params {
            writer.cdata(name, value);
        }
        writer.cdata(SIGN, &sign).close("xml");
        outgoing.body = writer.finish().into();
        Ok(())
    }

    pub(crate) fn check(&self, request: &Prepared, incoming: &Incoming) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        // Bills are text unless they fail.
        let Ok(document) = Document::parse(&incoming.body) else {
            return Ok(());
        };
        let root = document.root();
        if !root.is("xml") {
            return Ok(());
        }
        let text = |name: &str| root.child_text(name).unwrap_or_default();
        let failure = |code: &str, message: &str| {
            let code = AnswerCode::Word(code.into());
            let error = ApiError::new(endpoint, code, message, incoming.status);
            Err(Error::Api(Box::new(error)))
        };
        // WECHAT: a failure to communicate is not signed.
        let return_code = text("return_code");
        if !return_code.is_empty() && return_code != "SUCCESS" {
            let code = [text("error_code"), text("err_code"), return_code];
            let code = code.iter().find(|code| !code.is_empty());
            return failure(code.map_or("FAIL", |code| code), &text("return_msg"));
        }
        let sign = text(SIGN);
        let expected = xinqiao_catalog::endpoint(endpoint)
            .is_some_and(|known| known.response.field(SIGN).is_some());
        if !sign.is_empty() {
            let params: Vec<_> = root
                .children()
                .map(|child| (child.name(), child.text()))
                .collect();
            self.verify(pairs(&params), &sign)
                .map(drop)
                .map_err(|source| Error::Signature { endpoint, source })?;
        } else if expected && text("result_code") == "SUCCESS" {
            let source = VerifyError::Missing(SIGN);
            return Err(Error::Signature { endpoint, source });
        }
        if text("result_code") == "FAIL" {
            return failure(&text("err_code"), &text("err_code_des"));
        }
        Ok(())
    }

    /// Proves that parameters were signed with this merchant's key, in the way that they name themselves.
    ///
    /// WECHAT: an answer does not always name its way; its length then tells it.
    pub fn verify<'a>(
        &self,
        params: impl IntoIterator<Item = (&'a str, &'a str)>,
        sign: &str,
    ) -> Result<xinqiao_crypto::Genuine, VerifyError> {
        let how = match sign.len() {
            64 => SignType::HmacSha256,
            _ => SignType::Md5,
        };
        pay_v2::verify(params, &self.0.key, how, sign).map_err(|_| VerifyError::Mismatch)
    }

    /// As [`Self::verify`], for what strangers can send: refuses what the signature would prove in two readings.
    ///
    /// # Errors
    /// The signature is wrong, or an element holds another one, or one came twice.
    pub fn verify_notice(
        &self,
        params: &[(&str, &str)],
        sign: &str,
    ) -> Result<xinqiao_crypto::Genuine, VerifyError> {
        let proof = self.verify(params.iter().copied(), sign)?;
        one_reading(params)?;
        Ok(proof)
    }
}

/// Names of the second generation's elements, those of answers and notices together.
fn known(name: &str) -> bool {
    static NAMES: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let answers = xinqiao_catalog::endpoints(Product::PayV2).iter();
        let notices = xinqiao_catalog::events().filter(|event| event.product == Product::PayV2);
        let shapes = answers.map(|endpoint| &endpoint.response);
        let shapes = shapes.chain(notices.map(|event| &event.shape));
        shapes
            .flat_map(|shape| shape.fields.iter().map(|field| field.name))
            .collect()
    });
    // Numbered ones, such as `coupon_id_0`, are in the catalog with `$n`.
    names.contains(name) || ENVELOPE.contains(&name) || name.starts_with("coupon_")
}

/// What stands around every answer and notice, and is left out of the catalog's shapes.
const ENVELOPE: [&str; 11] = [
    "appid",
    "err_code",
    "err_code_des",
    "mch_id",
    "nonce_str",
    "result_code",
    "return_code",
    "return_msg",
    "sign_type",
    "sub_appid",
    "sub_mch_id",
];

/// Texts of the merchant, which may hold anything.
const FREE: [&str; 2] = ["attach", "device_info"];

/// What is signed can be read in one way only.
///
/// WECHAT: the signed text joins names and values with `=` and `&` and escapes neither. Who changes a notice on its way
/// may let an element swallow the next one (`<fee_type>CNY&mch_id=1</fee_type>`) or end a merchant's text early and make
/// an element of its rest: the signature holds for both.
fn one_reading(params: &[(&str, &str)]) -> Result<(), VerifyError> {
    let mut sorted: Vec<_> = params
        .iter()
        .filter(|(name, value)| *name != SIGN && !value.is_empty())
        .collect();
    sorted.sort_unstable();
    let ambiguous = |element: &str| {
        Err(VerifyError::Ambiguous {
            element: element.to_owned(),
        })
    };
    for (at, (name, value)) in sorted.iter().enumerate() {
        let next = sorted.get(at + 1).map(|(next, _)| *next);
        if next == Some(name) {
            return ambiguous(name);
        }
        for rest in value.split('&').skip(1) {
            let Some((inner, _)) = rest.split_once('=') else {
                continue;
            };
            if known(inner) && *name <= inner && next.is_none_or(|next| inner <= next) {
                return ambiguous(inner);
            }
        }
        if let Some(next) = next
            && FREE.contains(name)
            && !known(next)
        {
            return ambiguous(next);
        }
    }
    Ok(())
}

fn pairs<'p>(params: &'p [(&'p str, Cow<'p, str>)]) -> impl Iterator<Item = (&'p str, &'p str)> {
    params.iter().map(|(name, value)| (*name, &**value))
}
