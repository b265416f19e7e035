//! Receives notices (回调通知): verifies first, opens then, and says what to answer.
//!
//! A notice is answered within five seconds and worked on afterwards. It may come twice and out of order:
//! remember its [`Notice::id`]. Before goods leave, compare merchant, appid, amount and state with the
//! order.
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_pay_v3 as pay_v3; }
//! # async fn f(
//! #     client: xinqiao_client::Client, headers: http::HeaderMap, body: &[u8],
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use xinqiao::pay_v3::{events::notify::{Refund, Transaction}, notify::{self, Kind}};
//!
//! let notice = notify::open(&client, &headers, body).await?;
//! match notice.kind() {
//!     Kind::Payment => println!("{}", notice.read::<Transaction>()?.out_trade_no),
//!     Kind::Refund => println!("{}", notice.read::<Refund>()?.out_refund_no),
//!     _ => println!("{:?}", notice.event_id()),
//! }
//! # Ok(()) }
//! ```
//!
//! Source: doc pages "支付成功回调通知", "如何验证签名", "如何解密回调报文".

use http::HeaderMap;
use serde_json::Value;
pub use xinqiao_client::notice::{Kind, Outline};
use xinqiao_client::{
    Client,
    merchant::Merchant,
    notice::{self, Generation},
    pay_v3::signed_headers,
};
use xinqiao_crypto::{
    Genuine,
    pay_v3::{ResourceError, VerifyError},
};
use xinqiao_wire::{DecodeError, Keep, Record, response};

/// The body that tells the platform to stop repeating a notice; send it as `application/json` with 200.
///
/// WECHAT: pages of today ignore the body, older ones repeat the notice without it.
pub const SUCCESS: &str = r#"{"code":"SUCCESS","message":"成功"}"#;

/// The body of a refusal; send it with [`NotifyError::status`].
pub const FAIL: &str = r#"{"code":"FAIL","message":"失败"}"#;

/// Why a notice was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The platform tests whether signatures are checked: answer the refusal, raise no alarm.
    #[error("a probe of the platform, to be refused")]
    Probe,
    /// Not proved to be the platform's.
    #[error("not proved to be the platform's")]
    Unproved(#[source] VerifyError),
    /// The envelope is not what it should be.
    #[error("the notice has no `{0}`")]
    Envelope(&'static str),
    /// The resource does not open.
    #[error("the notice's resource does not open")]
    Resource(#[source] ResourceError),
    /// It is a notice of the second generation: give it to `pay_v2::notify`.
    #[error("this is a {0} notice of APIv2: read it with `pay_v2::notify`")]
    OtherGeneration(Kind),
    /// The client has no merchant of the third generation.
    #[error("the client has no merchant of APIv3 to verify with")]
    NoMerchant,
}

impl NotifyError {
    /// The status to answer with: whose fault it is.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Probe | Self::Unproved(_) | Self::OtherGeneration(_) => 401,
            Self::Envelope(_) => 400,
            Self::Resource(_) | Self::NoMerchant => 500,
        }
    }
}

/// A notice that the platform sent and nobody changed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Notice {
    /// The notice's own id; the same when it is repeated.
    pub id: String,
    /// When it was made (RFC 3339).
    pub create_time: String,
    /// What happened, for instance `TRANSACTION.SUCCESS`.
    pub event_type: String,
    /// What it is about, in a few words.
    pub summary: String,
    /// What the resource was before it was sealed, for instance `transaction`.
    pub original_type: String,
    /// The resource: JSON.
    pub resource: Vec<u8>,
    /// That the signature was verified.
    pub proof: Genuine,
}

impl Notice {
    /// What it is about.
    pub fn kind(&self) -> Kind {
        Kind::of_event_type(&self.event_type)
    }

    /// Which of the catalog's notices it is (`pay_v3.notify.partner_transaction`): several share an `event_type`, what the
    /// resource holds tells them apart. None: the catalog knows none with this `event_type`.
    pub fn event_id(&self) -> Option<&'static str> {
        let resource = self.json();
        let all = notice::events(&self.event_type);
        notice::best(all, |name| resource.get(name).is_some()).map(|event| event.id)
    }

    /// The resource as one of the types in `events`.
    ///
    /// # Errors
    /// The resource is not of this type, or the type is that of another kind of notice.
    pub fn read<R: Record + Default>(&self) -> Result<R, DecodeError> {
        let mut record = R::default();
        let (shape, generation) = (record.shape(), Generation::V3);
        notice::may_hold(shape, generation, self.kind(), &self.event_type)?;
        response::decode_json(&mut record, &self.resource, Keep::Typed)?;
        Ok(record)
    }

    /// What the notice says, of whatever kind: `Notify::Transaction`, `Notify::Refund` and so on, by
    /// [`event_type`](Self::event_type). Fields without a place are kept, and so is a notice without a type.
    #[cfg(feature = "events")]
    #[must_use]
    pub fn event(&self) -> crate::events::Notify {
        crate::events::read(&self.event_type, &self.resource)
    }

    /// The resource as free JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        response::value(&self.resource).unwrap_or_default()
    }
}

/// Verifies and opens a notice. `body` must be the bytes that came.
///
/// An unknown serial leads to one download of the platform's certificates.
///
/// Cancel safety: nothing happens but lost work.
///
/// # Errors
/// The notice is to be refused; the error tells with which status.
pub async fn open(
    client: &Client,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Notice, NotifyError> {
    let Some(Merchant::V3(merchant)) = client.merchant() else {
        return Err(NotifyError::NoMerchant);
    };
    if signed_headers(headers).signature.is_empty()
        && let Some(outline) = Outline::of(headers, body)
        && outline.generation == Generation::V2
    {
        return Err(NotifyError::OtherGeneration(outline.kind));
    }
    let verdict = merchant
        .verify_or_refresh(client, &signed_headers(headers), body)
        .await;
    let proof = verdict.map_err(|error| match error {
        VerifyError::Probe => {
            tracing::debug!("The platform probed whether signatures are checked.");
            NotifyError::Probe
        }
        other => NotifyError::Unproved(other),
    })?;
    let envelope = response::value(body).map_err(|_| NotifyError::Envelope("JSON"))?;
    let text = |value: &Value, name: &'static str| {
        let text = value[name].as_str().map(str::to_owned);
        text.ok_or(NotifyError::Envelope(name))
    };
    let sealed = &envelope["resource"];
    let associated_data = sealed["associated_data"].as_str().unwrap_or_default();
    let resource = merchant
        .open(
            &text(sealed, "algorithm")?,
            &text(sealed, "nonce")?,
            associated_data,
            &text(sealed, "ciphertext")?,
        )
        .map_err(NotifyError::Resource)?;
    Ok(Notice {
        id: text(&envelope, "id")?,
        create_time: text(&envelope, "create_time").unwrap_or_default(),
        event_type: text(&envelope, "event_type")?,
        summary: text(&envelope, "summary").unwrap_or_default(),
        original_type: text(sealed, "original_type").unwrap_or_default(),
        resource,
        proof,
    })
}
