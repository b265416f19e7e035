//! Payments of merchants (微信支付), in both generations of the interface: one file a feature, one line a feature in
//! [`FEATURES`].

mod cashier;
mod certificates;
mod limits;
mod merchants;
mod notice;
mod order;
mod shanghai;
mod v2;
mod v3;

use super::Feature;

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[
    &merchants::FEATURE,
    &certificates::FEATURE,
    &order::FEATURE,
    &v3::FEATURE,
    &v2::FEATURE,
    &cashier::FEATURE,
    &notice::FEATURE,
];
