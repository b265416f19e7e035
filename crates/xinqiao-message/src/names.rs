//! The names of messages, events and replies that code here compares with, once; a literal elsewhere is a mistake.

/// Values of `MsgType` in what comes in and in what goes back.
pub mod msg_type {
    /// Text.
    pub const TEXT: &str = "text";
    /// An image.
    pub const IMAGE: &str = "image";
    /// A voice message.
    pub const VOICE: &str = "voice";
    /// A video.
    pub const VIDEO: &str = "video";
    /// A short video.
    pub const SHORT_VIDEO: &str = "shortvideo";
    /// A place.
    pub const LOCATION: &str = "location";
    /// A link.
    pub const LINK: &str = "link";
    /// A forwarded file.
    pub const FILE: &str = "file";
    /// A message of a device (retired).
    pub const DEVICE_TEXT: &str = "device_text";
    /// An event of a device (retired).
    pub const DEVICE_EVENT: &str = "device_event";
    /// A card of a mini program.
    pub const MINI_PROGRAM_PAGE: &str = "miniprogrampage";
    /// Not a message but an event.
    pub const EVENT: &str = "event";
    /// Music; in replies only.
    pub const MUSIC: &str = "music";
    /// Articles; in replies only.
    pub const NEWS: &str = "news";
    /// Hands the message to customer-service staff; in replies only.
    pub const TRANSFER_CUSTOMER_SERVICE: &str = "transfer_customer_service";
    /// Hardware; in replies only (retired).
    pub const HARDWARE: &str = "hardware";
}

/// Values of `Event` that a simulator sends. What else happens is in the catalog; [`crate::events`] has a type for each.
pub mod event {
    /// A user follows the account.
    pub const SUBSCRIBE: &str = "subscribe";
    /// A user no longer follows the account.
    pub const UNSUBSCRIBE: &str = "unsubscribe";
    /// A follower scans a code with a scene.
    pub const SCAN: &str = "SCAN";
    /// A publishing job is done.
    pub const PUBLISH_JOB_FINISH: &str = "PUBLISHJOBFINISH";
    /// The chat reports where the user is.
    pub const LOCATION: &str = "LOCATION";
    /// A tap on a menu button that sends its key.
    pub const CLICK: &str = "CLICK";
    /// A tap on a menu button that opens a page.
    pub const VIEW: &str = "VIEW";
    /// A menu button scanned a code, and the client shows the result.
    pub const SCANCODE_PUSH: &str = "scancode_push";
    /// A menu button scanned a code, and the client waits for a message.
    pub const SCANCODE_WAITMSG: &str = "scancode_waitmsg";
    /// A menu button took photos.
    pub const PIC_SYSPHOTO: &str = "pic_sysphoto";
    /// A menu button took photos or chose them.
    pub const PIC_PHOTO_OR_ALBUM: &str = "pic_photo_or_album";
    /// A menu button chose photos from WeChat.
    pub const PIC_WEIXIN: &str = "pic_weixin";
    /// A menu button chose a place.
    pub const LOCATION_SELECT: &str = "location_select";
    /// A tap on a menu button that opens a mini program.
    pub const VIEW_MINIPROGRAM: &str = "view_miniprogram";
    /// A template message reached its receiver, or did not.
    pub const TEMPLATE_SEND_JOB_FINISH: &str = "TEMPLATESENDJOBFINISH";
    /// A mass message is done.
    pub const MASS_SEND_JOB_FINISH: &str = "MASSSENDJOBFINISH";
    /// A user answered the sheet that asks for notices.
    pub const SUBSCRIBE_MSG_POPUP_EVENT: &str = "subscribe_msg_popup_event";
    /// A user switched notices off in the settings.
    pub const SUBSCRIBE_MSG_CHANGE_EVENT: &str = "subscribe_msg_change_event";
    /// A notice reached its receiver, or did not.
    pub const SUBSCRIBE_MSG_SENT_EVENT: &str = "subscribe_msg_sent_event";
    /// Staff opened a session with a user.
    pub const KF_CREATE_SESSION: &str = "kf_create_session";
    /// Staff closed a session with a user.
    pub const KF_CLOSE_SESSION: &str = "kf_close_session";
    /// The review of an account's qualification was passed.
    pub const QUALIFICATION_VERIFY_SUCCESS: &str = "qualification_verify_success";
    /// The review of an account's qualification was not passed.
    pub const QUALIFICATION_VERIFY_FAIL: &str = "qualification_verify_fail";
    /// The review of an account's name was passed.
    pub const NAMING_VERIFY_SUCCESS: &str = "naming_verify_success";
    /// A verification must be renewed soon.
    pub const ANNUAL_RENEW: &str = "annual_renew";
    /// A verification ended.
    pub const VERIFY_EXPIRED: &str = "verify_expired";
}

/// Values of `InfoType`.
pub mod info_type {
    /// The ticket of a third-party platform.
    pub const COMPONENT_VERIFY_TICKET: &str = "component_verify_ticket";
    /// The ticket of an application of a WeCom provider.
    pub const SUITE_TICKET: &str = "suite_ticket";
}
