//! What a third-party platform hears about its accounts’ mini programs.

use crate::inbound::field::record;

record! {
    /// The group `ApplyAuthorizationInfoNoitfy`.
    pub struct BetaAppAuthorizationApplyInfo {
        appid: String = "appid",
        mp_appid: String = "mp_appid",
        operation_time: String = "operation_time",
        status: i64 = "status",
        msg: Option<String> = "msg",
        ticket: Option<String> = "ticket",
    }
}

record! {
    /// The user of a trial mini program applies for its authorization (event `betaapp_authorization_apply_event`).
    pub struct BetaAppAuthorizationApply {
        apply_authorization_info_noitfy: BetaAppAuthorizationApplyInfo = "ApplyAuthorizationInfoNoitfy",
    }
}

record! {
    /// The group `ApplyAuthorizationInfoNoitfy`.
    pub struct BetaAppVerifyApplyInfo {
        appid: String = "appid",
        mp_appid: String = "mp_appid",
        operation_time: String = "operation_time",
        status: i64 = "status",
        msg: Option<String> = "msg",
    }
}

record! {
    /// The verification of a trial mini program was applied for (event `betaapp_verify_apply_event`).
    pub struct BetaAppVerifyApply {
        apply_authorization_info_noitfy: BetaAppVerifyApplyInfo = "ApplyAuthorizationInfoNoitfy",
    }
}

record! {
    /// The verification of a trial mini program is done (event `betaapp_verify_event`).
    pub struct BetaAppVerify {
        apply_authorization_info_noitfy: BetaAppVerifyApplyInfo = "ApplyAuthorizationInfoNoitfy",
    }
}

record! {
    /// The group `illegal_material`.
    pub struct IllegalMaterial {
        content: String = "content",
        content_url: String = "content_url",
    }
}

record! {
    /// The group `appeal_material`.
    pub struct AppealMaterial {
        reason: String = "reason",
        proof_material_id: Vec<String> = "proof_material_id",
    }
}

record! {
    /// The group `material`.
    pub struct WxaAppealRecordMaterial {
        illegal_material: Option<IllegalMaterial> = "illegal_material",
        appeal_material: Option<AppealMaterial> = "appeal_material",
    }
}

record! {
    /// An appeal of a mini program changes its state (event `wxa_appeal_record`).
    pub struct WxaAppealRecord {
        appeal_record_id: i64 = "appeal_record_id",
        appid: String = "appid",
        appeal_count: i64 = "appeal_count",
        appeal_from: i64 = "appeal_from",
        appeal_status: i64 = "appeal_status",
        material: Vec<WxaAppealRecordMaterial> = "material",
        punish_description: Option<String> = "punish_description",
        audit_reason: Option<String> = "audit_reason",
        appeal_time: i64 = "appeal_time",
    }
}

record! {
    /// The review of a category is done (event `wxa_category_audit`).
    pub struct WxaCategoryAudit {
        first: i64 = "first",
        second: i64 = "second",
        ret: i64 = "ret",
        reason: Option<String> = "reason",
    }
}

record! {
    /// The review of a name is done (event `wxa_nickname_audit`).
    pub struct WxaNicknameAudit {
        nickname: String = "nickname",
        ret: i64 = "ret",
        reason: Option<String> = "reason",
    }
}

record! {
    /// The group `result_info`.
    pub struct ResultInfo {
        api_name: String = "api_name",
        audit_id: i64 = "audit_id",
        status: i64 = "status",
        apply_time: i64 = "apply_time",
        audit_time: i64 = "audit_time",
        reason: Option<String> = "reason",
    }
}

record! {
    /// The review of a privacy interface is done (event `wxa_privacy_apply`).
    pub struct WxaPrivacyApply {
        result_info: ResultInfo = "result_info",
    }
}
