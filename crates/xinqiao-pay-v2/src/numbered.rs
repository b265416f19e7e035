//! Numbered fields (`coupon_id_0`, `coupon_id_1`, … `coupon_refund_id_0_0`) put together: one value a number.
//!
//! In a record each such field is a list of its own, whose place `n` is number `n`: empty where the platform sent no
//! such field for that number. The count beside them (`coupon_count`) may be missing or say something else; what came is
//! what counts here.
//!
//! ```
//! # mod xinqiao { pub use ::xinqiao_pay_v2 as pay_v2; }
//! use xinqiao::pay_v2::{numbered::Coupons, events::notify::PayResult};
//! use xinqiao_wire::{Keep, markup};
//!
//! let xml = "<xml><coupon_count>2</coupon_count><coupon_id_1>C1</coupon_id_1>\
//!            <coupon_type_1>NO_CASH</coupon_type_1><coupon_fee_1>30</coupon_fee_1></xml>";
//! let mut notice = PayResult::default();
//! markup::decode(&mut notice, xml.as_bytes(), Keep::Typed)?;
//! let coupons = notice.coupons();
//! assert_eq!((coupons.len(), coupons[0].number, coupons[0].id), (1, 1, Some("C1")));
//! assert_eq!(coupons[0].fee.unwrap().0, 30);
//! # Ok::<_, xinqiao_wire::DecodeError>(())
//! ```
//!
//! Source: doc pages "支付结果通知", "查询订单", "申请退款", "查询退款".

use xinqiao_types::Fen;

/// A coupon of a payment or a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coupon<'a> {
    /// Its number.
    pub number: usize,
    /// The coupon: of a refund the refund's number of it (`coupon_refund_id_$n`).
    pub id: Option<&'a str>,
    /// `CASH`: paid for by somebody, counted as money; `NO_CASH`: not.
    pub kind: Option<&'a str>,
    /// What it paid, or gets back.
    pub fee: Option<Fen>,
}

/// A refund of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefundLine<'a> {
    /// Its number in this answer.
    pub number: usize,
    /// The merchant's number of the refund.
    pub out_refund_no: Option<&'a str>,
    /// The platform's number of the refund.
    pub refund_id: Option<&'a str>,
    /// Where the money goes, for instance `ORIGINAL`.
    pub channel: Option<&'a str>,
    /// `SUCCESS`, `REFUNDCLOSE`, `PROCESSING` or `CHANGE`.
    pub status: Option<&'a str>,
    /// Which money paid the refund.
    pub account: Option<&'a str>,
    /// To whose card or purse it went, in words.
    pub received_by: Option<&'a str>,
    /// When it succeeded: `2026-02-01 09:00:00`, in Beijing.
    pub success_time: Option<&'a str>,
    /// What was to be refunded.
    pub fee: Option<Fen>,
    /// What of it was settled.
    pub settlement_fee: Option<Fen>,
    /// What of it coupons got back.
    pub coupon_fee: Option<Fen>,
    /// The coupons.
    pub coupons: Vec<Coupon<'a>>,
}

/// A sub-order that was declared to the customs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Declaration<'a> {
    /// Its number in this answer.
    pub number: usize,
    /// `SUBMITTED`, `PROCESSING`, `SUCCESS`, `FAIL`, …
    pub state: Option<&'a str>,
    /// The merchant's number of the sub-order.
    pub sub_order_no: Option<&'a str>,
    /// The platform's number of the sub-order.
    pub sub_order_id: Option<&'a str>,
    /// The customs office.
    pub customs: Option<&'a str>,
    /// The merchant's number there.
    pub mch_customs_no: Option<&'a str>,
    /// Currency.
    pub fee_type: Option<&'a str>,
    /// Duty.
    pub duty: Option<Fen>,
    /// What the sub-order costs: goods and transport.
    pub order_fee: Option<Fen>,
    /// Transport.
    pub transport_fee: Option<Fen>,
    /// Goods.
    pub product_fee: Option<Fen>,
    /// When the state changed.
    pub modify_time: Option<&'a str>,
    /// Whether payer and buyer are the same person: `UNCHECKED`, `SAME`, `DIFFERENT`.
    pub cert_check_result: Option<&'a str>,
    /// Why it failed.
    pub explanation: Option<&'a str>,
}

