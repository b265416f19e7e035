//! What a payment notice is: of which generation, about what, and whose, as far as can be told.
//!
//! Before a notice is verified anybody may have written it, so [`Outline`] is for routing only: which merchant's key to try,
//! which reader to call, whether to raise an alarm. After that the readers (`pay_v2::notify`, `pay_v3::notify`) give the
//! [`Kind`] and the [catalog's event](best) of what was proved, and refuse to read one kind as another.
//!
//! ```
//! # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
//! use http::HeaderMap;
//! use xinqiao::notice::{Generation, Kind, Outline};
//!
//! let body = br#"{"id":"EV-1","event_type":"REFUND.SUCCESS","resource":{"original_type":"refund"}}"#;
//! let outline = Outline::of(&HeaderMap::new(), body).unwrap();
//! assert_eq!((outline.generation, outline.kind), (Generation::V3, Kind::Refund));
//! assert!(!outline.is_probe);
//! ```
//!
//! Source: doc pages "支付结果通知", "退款结果通知", "支付成功回调通知", "如何验证签名".

use std::{cmp::Reverse, fmt};

use http::HeaderMap;
use xinqiao_catalog::{Event, EventKind, Product};
use xinqiao_crypto::pay_v3::PROBE;
use xinqiao_wire::{DecodeError, Shape, response, xml::Document};

/// Of which interface a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// XML, signed with the APIv2 key or encrypted with it.
    V2,
    /// JSON, signed in headers; cross-border pay, too.
    V3,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2 => "APIv2",
            Self::V3 => "APIv3",
        })
    }
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A payment, or a deduction under a contract.
    Payment,
    /// A refund.
    Refund,
    /// Profit sharing, or its return.
    ProfitSharing,
    /// WeChat Pay Score (支付分).
    PayScore,
    /// A transfer to a user.
    Transfer,
    /// A complaint of a user.
    Complaint,
    /// A coupon: sent, used.
    Coupon,
    /// A contract of deduction: signed, ended.
    Contract,
    /// Parking: a vehicle came, went, changed.
    Vehicle,
    /// An invoice (发票).
    Invoice,
    /// A membership or a membership card.
    Membership,
    /// A discount card (先享卡).
    DiscountCard,
    /// Points of a mall (商圈): its payments and refunds.
    Mall,
    /// A top-up or a withdrawal of a merchant.
    Funds,
    /// A violation or a risk of a merchant.
    Risk,
    /// The merchant's own test of its keys (`SECURITY_ECHO.SUCCESS`).
    Echo,
    /// A user scanned a product's code: an order is asked for, nothing was paid (Native 模式一).
    ProductScan,
    /// Something else.
    Other,
}

impl Kind {
    /// By the `event_type` of the third generation.
    pub fn of_event_type(event_type: &str) -> Self {
        let family = event_type.split('.').next().unwrap_or_default();
        match family {
            "TRANSACTION" => Self::Payment,
            "REFUND" => Self::Refund,
            "PROFITSHARING" | "PROFITSHARING_RETURN" => Self::ProfitSharing,
            "PAYSCORE" => Self::PayScore,
            "MCHTRANSFER" => Self::Transfer,
            "COMPLAINT" => Self::Complaint,
            "COUPON" | "DELIVERY_PLAN" | "BUDGET" => Self::Coupon,
            "PAPAY" => Self::Contract,
            "VEHICLE" => Self::Vehicle,
            "FAPIAO" => Self::Invoice,
            "DISCOUNT_CARD" => Self::DiscountCard,
            "RECHARGE" | "MCHWITHDRAW" | "SETTLEMENT" | "ABNORMAL_FUND_PROCESSING" => Self::Funds,
            "VIOLATION" | "RISKTRADE" => Self::Risk,
            "SECURITY_ECHO" => Self::Echo,
            _ if family.ends_with("ENTRUST") => Self::Contract,
            _ if family.starts_with("MALL_") => Self::Mall,
            _ if family.contains("MEMBER") => Self::Membership,
            _ => Self::Other,
        }
    }

