//! WeCom (企业微信): endpoints, log-in, and the tokens of agents, applications and providers.
//!
#![doc = include_str!("generated/tasks/work.md")]

pub use xinqiao_client::{
    jssdk, oauth,
    token::{MemoryVault, Provider, Suite, Vault, VaultKey},
};
pub use xinqiao_work::*;
