//! Receives notices: of payments, which are signed, and of refunds, which are encrypted instead.
//!
//! A notice is answered within five seconds and worked on afterwards; it may come twice. Before goods
//! leave, compare merchant, appid and amount with the order.
//!
//! ```
//! # mod xinqiao { pub use ::xinqiao_pay_v2 as pay_v2; }
//! use xinqiao::pay_v2::{Merchant, notify::{self, Kind, NotifyError}};
//!
//! let merchant = Merchant::new("1900000109", "xinqiaoTestOnlyApiV2Key000000002");
//! let refund = b"<xml><mch_id>1900000109</mch_id><req_info>AAAA</req_info></xml>";
//! // The reader of payments names what it got, instead of a sign that is missing.
//! let error = notify::payment(&merchant, refund).unwrap_err();
//! assert!(matches!(error, NotifyError::OtherKind { found: Kind::Refund, .. }));
//! ```
//!
//! Source: doc pages "支付结果通知", "退款结果通知".

pub use xinqiao_client::notice::{Kind, Outline};
use xinqiao_client::{
    notice::{self, Generation},
    pay_v2::Merchant,
};
use xinqiao_crypto::{
    Genuine,
    pay_v2::{ReqInfoError, SIGN, decrypt_req_info},
    pay_v3::VerifyError,
};
use xinqiao_wire::{
    DecodeError, Keep, Record, markup,
    xml::{Document, XmlError},
};

/// The answer that tells the platform to stop repeating a notice.
///
/// WECHAT: without line breaks; some were repeated with them.
pub const SUCCESS: &str = "<xml><return_code><![CDATA[SUCCESS]]></return_code>\
                           <return_msg><![CDATA[OK]]></return_msg></xml>";

/// The answer of a refusal.
pub const FAIL: &str = "<xml><return_code><![CDATA[FAIL]]></return_code>\
                        <return_msg><![CDATA[refused]]></return_msg></xml>";

/// Why a notice was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// No XML, or XML of a kind that is never read.
    #[error("the notice is no XML")]
    Xml(#[source] XmlError),
    /// Not proved to be the platform's.
    #[error("not proved to be the platform's")]
    Unproved(#[source] VerifyError),
    /// The refund does not open.
    #[error("the refund's `req_info` does not open")]
    ReqInfo(#[source] ReqInfoError),
    /// It is a notice of another kind than the reader takes.
    #[error("this is a {found} notice: read it with `{reader}`")]
    OtherKind {
        /// What it is.
        found: Kind,
        /// What reads it.
        reader: &'static str,
    },
    /// The notice is about another merchant.
    #[error("the notice is for merchant {0}")]
    OtherMerchant(String),
}

/// A notice that the platform sent and nobody changed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Notice {
    /// The XML: of a payment all of it, of a refund what was encrypted.
    pub xml: Vec<u8>,
    /// That the signature was verified; a refund has none, it opened with the merchant's key.
    pub proof: Option<Genuine>,
}

impl Notice {
    /// What it is about.
    pub fn kind(&self) -> Kind {
        match Document::parse(&self.xml) {
            Ok(document) => Kind::of_elements(|name| document.root().child(name).is_some()),
            Err(_) => Kind::Other,
        }
    }

    /// Which of the catalog's notices it is (`pay_v2.notify.papay_order`). None: none of those that it knows.
    pub fn event_id(&self) -> Option<&'static str> {
        let document = Document::parse(&self.xml).ok()?;
        let root = document.root();
        notice::best_v2(self.kind(), |name| root.child(name).is_some()).map(|event| event.id)
    }

    /// The notice as one of the types in `events`.
    ///
    /// # Errors
    /// The notice is not of this type, or the type is that of another kind of notice.
    pub fn read<R: Record + Default>(&self) -> Result<R, DecodeError> {
        let mut record = R::default();
        notice::may_hold(record.shape(), Generation::V2, self.kind(), "")?;
        markup::decode(&mut record, &self.xml, Keep::Typed)?;
        Ok(record)
    }

    /// What the notice says, of whatever kind: `Notify::PayResult`, `Notify::RefundResult` and so on. Fields without
    /// a place are kept, and so is a notice without a type.
    #[cfg(feature = "events")]
    #[must_use]
    pub fn event(&self) -> crate::events::Notify {
        crate::events::read("", &self.xml)
    }

    /// One element's text.
    pub fn text(&self, name: &str) -> Option<String> {
        let document = Document::parse(&self.xml).ok()?;
        document.root().child_text(name).map(Into::into)
    }
}

/// Verifies or opens a notice of any kind: [`payment`] for what is signed, [`refund`] for what is encrypted.
///
/// # Errors
/// The notice is to be refused.
pub fn open(merchant: &Merchant, body: &[u8]) -> Result<Notice, NotifyError> {
    let document = parsed(body)?;
    if is_sealed(&document) {
        refund(merchant, body)
    } else {
        payment(merchant, body)
    }
}

