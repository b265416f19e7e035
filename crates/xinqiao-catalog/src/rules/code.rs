//! The codes that the rules answer with.

use xinqiao_types::ErrCode;

pub(super) const API_UNAUTHORIZED: ErrCode = ErrCode(48001);
pub(super) const REFUSED_BY_USER: ErrCode = ErrCode(48002);
pub(super) const OUT_OF_RESPONSE_WINDOW: ErrCode = ErrCode(45015);
pub(super) const TOO_MANY_CUSTOM_MESSAGES: ErrCode = ErrCode(45047);
pub(super) const NOT_FOLLOWING: ErrCode = ErrCode(43004);
pub(super) const DAILY_QUOTA_REACHED: ErrCode = ErrCode(45009);