    /// By the elements of the second generation.
    pub fn of_elements(has: impl Fn(&str) -> bool) -> Self {
        if has("req_info") || has("refund_status") {
            Self::Refund
        } else if has("transaction_id") && has("total_fee") {
            Self::Payment
        } else if has("change_type") && has("contract_id") {
            Self::Contract
        } else if has("vehicle_event_type") {
            Self::Vehicle
        } else if has("product_id") && has("openid") && !has("transaction_id") {
            Self::ProductScan
        } else {
            Self::Other
        }
    }

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::ProfitSharing => "profit sharing",
            Self::PayScore => "pay score",
            Self::Transfer => "transfer",
            Self::Complaint => "complaint",
            Self::Coupon => "coupon",
            Self::Contract => "contract",
            Self::Vehicle => "vehicle",
            Self::Invoice => "invoice",
            Self::Membership => "membership",
            Self::DiscountCard => "discount card",
            Self::Mall => "mall",
            Self::Funds => "funds",
            Self::Risk => "risk",
            Self::Echo => "echo",
            Self::ProductScan => "product scan",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an arriving notice says about itself. **Nothing of it is proved**: use it to choose a reader and a key, never to
/// change an order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// Of which interface it is.
    pub generation: Generation,
    /// What it is about.
    pub kind: Kind,
    /// The platform tests whether signatures are checked: verify and refuse it like any other, raise no alarm.
    pub is_probe: bool,
    /// `event_type`, in the third generation.
    pub event_type: Option<String>,
    /// The notice's id, in the third generation.
    pub id: Option<String>,
    /// `mch_id`, in the second generation; the third encrypts it.
    pub mchid: Option<String>,
    /// Which key is said to have signed it, in the third generation.
    pub serial: Option<String>,
}

impl Outline {
    /// Looks at a notice. None: it is neither JSON with an `event_type` nor XML.
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let signature = header("wechatpay-signature").unwrap_or_default();
        let first = body.trim_ascii_start().first();
        if first == Some(&b'<') {
            let document = Document::parse(body).ok()?;
            let root = document.root();
            let mchid = root.child_text("mch_id").map(Into::into);
            return Some(Self {
                generation: Generation::V2,
                kind: Kind::of_elements(|name| root.child(name).is_some()),
                is_probe: false,
                event_type: None,
                id: None,
                mchid,
                serial: None,
            });
        }
        let envelope = response::value(body).ok()?;
        let text = |name: &str| envelope[name].as_str().map(str::to_owned);
        let event_type = text("event_type")?;
        Some(Self {
            generation: Generation::V3,
            kind: Kind::of_event_type(&event_type),
            is_probe: signature.starts_with(PROBE),
            event_type: Some(event_type),
            id: text("id"),
            mchid: None,
            serial: header("wechatpay-serial").map(str::to_owned),
        })
    }

    /// The catalog's events that it may be.
    pub fn events(&self) -> Vec<&'static Event> {
        match &self.event_type {
            Some(event_type) => events(event_type).collect(),
            None => Vec::new(),
        }
    }
}

/// The catalog's notices with this `event_type`.
pub fn events(event_type: &str) -> impl Iterator<Item = &'static Event> {
    notices(Product::PayV3).filter(move |event| {
        let mut all = event.event_type.split_ascii_whitespace();
        all.any(|known| known == event_type)
    })
}

fn notices(product: Product) -> impl Iterator<Item = &'static Event> {
    let of = move |event: &&Event| event.product == product && event.kind == EventKind::Notify;
    xinqiao_catalog::events().filter(of)
}

/// Which of these events something with such fields is: the one that knows most of the fields, of equals the one of whose
/// own fields the fewest are missing.
pub fn best(
    events: impl IntoIterator<Item = &'static Event>,
    has: impl Fn(&str) -> bool,
) -> Option<&'static Event> {
    let fits = |event: &Event| {
        let fields = event.shape.fields.iter();
        let (there, missing): (Vec<_>, Vec<_>) = fields.partition(|field| has(field.name));
        let missed = missing.iter().filter(|field| field.required).count();
        (there.len(), Reverse((missed, missing.len())))
    };
    let fit = events.into_iter().map(|event| (fits(event), event));
    // The first of equals.
    fit.filter(|((there, _), _)| *there > 0)
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, event)| event)
}

/// The catalog's notice of the second generation with these elements.
pub fn best_v2(kind: Kind, has: impl Fn(&str) -> bool) -> Option<&'static Event> {
    // What tells a deduction from a payment: it was made under a contract.
    let of_kind = notices(Product::PayV2).filter(|event| kind_v2(event) == kind);
    best(of_kind, has)
}