/// Whether it is one of those that are encrypted instead of signed.
fn is_sealed(document: &Document) -> bool {
    let root = document.root();
    root.child(SIGN).is_none() && root.child("req_info").is_some()
}

/// A notice's document.
fn parsed(body: &[u8]) -> Result<Document<'_>, NotifyError> {
    Document::parse(body).map_err(|error| {
        let outline = Outline::of(&http::HeaderMap::new(), body);
        match outline.filter(|outline| outline.generation == Generation::V3) {
            Some(outline) => NotifyError::OtherKind {
                found: outline.kind,
                reader: "pay_v3::notify::open",
            },
            None => NotifyError::Xml(error),
        }
    })
}

/// Verifies and reads a notice that is signed (a payment's, a deduction's, a contract's), over all elements that came.
///
/// # Errors
/// The notice is to be refused.
pub fn payment(merchant: &Merchant, body: &[u8]) -> Result<Notice, NotifyError> {
    let document = parsed(body)?;
    if is_sealed(&document) {
        return Err(NotifyError::OtherKind {
            found: Kind::Refund,
            reader: "notify::refund",
        });
    }
    let params: Vec<_> = document
        .root()
        .children()
        .map(|child| (child.name(), child.text()))
        .collect();
    let text = |name: &str| {
        params
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| &**text)
    };
    let Some(sign) = text(SIGN) else {
        return Err(NotifyError::Unproved(VerifyError::Missing(SIGN)));
    };
    let pairs: Vec<_> = params
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let proof = merchant
        .verify_notice(&pairs, sign)
        .map_err(NotifyError::Unproved)?;
    own(merchant, text("mch_id"))?;
    Ok(Notice {
        xml: body.to_vec(),
        proof: Some(proof),
    })
}

/// Opens a refund's notice.
///
/// # Errors
/// The notice is to be refused.
pub fn refund(merchant: &Merchant, body: &[u8]) -> Result<Notice, NotifyError> {
    let document = parsed(body)?;
    let root = document.root();
    if !is_sealed(&document) {
        let found = Kind::of_elements(|name| root.child(name).is_some());
        // One that is neither signed nor sealed has no reader.
        if found != Kind::Refund && root.child(SIGN).is_some() {
            return Err(NotifyError::OtherKind {
                found,
                reader: "notify::payment",
            });
        }
    }
    own(merchant, root.child_text("mch_id").as_deref())?;
    let req_info = root.child_text("req_info").unwrap_or_default();
    let xml = decrypt_req_info(&req_info, merchant.key()).map_err(NotifyError::ReqInfo)?;
    Document::parse(&xml).map_err(NotifyError::Xml)?;
    Ok(Notice { xml, proof: None })
}

