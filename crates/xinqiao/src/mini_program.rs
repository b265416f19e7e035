//! Mini programs (小程序) and mini games: endpoints, log-in and what a session key opens.
//!
//! Customer messages and their staff, pictures that are read, temporary media, tokens and quotas are the same calls as
//! official accounts have; with the features `channels` and `open-platform` also what those products share.
//!
#![doc = include_str!("generated/tasks/mini_program.md")]

pub use crate::generated::mini_program::*;

pub use xinqiao_client::{session, unionid};