/// What has coupons.
pub trait Coupons {
    /// The coupons that came, by their numbers; a number of which nothing came is left out.
    fn coupons(&self) -> Vec<Coupon<'_>>;
}

/// What has several refunds of an order.
pub trait Refunds {
    /// The refunds that came, by their numbers; a number of which nothing came is left out.
    fn refunds(&self) -> Vec<RefundLine<'_>>;
}

/// What has several declarations to the customs.
pub trait Declarations {
    /// The declarations that came, by their numbers; a number of which nothing came is left out.
    fn declarations(&self) -> Vec<Declaration<'_>>;
}

/// A field's places by number: in a notice a list, in an answer nothing if none of it came.
trait Places<T> {
    fn places(&self) -> &[T];
}

impl<T> Places<T> for Vec<T> {
    fn places(&self) -> &[T] {
        self
    }
}

impl<T> Places<T> for Option<Vec<T>> {
    fn places(&self) -> &[T] {
        self.as_deref().unwrap_or_default()
    }
}

fn len<T>(list: &impl Places<T>) -> usize {
    list.places().len()
}

fn at<T>(list: &impl Places<Option<T>>, number: usize) -> Option<&T> {
    list.places().get(number)?.as_ref()
}

#[cfg(any(feature = "deposit", feature = "pay"))]
/// The places of an inner list, none if there is no such list.
fn inner<T>(list: &impl Places<Vec<Option<T>>>, number: usize) -> &[Option<T>] {
    let places = list.places().get(number);
    places.map_or(&[], Vec::as_slice)
}

/// Money in either of the types that the catalog gives it.
trait Money: Copy {
    fn fen(self) -> Fen;
}

impl Money for Fen {
    fn fen(self) -> Fen {
        self
    }
}

impl Money for i64 {
    fn fen(self) -> Fen {
        Fen(self)
    }
}

fn fen<T: Money>(list: &impl Places<Option<T>>, number: usize) -> Option<Fen> {
    at(list, number).map(|fee| fee.fen())
}

macro_rules! text {
    ($list:expr, $number:expr) => {
        at(&$list, $number).map(|text| text.as_str())
    };
}

macro_rules! coupons {
    ($($(#[$cfg:meta])* $record:path: $id:ident $($kind:ident)? , $fee:ident;)*) => { $(
        $(#[$cfg])*
        impl Coupons for $record {
            fn coupons(&self) -> Vec<Coupon<'_>> {
                let count = [len(&self.$id), $(len(&self.$kind),)? len(&self.$fee)];
                let all = (0..count.into_iter().max().unwrap_or_default()).map(|number| Coupon {
                    number,
                    id: text!(self.$id, number),
                    kind: coupons!(@kind self number $($kind)?),
                    fee: fen(&self.$fee, number),
                });
                all.filter(Coupon::is_there).collect()
            }
        }
    )* };
    (@kind $self:ident $number:ident) => { None };
    (@kind $self:ident $number:ident $kind:ident) => { text!($self.$kind, $number) };
}

#[cfg(any(
    feature = "deposit",
    feature = "events",
    feature = "pay",
    feature = "sec-api",
    feature = "transit"
))]
impl Coupon<'_> {
    fn is_there(&self) -> bool {
        self.id.is_some() || self.kind.is_some() || self.fee.is_some()
    }
}

coupons! {
    #[cfg(feature = "events")]
    crate::events::notify::PayResult: coupon_id_n coupon_type_n, coupon_fee_n;
    #[cfg(feature = "events")]
    crate::events::notify::PapayOrder: coupon_id_n coupon_type_n, coupon_fee_n;
    #[cfg(feature = "pay")]
    crate::pay::OrderQueryResponse: coupon_id_n coupon_type_n, coupon_fee_n;
    #[cfg(feature = "pay")]
    crate::pay::FacePayQueryResponse: coupon_id_n coupon_type_n, coupon_fee_n;
    #[cfg(feature = "pay")]
    crate::pay::PapOrderQueryResponse: coupon_id_n, coupon_fee_n;
    #[cfg(feature = "pay")]
    crate::pay::partner::PapOrderQueryResponse: coupon_id_n, coupon_fee_n;
    #[cfg(feature = "deposit")]
    crate::deposit::OrderQueryResponse: coupon_id_n coupon_type_n, coupon_fee_n;
    #[cfg(feature = "deposit")]
    crate::deposit::RefundResponse: coupon_refund_id_n coupon_type_n, coupon_refund_fee_n;
    #[cfg(feature = "sec-api")]
    crate::sec_api::pay::RefundResponse: coupon_refund_id_n coupon_type_n, coupon_refund_fee_n;
    #[cfg(feature = "sec-api")]
    crate::sec_api::pay::RefundV2Response: coupon_refund_id_n coupon_type_n, coupon_refund_fee_n;
    #[cfg(feature = "transit")]
    crate::transit::QueryOrderResponse: coupon_id_n coupon_type_n, coupon_fee_n;
    #[cfg(feature = "transit")]
    crate::transit::partner_pay::QueryOrderResponse: coupon_id_n coupon_type_n, coupon_fee_n;
}

