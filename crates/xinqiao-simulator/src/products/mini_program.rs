//! Mini programs (小程序): one file a feature, one line a feature in [`FEATURES`]. Their log-in, their users' numbers and
//! their subscriptions are not built yet; what they share with official accounts is there.

use super::Feature;

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[&Feature {
    name: "mini_program",
    not_built: &["login", "profile", "phone", "subscribe"],
    ..Feature::EMPTY
}];
