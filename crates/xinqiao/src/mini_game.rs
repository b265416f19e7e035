//! Mini games (小游戏): what a mini program's calls offer to games, log-in and what a session key opens.

pub use crate::generated::mini_game::*;

pub use xinqiao_client::session;