macro_rules! refunds {
    ($($(#[$cfg:meta])* $record:path;)*) => { $(
        $(#[$cfg])*
        impl Refunds for $record {
            fn refunds(&self) -> Vec<RefundLine<'_>> {
                let coupons = |number| {
                    let ids = inner(&self.coupon_refund_id_n_m, number);
                    let kinds = inner(&self.coupon_type_n_m, number);
                    let fees = inner(&self.coupon_refund_fee_n_m, number);
                    let count = ids.len().max(kinds.len()).max(fees.len());
                    let all = (0..count).map(|number| Coupon {
                        number,
                        id: ids.get(number).and_then(|id| id.as_ref()).map(|id| id.as_str()),
                        kind: kinds.get(number).and_then(|kind| kind.as_ref()).map(|kind| kind.as_str()),
                        fee: fees.get(number).copied().flatten().map(Money::fen),
                    });
                    all.filter(Coupon::is_there).collect::<Vec<_>>()
                };
                let count = [
                    len(&self.out_refund_no_n),
                    len(&self.refund_id_n),
                    len(&self.refund_channel_n),
                    len(&self.refund_status_n),
                    len(&self.refund_account_n),
                    len(&self.refund_recv_accout_n),
                    len(&self.refund_success_time_n),
                    len(&self.refund_fee_n),
                    len(&self.settlement_refund_fee_n),
                    len(&self.coupon_refund_fee_n),
                    len(&self.coupon_refund_id_n_m),
                    len(&self.coupon_type_n_m),
                    len(&self.coupon_refund_fee_n_m),
                ];
                let all = (0..count.into_iter().max().unwrap_or_default()).map(|number| RefundLine {
                    number,
                    out_refund_no: text!(self.out_refund_no_n, number),
                    refund_id: text!(self.refund_id_n, number),
                    channel: text!(self.refund_channel_n, number),
                    status: text!(self.refund_status_n, number),
                    account: text!(self.refund_account_n, number),
                    received_by: text!(self.refund_recv_accout_n, number),
                    success_time: text!(self.refund_success_time_n, number),
                    fee: fen(&self.refund_fee_n, number),
                    settlement_fee: fen(&self.settlement_refund_fee_n, number),
                    coupon_fee: fen(&self.coupon_refund_fee_n, number),
                    coupons: coupons(number),
                });
                all.filter(RefundLine::is_there).collect()
            }
        }
    )* };
}

#[cfg(any(feature = "deposit", feature = "pay"))]
impl RefundLine<'_> {
    fn is_there(&self) -> bool {
        let texts = [
            self.out_refund_no,
            self.refund_id,
            self.channel,
            self.status,
            self.account,
            self.received_by,
            self.success_time,
        ];
        let fees = [self.fee, self.settlement_fee, self.coupon_fee];
        !self.coupons.is_empty()
            || texts.iter().any(Option::is_some)
            || fees.iter().any(Option::is_some)
    }
}

refunds! {
    #[cfg(feature = "pay")]
    crate::pay::RefundQueryResponse;
    #[cfg(feature = "pay")]
    crate::pay::RefundQueryV2Response;
    #[cfg(feature = "deposit")]
    crate::deposit::RefundQueryResponse;
}

