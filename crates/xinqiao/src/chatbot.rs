//! Chatbot (微信对话开放平台): endpoints, and a bot's credential.
//!
#![doc = include_str!("generated/tasks/chatbot.md")]

pub use xinqiao_chatbot::*;
pub use xinqiao_client::Chatbot;
