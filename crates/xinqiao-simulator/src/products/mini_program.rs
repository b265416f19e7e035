//! Mini programs (小程序): one file a feature, one line a feature in [`FEATURES`]. Their subscriptions are not built yet;
//! what they share with official accounts is there.

#![expect(
    clippy::unnecessary_wraps,
    reason = "behaviours and acts have types of their own"
)]

mod code;
mod login;
mod open_data;
mod phone_number;
mod session;

use xinqiao_types::AccountKind;

use super::Feature;

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[
    &code::FEATURE,
    &session::FEATURE,
    &login::FEATURE,
    &open_data::FEATURE,
    &phone_number::FEATURE,
    &Feature {
        name: "mini_program",
        not_built: &["subscribe"],
        ..Feature::EMPTY
    },
];

/// The accounts that people open and log in to.
const KINDS: &[AccountKind] = &[AccountKind::MiniProgram];
