//! Taps on the custom menu.

use crate::inbound::field::{Items, record};

record! {
    /// A tap on a menu button that sends its key (event `CLICK`).
    pub struct Click {
        event_key: String = "EventKey",
    }
}

record! {
    /// A tap on a menu button that opens a page; `EventKey` is the URL (event `VIEW`).
    pub struct View {
        event_key: String = "EventKey",
        menu_id: Option<i64> = "MenuId",
    }
}

record! {
    /// The group `ScanCodeInfo`.
    pub struct ScanCodeInfo {
        scan_type: String = "ScanType",
        scan_result: String = "ScanResult",
    }
}

record! {
    /// A menu button scanned a code, and the client shows the result (event `scancode_push`).
    pub struct ScanCodePush {
        event_key: String = "EventKey",
        scan_code_info: ScanCodeInfo = "ScanCodeInfo",
    }
}

record! {
    /// A menu button scanned a code, and the client waits for a message (event `scancode_waitmsg`).
    pub struct ScanCodeWait {
        event_key: String = "EventKey",
        scan_code_info: ScanCodeInfo = "ScanCodeInfo",
    }
}

record! {
    /// The group `Pic`.
    pub struct Pic {
        pic_md5_sum: String = "PicMd5Sum",
    }
}

record! {
    /// The group `SendPicsInfo`.
    pub struct SendPicsInfo {
        count: i64 = "Count",
        pic_list: Items<Pic> = "PicList",
    }
}

record! {
    /// A menu button took photos; each also comes as an image message (event `pic_sysphoto`).
    pub struct PicSystemPhoto {
        event_key: String = "EventKey",
        send_pics_info: SendPicsInfo = "SendPicsInfo",
    }
}

record! {
    /// A menu button took photos or chose them; each also comes as an image message (event `pic_photo_or_album`).
    pub struct PicPhotoOrAlbum {
        event_key: String = "EventKey",
        send_pics_info: SendPicsInfo = "SendPicsInfo",
    }
}

record! {
    /// A menu button chose photos from WeChat; each also comes as an image message (event `pic_weixin`).
    pub struct PicWeixin {
        event_key: String = "EventKey",
        send_pics_info: SendPicsInfo = "SendPicsInfo",
    }
}

record! {
    /// The group `SendLocationInfo`.
    pub struct SendLocationInfo {
        latitude: String = "Location_X",
        longitude: String = "Location_Y",
        scale: String = "Scale",
        label: String = "Label",
        poiname: String = "Poiname",
    }
}

record! {
    /// A menu button chose a place; it also comes as a location message (event `location_select`).
    pub struct LocationSelect {
        event_key: String = "EventKey",
        send_location_info: SendLocationInfo = "SendLocationInfo",
    }
}

record! {
    /// A tap on a menu button that opens a mini program; `EventKey` is the page (event `view_miniprogram`).
    pub struct ViewMiniProgram {
        event_key: String = "EventKey",
        menu_id: i64 = "MenuId",
    }
}
