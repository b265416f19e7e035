//! Payments of merchants (微信支付), in both generations of the interface: one file a feature, one line a feature in
//! [`FEATURES`].

mod bill;
mod bill_download;
mod cashier;
mod certificates;
mod code_payment;
mod code_v2;
mod code_v3;
mod combine;
mod combine_v3;
mod funds;
#[cfg(test)]
mod limits;
mod merchants;
mod notice;
mod order;
mod pay_code;
mod refund;
mod refund_v2;
mod refund_v3;
mod seller;
mod v2;
mod v3;

use super::Feature;

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[
    &merchants::FEATURE,
    &seller::FEATURE,
    &certificates::FEATURE,
    &funds::FEATURE,
    &order::FEATURE,
    &refund::FEATURE,
    &v3::FEATURE,
    &v2::FEATURE,
    &pay_code::FEATURE,
    &code_v3::FEATURE,
    &code_v2::FEATURE,
    &combine::FEATURE,
    &combine_v3::FEATURE,
    &refund_v3::FEATURE,
    &refund_v2::FEATURE,
    &bill_download::FEATURE,
    &cashier::FEATURE,
    &notice::FEATURE,
];