#[cfg(feature = "base")]
impl Declarations for crate::mch::customs::CustomDeclareQueryResponse {
    fn declarations(&self) -> Vec<Declaration<'_>> {
        let count = len(&self.state_n)
            .max(len(&self.sub_order_no_n))
            .max(len(&self.sub_order_id_n))
            .max(len(&self.customs_n));
        let all = (0..count).map(|number| Declaration {
            number,
            state: text!(self.state_n, number),
            sub_order_no: text!(self.sub_order_no_n, number),
            sub_order_id: text!(self.sub_order_id_n, number),
            customs: text!(self.customs_n, number),
            mch_customs_no: text!(self.mch_customs_no_n, number),
            fee_type: text!(self.fee_type_n, number),
            duty: fen(&self.duty_n, number),
            order_fee: fen(&self.order_fee_n, number),
            transport_fee: fen(&self.transport_fee_n, number),
            product_fee: fen(&self.product_fee_n, number),
            modify_time: text!(self.modify_time_n, number),
            cert_check_result: text!(self.cert_check_result_n, number),
            explanation: text!(self.explanation_n, number),
        });
        all.filter(|one| {
            let found = [one.state, one.sub_order_no, one.sub_order_id, one.customs];
            found.iter().any(Option::is_some)
        })
        .collect()
    }
}

#[cfg(all(test, feature = "events", feature = "pay"))]
mod tests {
    use xinqiao_wire::{Keep, Record, markup};

    use super::*;
    use crate::{events::notify::PayResult, pay::RefundQueryResponse};

    fn read<R: Record + Default>(elements: &[(&str, &str)]) -> R {
        let elements = elements
            .iter()
            .map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>"));
        let xml = format!("<xml>{}</xml>", elements.collect::<String>());
        let mut record = R::default();
        markup::decode(&mut record, xml.as_bytes(), Keep::Typed).expect("decodes");
        record
    }

    /// `coupon_type_1` without `coupon_type_0`, a count that is missing or wrong: each number keeps its own.
    #[test]
    fn a_coupon_keeps_what_came_with_its_number() {
        let paid: PayResult = read(&[
            ("coupon_count", "1"),
            ("coupon_id_0", "A"),
            ("coupon_fee_0", "10"),
            ("coupon_type_1", "NO_CASH"),
            ("coupon_id_1", "B"),
            ("coupon_fee_3", "5"),
        ]);
        let coupons = paid.coupons();
        let got: Vec<_> = coupons
            .iter()
            .map(|coupon| (coupon.number, coupon.id, coupon.kind, coupon.fee))
            .collect();
        assert_eq!(
            got,
            [
                (0, Some("A"), None, Some(Fen(10))),
                (1, Some("B"), Some("NO_CASH"), None),
                (3, None, None, Some(Fen(5))),
            ]
        );
        assert!(
            read::<PayResult>(&[("coupon_count", "2")])
                .coupons()
                .is_empty()
        );
        let many: Vec<_> = (0..12).map(|n| format!("coupon_id_{n}")).collect();
        let many: Vec<_> = many
            .iter()
            .map(|name| (name.as_str(), name.as_str()))
            .collect();
        let many: PayResult = read(&many);
        assert_eq!(many.coupons().len(), 12);
        assert_eq!(many.coupons()[11].id, Some("coupon_id_11"));
    }

    #[test]
    fn a_refund_keeps_its_coupons() {
        let answer: RefundQueryResponse = read(&[
            ("refund_count", "3"),
            ("out_refund_no_0", "R0"),
            ("refund_fee_0", "100"),
            ("out_refund_no_2", "R2"),
            ("refund_status_2", "CHANGE"),
            ("coupon_refund_id_2_0", "C0"),
            ("coupon_refund_fee_2_1", "7"),
            ("coupon_type_2_1", "CASH"),
            ("coupon_refund_count_2", "2"),
        ]);
        let refunds = answer.refunds();
        assert_eq!(refunds.len(), 2);
        assert_eq!(
            (
                refunds[0].out_refund_no,
                refunds[0].fee,
                refunds[0].coupons.len()
            ),
            (Some("R0"), Some(Fen(100)), 0)
        );
        assert_eq!((refunds[1].number, refunds[1].status), (2, Some("CHANGE")));
        let coupons = &refunds[1].coupons;
        assert_eq!((coupons[0].id, coupons[0].kind), (Some("C0"), None));
        assert_eq!(
            (coupons[1].id, coupons[1].kind, coupons[1].fee),
            (None, Some("CASH"), Some(Fen(7)))
        );
    }
}
