//! Payments of merchants (微信支付), in both generations of the interface: one file a feature, one line a feature in
//! [`FEATURES`].

mod balance;
mod batch;
mod batch_v3;
mod bill;
mod bill_download;
mod cashier;
mod certificates;
mod client_certificate;
mod code_payment;
mod code_v2;
mod code_v3;
mod combine;
mod combine_v3;
mod complaint;
mod complaint_v3;
mod coupon;
mod coupon_flow;
mod coupon_stock;
mod coupon_stock_v3;
mod coupon_use;
mod coupon_v3;
mod funds;
#[cfg(test)]
mod limits;
mod merchants;
mod notice;
mod order;
mod pay_code;
mod pot;
mod receivers;
mod red_packet;
mod red_packet_v2;
mod refund;
mod refund_v2;
mod refund_v3;
mod sandbox;
mod seller;
mod sensitive;
mod sharing;
mod sharing_notice;
mod sharing_return;
mod sharing_v2;
mod sharing_v3;
mod signature;
mod transfer;
mod transfer_sheet;
mod transfer_v2;
mod transfer_v3;
mod v2;
mod v3;
mod wallet;
mod whose;

use super::Feature;

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[
    &merchants::FEATURE,
    &signature::FEATURE,
    &client_certificate::FEATURE,
    &seller::FEATURE,
    &certificates::FEATURE,
    &funds::FEATURE,
    &wallet::FEATURE,
    &coupon_stock::FEATURE,
    &coupon::FEATURE,
    &coupon_use::FEATURE,
    &order::FEATURE,
    &pot::FEATURE,
    &receivers::FEATURE,
    &sharing::FEATURE,
    &sharing_return::FEATURE,
    &transfer::FEATURE,
    &batch::FEATURE,
    &red_packet::FEATURE,
    &complaint::FEATURE,
    &refund::FEATURE,
    &v3::FEATURE,
    &v2::FEATURE,
    &sandbox::FEATURE,
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
    &sharing_v3::FEATURE,
    &sharing_v2::FEATURE,
    &sharing_notice::FEATURE,
    &transfer_v3::FEATURE,
    &transfer_v2::FEATURE,
    &batch_v3::FEATURE,
    &transfer_sheet::FEATURE,
    &red_packet_v2::FEATURE,
    &complaint_v3::FEATURE,
    &coupon_stock_v3::FEATURE,
    &coupon_v3::FEATURE,
    &coupon_flow::FEATURE,
    &balance::FEATURE,
];
