//! Authorization events of a third-party platform: they have an `InfoType` instead of a `MsgType`.

use super::{field::record, variants::variants};
use crate::names::info_type;

record! {
    /// The ticket of the third-party platform, every ten minutes. Answer `success` (InfoType `component_verify_ticket`).
    pub struct ComponentVerifyTicket {
        component_verify_ticket: String = "ComponentVerifyTicket",
    }
}

record! {
    /// An account granted its rights; exchange the code (InfoType `authorized`).
    pub struct Authorized {
        authorizer_appid: String = "AuthorizerAppid",
        authorization_code: String = "AuthorizationCode",
        authorization_code_expired_time: i64 = "AuthorizationCodeExpiredTime",
        pre_auth_code: String = "PreAuthCode",
    }
}

record! {
    /// A grant changed; exchange the new code, the old refresh token stops (InfoType `updateauthorized`).
    pub struct UpdateAuthorized {
        authorizer_appid: String = "AuthorizerAppid",
        authorization_code: String = "AuthorizationCode",
        authorization_code_expired_time: i64 = "AuthorizationCodeExpiredTime",
        pre_auth_code: String = "PreAuthCode",
    }
}

record! {
    /// A grant was withdrawn; drop its tokens (InfoType `unauthorized`).
    pub struct Unauthorized {
        authorizer_appid: String = "AuthorizerAppid",
    }
}

record! {
    /// The filing of a mini program (备案) changes its state (InfoType `notify_apply_icpfiling_result`).
    pub struct NotifyApplyIcpfilingResult {
        authorizer_appid: String = "authorizer_appid",
        beian_status: i64 = "beian_status",
    }
}

record! {
    /// The group `info`.
    pub struct NotifyThirdFastRegisterBetaAppInfo {
        unique_id: String = "unique_id",
        name: String = "name",
    }
}

record! {
    /// A trial mini program was registered (InfoType `notify_third_fastregisterbetaapp`).
    pub struct NotifyThirdFastRegisterBetaApp {
        appid: Option<String> = "appid",
        info: NotifyThirdFastRegisterBetaAppInfo = "info",
        status: i64 = "status",
        msg: Option<String> = "msg",
    }
}

record! {
    /// The group `info`.
    pub struct NotifyThirdFastRegisterInfo {
        name: Option<String> = "name",
        code_type: Option<i64> = "code_type",
        code: Option<String> = "code",
        legal_persona_name: Option<String> = "legal_persona_name",
        legal_persona_wechat: Option<String> = "legal_persona_wechat",
        idname: Option<String> = "idname",
        wxuser: Option<String> = "wxuser",
        component_phone: Option<String> = "component_phone",
    }
}

record! {
    /// A mini program was registered for an enterprise (InfoType `notify_third_fasteregister`).
    pub struct NotifyThirdFastRegister {
        appid: Option<String> = "appid",
        auth_code: Option<String> = "auth_code",
        info: NotifyThirdFastRegisterInfo = "info",
        status: i64 = "status",
        msg: Option<String> = "msg",
    }
}

record! {
    /// The group `info`.
    pub struct NotifyThirdFastVerifyBetaAppInfo {
        name: String = "name",
        code_type: i64 = "code_type",
        code: String = "code",
        legal_persona_name: String = "legal_persona_name",
        legal_persona_wechat: String = "legal_persona_wechat",
        component_phone: String = "component_phone",
    }
}

record! {
    /// A trial mini program became a regular one (InfoType `notify_third_fastverifybetaapp`).
    pub struct NotifyThirdFastVerifyBetaApp {
        appid: Option<String> = "appid",
        info: NotifyThirdFastVerifyBetaAppInfo = "info",
        status: i64 = "status",
        msg: Option<String> = "msg",
    }
}

variants! {
    /// What happened to an authorization, by the `InfoType` element.
    pub enum Info by InfoBody, INFO_TYPE {
        ComponentVerifyTicket = info_type::COMPONENT_VERIFY_TICKET,
        Authorized = info_type::AUTHORIZED,
        UpdateAuthorized = info_type::UPDATE_AUTHORIZED,
        Unauthorized = info_type::UNAUTHORIZED,
        NotifyApplyIcpfilingResult = info_type::NOTIFY_APPLY_ICPFILING_RESULT,
        NotifyThirdFastRegisterBetaApp = info_type::NOTIFY_THIRD_FASTREGISTERBETAAPP,
        NotifyThirdFastRegister = info_type::NOTIFY_THIRD_FASTEREGISTER,
        NotifyThirdFastVerifyBetaApp = info_type::NOTIFY_THIRD_FASTVERIFYBETAAPP,
    }
}
