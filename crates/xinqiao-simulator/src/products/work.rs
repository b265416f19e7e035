//! WeCom (企业微信): corporations with applications and members. One file a feature, one line a feature in [`FEATURES`].
//!
//! An application is an account whose id is `corpid:agentid`; a member is to it what an openid is to an official
//! account, under their own userid.

mod bubble;
mod corps;
mod departments;
mod members;
mod message;
mod phone;
mod seeded;
mod token;

use xinqiao_types::AccountKind;

pub(crate) use self::members::Employ;
use super::Feature;

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[
    &corps::FEATURE,
    &token::FEATURE,
    &departments::FEATURE,
    &members::FEATURE,
    &bubble::FEATURE,
    &message::FEATURE,
    &phone::FEATURE,
    &seeded::FEATURE,
];

/// Applications.
const KINDS: &[AccountKind] = &[AccountKind::Corp];
