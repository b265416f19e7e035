//! The platform's rules as pure functions: who may call what, how often, and when.
//!
//! The simulator's front door, the gateway's preflight and the SDK's preflight ask the same functions
//! and differ only in the state that they feed in. Nothing here reads a clock, keeps state of its own
//! or knows a number: rows, limits, allowances and codes are tables of the catalog.
//!
//! * [`permission`]: right × kind of account × verified.
//! * [`quota`]: counters over windows in Shanghai time.
//! * [`interaction`]: the allowances that a user's act opens for customer messages.
//! * [`limit`]: lengths, ranges and alphabets of fields.
//! * [`media`]: size and type of an upload.
//! * [`paging`]: how a list is read page by page.
//! * [`retry`]: what to do after a failure.
//! * [`dedup`]: which fields tell two callbacks apart.
//!
//! Source: doc pages "接口权限说明", "接口调用频次限制说明", "客服消息"; catalog tables `permissions`,
//! `quotas`, `grants`, `media`.

pub mod dedup;
pub mod interaction;
pub mod limit;
pub mod media;
pub mod paging;
pub mod permission;
pub mod quota;
pub mod retry;
