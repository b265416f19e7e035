//! Official accounts (公众号): one file a feature, one line a feature in [`FEATURES`].

#![expect(
    clippy::unnecessary_wraps,
    reason = "behaviours, acts and what reads older worlds have types of their own"
)]

mod auto_reply;
mod bubble;
mod custom_message;
mod customer_service;
mod draft;
mod fans;
mod js_sdk;
mod kf_session;
mod mass;
mod material;
mod media;
mod menu;
mod message;
mod network;
mod notice;
mod once;
mod passive_reply;
mod phone;
mod publish;
mod push_xml;
mod qr_code;
mod quota;
pub(crate) mod seeded;
mod sent;
mod short_key;
mod stable_token;
mod tags;
mod template;
mod token;
mod trigger;
mod web_login;

use xinqiao_catalog::Product;
use xinqiao_types::AccountKind;

pub(crate) use self::{
    media::{FROM_PHONE, Keep},
    phone::CHAT_VIEW,
    trigger::Trigger,
};
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
    &bubble::FEATURE,
    &custom_message::FEATURE,
    &customer_service::FEATURE,
    &kf_session::FEATURE,
    &auto_reply::FEATURE,
    &fans::FEATURE,
    &tags::FEATURE,
    &media::FEATURE,
    &material::FEATURE,
    &draft::FEATURE,
    &publish::FEATURE,
    &qr_code::FEATURE,
    &short_key::FEATURE,
    &template::FEATURE,
    &mass::FEATURE,
    &notice::FEATURE,
    &once::FEATURE,
    &web_login::FEATURE,
    &web_login::token::FEATURE,
    &js_sdk::ticket::FEATURE,
    &js_sdk::FEATURE,
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
