//! Open platform (开放平台): third-party platforms, website and mobile applications.
//!
//! A third-party platform is a [`Component`]: give it every verify ticket that the platform pushes, and every
//! authorization code; get clients of the accounts that granted it with
//! [`Client::with_authorizer`](crate::Client::with_authorizer).

pub use xinqiao_client::{
    oauth,
    token::{Component, Grant, MemoryVault, Vault, VaultKey},
};
pub use xinqiao_open_platform::*;
