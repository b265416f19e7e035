//! Official accounts (公众号): one file a feature, one line a feature in [`FEATURES`].

#![expect(
    clippy::unnecessary_wraps,
    reason = "behaviours, acts and what reads older worlds have types of their own"
)]

mod bubble;
mod custom_message;
mod customer_service;
mod fans;
mod media;
mod menu;
mod message;
mod network;
mod passive_reply;
mod phone;
mod push_xml;
mod quota;
pub(crate) mod seeded;
mod stable_token;
mod tags;
mod token;
mod trigger;

use xinqiao_catalog::Product;
use xinqiao_types::AccountKind;

pub(crate) use self::{media::Keep, phone::CHAT_VIEW, trigger::Trigger};
use super::Feature;

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[
    &token::FEATURE,
    &stable_token::FEATURE,
    &quota::FEATURE,
    &network::FEATURE,
    &menu::FEATURE,
    &message::FEATURE,
    &phone::FEATURE,
    &custom_message::FEATURE,
    &customer_service::FEATURE,
    &fans::FEATURE,
    &tags::FEATURE,
    &media::FEATURE,
    &trigger::FEATURE,
    &seeded::FEATURE,
];

/// The accounts that have followers and chats.
const KINDS: &[AccountKind] = &[AccountKind::Subscription, AccountKind::Service];

/// The products whose endpoints an account calls with a token of its own.
const WITH_ACCOUNT_TOKEN: &[Product] = &[
    Product::OfficialAccount,
    Product::MiniProgram,
    Product::OpenPlatform,
    Product::Channels,
    Product::Ads,
    Product::PayBusiness,
];