fn kind_v2(event: &Event) -> Kind {
    Kind::of_elements(|name| event.shape.field(name).is_some())
}

/// Whether a record may hold a notice of this kind: a record that is another notice's may not.
///
/// # Errors
/// The record is that of another kind of notice; the error names both.
pub fn may_hold(
    shape: &Shape,
    generation: Generation,
    kind: Kind,
    event_type: &str,
) -> Result<(), DecodeError> {
    let product = match generation {
        Generation::V2 => Product::PayV2,
        Generation::V3 => Product::PayV3,
    };
    let of_that_name = notices(product).filter(|event| event.rust == shape.name);
    let of_that_name: Vec<_> = of_that_name.collect();
    let fits = of_that_name.iter().any(|event| match generation {
        Generation::V2 => kind_v2(event) == kind,
        Generation::V3 => {
            let mut types = event.event_type.split_ascii_whitespace();
            types.any(|known| Kind::of_event_type(known) == kind)
        }
    });
    if of_that_name.is_empty() || fits {
        return Ok(());
    }
    let named = if event_type.is_empty() {
        String::new()
    } else {
        format!(" ({event_type})")
    };
    Err(DecodeError::new(
        format!("this is a {kind} notice{named}, no `{}`", shape.name),
        0,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, generation: Generation, kind: Kind) {
        let outline = Outline::of(&HeaderMap::new(), body.as_bytes()).unwrap();
        assert_eq!((outline.generation, outline.kind), (generation, kind));
    }

    #[test]
    fn a_notice_is_told_apart_before_it_is_verified() {
        use Generation::{V2, V3};
        let v3 = |event_type: &str, kind| {
            check(&format!("{{\"event_type\":\"{event_type}\"}}"), V3, kind);
        };
        v3("TRANSACTION.SUCCESS", Kind::Payment);
        v3("REFUND.ABNORMAL", Kind::Refund);
        v3("MCHTRANSFER.BILL.FINISHED", Kind::Transfer);
        v3("COMPLAINT.CREATE", Kind::Complaint);
        v3("COUPON.USE", Kind::Coupon);
        v3("ECOMMERCE_ENTRUST.SIGN", Kind::Contract);
        v3("BRAND_MEMBER_CARD_SP.USER_CARD.CREATE", Kind::Membership);
        v3("SOMETHING.NEW", Kind::Other);
        let paid = "<xml><transaction_id>1</transaction_id><total_fee>1</total_fee></xml>";
        check(paid, V2, Kind::Payment);
        check(" <xml><req_info>x</req_info></xml>", V2, Kind::Refund);
        let signed = "<xml><change_type>ADD</change_type><contract_id>1</contract_id></xml>";
        check(signed, V2, Kind::Contract);
        let scanned = "<xml><openid>o</openid><product_id>1</product_id></xml>";
        check(scanned, V2, Kind::ProductScan);
        for other in ["", "{}", "x", "<xml", "{\"event_type\":1}"] {
            assert_eq!(Outline::of(&HeaderMap::new(), other.as_bytes()), None);
        }
        let mut headers = HeaderMap::new();
        let probe = format!("{PROBE}abc").parse().unwrap();
        headers.insert("wechatpay-signature", probe);
        let outline = Outline::of(&headers, b"{\"event_type\":\"TRANSACTION.SUCCESS\"}").unwrap();
        assert!(outline.is_probe);
        assert!(outline.events().len() > 2);
    }

    /// Every event type of the catalog has a kind, and every event is found by its own fields.
    #[test]
    fn the_catalogs_notices_are_known() {
        let mut found = 0;
        for event in notices(Product::PayV3) {
            for event_type in event.event_type.split_ascii_whitespace() {
                assert_ne!(Kind::of_event_type(event_type), Kind::Other, "{event_type}");
                let own = best(events(event_type), |name| event.shape.field(name).is_some());
                assert_eq!(own.unwrap().id, event.id);
                found += 1;
            }
        }
        assert!(found > 40, "{found}");
        for event in notices(Product::PayV2) {
            assert_ne!(kind_v2(event), Kind::Other, "{}", event.id);
            let own = best_v2(kind_v2(event), |name| event.shape.field(name).is_some());
            assert_eq!(own.unwrap().id, event.id);
        }
    }
}
