//! The account itself, and its users’ rights over their data.

use crate::inbound::field::record;

record! {
    /// The qualification was verified; its interfaces work from now on (event `qualification_verify_success`).
    pub struct QualificationVerifySuccess {
        expired_time: i64 = "ExpiredTime",
    }
}

record! {
    /// The qualification was refused (event `qualification_verify_fail`).
    pub struct QualificationVerifyFail {
        fail_time: i64 = "FailTime",
        fail_reason: String = "FailReason",
    }
}

record! {
    /// The name was verified (event `naming_verify_success`).
    pub struct NamingVerifySuccess {
        expired_time: i64 = "ExpiredTime",
    }
}

record! {
    /// The name was refused (event `naming_verify_fail`).
    pub struct NamingVerifyFail {
        fail_time: i64 = "FailTime",
        fail_reason: String = "FailReason",
    }
}

record! {
    /// The yearly renewal is due (event `annual_renew`).
    pub struct AnnualRenew {
        expired_time: i64 = "ExpiredTime",
    }
}

record! {
    /// The verification ran out (event `verify_expired`).
    pub struct VerifyExpired {
        expired_time: i64 = "ExpiredTime",
    }
}

record! {
    /// A user changed their data (event `user_info_modified`).
    pub struct UserInfoModified {
        openid: String = "OpenID",
        appid: String = "AppID",
        unionid: Option<String> = "UnionID",
        revoke_info: Option<String> = "RevokeInfo",
        plugin_id: Option<String> = "PluginID",
        open_pid: Option<String> = "OpenPID",
    }
}

record! {
    /// A user withdrew an authorization (event `user_authorization_revoke`).
    pub struct UserAuthorizationRevoke {
        openid: String = "OpenID",
        appid: String = "AppID",
        unionid: Option<String> = "UnionID",
        revoke_info: Option<String> = "RevokeInfo",
        plugin_id: Option<String> = "PluginID",
        open_pid: Option<String> = "OpenPID",
    }
}

record! {
    /// A user closed their WeChat account (event `user_authorization_cancellation`).
    pub struct UserAuthorizationCancellation {
        openid: String = "OpenID",
        appid: String = "AppID",
        unionid: Option<String> = "UnionID",
        revoke_info: Option<String> = "RevokeInfo",
        plugin_id: Option<String> = "PluginID",
        open_pid: Option<String> = "OpenPID",
    }
}

record! {
    /// The debugging tool of the console pushed this (event `debug_demo`).
    pub struct DebugDemo {
        debug_str: String = "debug_str",
    }
}
