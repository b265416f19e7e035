//! Receives notices: of payments, which are signed, and of refunds, which are encrypted instead.
//!
//! A notice is answered within five seconds and worked on afterwards; it may come twice. Before goods
//! leave, compare merchant, appid and amount with the order.
//!
//! Source: doc pages "支付结果通知", "退款结果通知".

use xinqiao_client::pay_v2::Merchant;
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
    /// The notice as one of the types in `events`.
    ///
    /// # Errors
    /// The notice is not of this type.
    pub fn read<R: Record + Default>(&self) -> Result<R, DecodeError> {
        let mut record = R::default();
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

/// Verifies and reads a payment's notice, over all elements that came.
///
/// # Errors
/// The notice is to be refused.
pub fn payment(merchant: &Merchant, body: &[u8]) -> Result<Notice, NotifyError> {
    let document = Document::parse(body).map_err(NotifyError::Xml)?;
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
    let document = Document::parse(body).map_err(NotifyError::Xml)?;
    let root = document.root();
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

#[cfg(test)]
mod tests {
    use xinqiao_crypto::pay_v2::{SignType, encrypt_req_info, sign};

    use super::*;

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
