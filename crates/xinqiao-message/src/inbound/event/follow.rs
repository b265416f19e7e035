//! Following, unfollowing, codes with a scene, reported places.

use crate::inbound::field::record;

record! {
    /// A user follows the account. `EventKey` is empty, or `qrscene_` and the scene of a code (event `subscribe`).
    pub struct Subscribe {
        event_key: Option<String> = "EventKey",
        ticket: Option<String> = "Ticket",
    }
}

record! {
    /// A user no longer follows the account. An answer is not shown (event `unsubscribe`).
    pub struct Unsubscribe {
        event_key: Option<String> = "EventKey",
    }
}

record! {
    /// A follower scans a code with a scene; `EventKey` is the scene, without a prefix (event `SCAN`).
    pub struct Scan {
        event_key: String = "EventKey",
        ticket: String = "Ticket",
    }
}

record! {
    /// The chat reports where the user is: on entering it, or every five seconds (event `LOCATION`).
    pub struct LocationReport {
        latitude: f64 = "Latitude",
        longitude: f64 = "Longitude",
        precision: f64 = "Precision",
    }
}

/// What stands before the scene in the `EventKey` of a follow by code.
const SCENE_PREFIX: &str = "qrscene_";

impl Subscribe {
    /// The scene of the code that the user followed by, without its prefix.
    pub fn scene(&self) -> Option<&str> {
        self.event_key.as_deref()?.strip_prefix(SCENE_PREFIX)
    }
}
