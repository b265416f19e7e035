//! Official accounts (公众号): one file a feature, one line a feature in [`FEATURES`].

#![expect(
    clippy::unnecessary_wraps,
    reason = "behaviours, acts and what reads older worlds have types of their own"
)]

mod alarm;
mod articles;
mod auto_reply;
mod bubble;
mod comment;
mod custom_message;
mod customer_service;
mod data_cube;
mod draft;
mod fans;
mod groups;
mod js_sdk;
mod kf_session;
#[cfg(test)]
mod limits;
mod location;
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
mod rights;
mod secret;
pub(crate) mod seeded;
mod sent;
mod short_key;
mod short_url;
mod stable_token;
mod tags;
mod template;
mod token;
mod trigger;
mod verification;
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
    &rights::FEATURE,
    &verification::FEATURE,
    &secret::FEATURE,
    &quota::FEATURE,
    &network::FEATURE,
    &menu::FEATURE,
    &menu::conditional::FEATURE,
    &message::FEATURE,
    &phone::FEATURE,
    &location::FEATURE,
    &bubble::FEATURE,
    &custom_message::FEATURE,
    &customer_service::FEATURE,
    &kf_session::FEATURE,
    &auto_reply::FEATURE,
    &fans::FEATURE,
    &tags::FEATURE,
    &groups::FEATURE,
    &media::FEATURE,
    &material::FEATURE,
    &draft::FEATURE,
    &articles::FEATURE,
    &comment::FEATURE,
    &data_cube::FEATURE,
    &data_cube::users::FEATURE,
    &data_cube::messages::FEATURE,
    &data_cube::callbacks::FEATURE,
    &data_cube::reads::FEATURE,
    &publish::FEATURE,
    &qr_code::FEATURE,
    &short_key::FEATURE,
    &short_url::FEATURE,
    &template::FEATURE,
    &mass::FEATURE,
    &notice::FEATURE,
    &once::FEATURE,
    &web_login::FEATURE,
    &web_login::token::FEATURE,
    &alarm::FEATURE,
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
