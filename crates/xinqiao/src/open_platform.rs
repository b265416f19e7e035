//! Open platform (开放平台): third-party platforms, website and mobile applications.
//!
//! A third-party platform is a [`Component`]: give it every verify ticket that the platform pushes, and every
//! authorization code; get clients of the accounts that granted it with
//! [`Client::with_authorizer`](crate::Client::with_authorizer).
//!
//! What such a platform does for accounts that granted it is here too, with the features of the products that own the
//! calls: `mini-program`, `official-account`.
//!
#![doc = include_str!("generated/tasks/open_platform.md")]

pub use crate::generated::open_platform::*;

pub use xinqiao_client::{
    oauth,
    token::{Component, Grant, MemoryVault, Vault, VaultKey},
};