fn own(merchant: &Merchant, mchid: Option<&str>) -> Result<(), NotifyError> {
    match mchid {
        Some(other) if other != merchant.mchid().as_str() => {
            Err(NotifyError::OtherMerchant(other.to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(all(test, feature = "events"))]
mod tests {
    use xinqiao_crypto::pay_v2::{SignType, encrypt_req_info, sign};

    use super::*;
    use crate::events::notify::{PayResult, RefundResult};

    fn merchant() -> Merchant {
        Merchant::new("1900000109", "xinqiaoTestOnlyApiV2Key000000002")
    }

    fn notice(fee: &str, mchid: &str) -> String {
        let params = [
            ("mch_id", mchid),
            ("total_fee", "100"),
            ("coupon_id_0", "x"),
        ];
        let sign = sign(params, merchant().key(), SignType::Md5);
        format!(
            "<xml><mch_id>{mchid}</mch_id><total_fee>{fee}</total_fee>\
             <coupon_id_0><![CDATA[x]]></coupon_id_0><sign>{sign}</sign></xml>"
        )
    }

    #[test]
    fn a_payment_is_verified_over_all_elements() {
        let taken = payment(&merchant(), notice("100", "1900000109").as_bytes()).unwrap();
        assert_eq!(taken.text("coupon_id_0").as_deref(), Some("x"));
        assert!(taken.proof.is_some());
        let forged = payment(&merchant(), notice("1", "1900000109").as_bytes());
        assert!(matches!(
            forged,
            Err(NotifyError::Unproved(VerifyError::Mismatch))
        ));
        let other = payment(&merchant(), notice("100", "1900000110").as_bytes());
        assert!(matches!(other, Err(NotifyError::OtherMerchant(_))));
        let bare = payment(&merchant(), b"<xml><total_fee>100</total_fee></xml>");
        assert!(matches!(
            bare,
            Err(NotifyError::Unproved(VerifyError::Missing(_)))
        ));
        let doctype = payment(
            &merchant(),
            b"<!DOCTYPE a [<!ENTITY x SYSTEM \"f\">]><xml>&x;</xml>",
        );
        assert!(matches!(doctype, Err(NotifyError::Xml(_))));
    }

    /// The same signed text in two ways of cutting it into elements.
    #[test]
    fn an_element_that_swallowed_another_is_refused() {
        let taken = |fields: &[(&str, &str)]| {
            let sign = sign(fields.iter().copied(), merchant().key(), SignType::Md5);
            let elements = fields
                .iter()
                .map(|(name, value)| ["<", name, "><![CDATA[", value, "]]></", name, ">"].concat())
                .collect::<String>();
            let body = format!("<xml>{elements}<sign>{sign}</sign></xml>");
            payment(&merchant(), body.as_bytes())
        };
        let refused = |fields: &[(&str, &str)]| {
            let unproved = matches!(
                taken(fields),
                Err(NotifyError::Unproved(VerifyError::Ambiguous { .. }))
            );
            assert!(unproved, "{fields:?}");
        };
        let fee = ("total_fee", "100");
        refused(&[("is_subscribe", "N&mch_id=1900000109"), fee]);
        refused(&[("mch_id", "1900000109"), ("time_end", "2&total_fee=100")]);
        refused(&[("attach", "a"), ("b", "c"), ("bank_type", "X"), fee]);
        refused(&[("attach", "1"), ("attach", "2"), fee]);
        // A merchant's own text, which looks like elements, and is none that could stand there.
        for attach in [
            "a=1&b=2",
            "uid=7&total_fee=1",
            "&",
            "a&b",
            "x&appid=1&bank_typ",
        ] {
            let fields = [("attach", attach), ("bank_type", "OTHERS"), fee];
            assert!(taken(&fields).is_ok(), "{attach}");
        }
        assert!(taken(&[("coupon_id_0", "1"), ("coupon_id_1", "2"), fee]).is_ok());
    }

    /// A payment's notice given to the refund's reader, the reverse, and either to the other generation's.
    #[test]
    fn a_notice_of_another_kind_is_named() {
        let paid = {
            let fields = [
                ("transaction_id", "4"),
                ("total_fee", "100"),
                ("trade_type", "APP"),
            ];
            let sign = sign(fields, merchant().key(), SignType::Md5);
            format!(
                "<xml><transaction_id>4</transaction_id><total_fee>100</total_fee>\
                 <trade_type>APP</trade_type><sign>{sign}</sign></xml>"
            )
        };
        let error = refund(&merchant(), paid.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this is a payment notice: read it with `notify::payment`"
        );
        let taken = open(&merchant(), paid.as_bytes()).unwrap();
        assert_eq!(taken.kind(), Kind::Payment);
        assert_eq!(taken.event_id(), Some("pay_v2.notify.pay_result"));
        assert_eq!(taken.read::<PayResult>().unwrap().total_fee.0, 100);
        let error = taken.read::<RefundResult>().unwrap_err();
        assert!(
            error.to_string().contains("this is a payment notice"),
            "{error}"
        );

        let sealed = encrypt_req_info(
            b"<root><refund_status>SUCCESS</refund_status></root>",
            merchant().key(),
        );
        let body = format!("<xml><mch_id>1900000109</mch_id><req_info>{sealed}</req_info></xml>");
        let error = payment(&merchant(), body.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this is a refund notice: read it with `notify::refund`"
        );
        let taken = open(&merchant(), body.as_bytes()).unwrap();
        assert_eq!(taken.kind(), Kind::Refund);
        assert!(taken.read::<RefundResult>().is_ok() && taken.read::<PayResult>().is_err());

        let v3 = br#"{"id":"1","event_type":"REFUND.SUCCESS","resource":{}}"#;
        for reader in [payment, refund, open] {
            let error = reader(&merchant(), v3).unwrap_err();
            assert_eq!(
                error.to_string(),
                "this is a refund notice: read it with `pay_v3::notify::open`"
            );
        }
    }

    #[test]
    fn a_refund_is_opened() {
        let sealed = encrypt_req_info(
            "<root><refund_status>SUCCESS</refund_status></root>".as_bytes(),
            merchant().key(),
        );
        let body = format!("<xml><mch_id>1900000109</mch_id><req_info>{sealed}</req_info></xml>");
        let taken = refund(&merchant(), body.as_bytes()).unwrap();
        assert_eq!(taken.text("refund_status").as_deref(), Some("SUCCESS"));
        let wrong = Merchant::new("1900000109", "another key");
        assert!(refund(&wrong, body.as_bytes()).is_err());
    }
}
