//! Sessions with customer-service staff.

use crate::inbound::field::record;

record! {
    /// A session with customer-service staff began (event `kf_create_session`).
    pub struct KfCreateSession {
        kf_account: String = "KfAccount",
    }
}

record! {
    /// A session with customer-service staff ended (event `kf_close_session`).
    pub struct KfCloseSession {
        kf_account: String = "KfAccount",
        close_type: Option<String> = "CloseType",
    }
}

record! {
    /// A session went from one staff member to another (event `kf_switch_session`).
    pub struct KfSwitchSession {
        from_kf_account: String = "FromKfAccount",
        to_kf_account: String = "ToKfAccount",
    }
}

record! {
    /// A user enters the customer-service chat of a mini program (event `user_enter_tempsession`).
    pub struct UserEnterTempsession {
        session_from: String = "SessionFrom",
    }
}

record! {
    /// The group `GuideScanEvent`.
    pub struct GuideScan {
        qrcode_guide_account: String = "qrcode_guide_account",
        qrcode_guide_openid: Option<String> = "qrcode_guide_openid",
        openid: String = "openid",
        action: i64 = "action",
        qrcode_info: Option<String> = "qrcode_info",
    }
}

record! {
    /// A user scanned the code of a shopping guide (导购) (event `guide_qrcode_scan_event`).
    pub struct GuideQrcodeScan {
        guide_scan_event: GuideScan = "GuideScanEvent",
    }
}
