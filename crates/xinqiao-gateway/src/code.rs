//! The error codes that the gateway itself answers with or looks for.

pub(crate) const SYSTEM_BUSY: i64 = -1;
pub(crate) const INVALID_CREDENTIAL: i64 = 40001;
pub(crate) const INVALID_GRANT_TYPE: i64 = 40002;
pub(crate) const INVALID_APPID: i64 = 40013;
pub(crate) const INVALID_ACCESS_TOKEN: i64 = 40014;
pub(crate) const INVALID_SECRET: i64 = 40125;
pub(crate) const APPID_MISSING: i64 = 41002;
pub(crate) const ACCESS_TOKEN_EXPIRED: i64 = 42001;
