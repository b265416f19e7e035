//! Official accounts (公众号): one module a feature.
//!
//! | question | module |
//! | --- | --- |
//! | what a person can do on the phone | `act` |
//! | how a callback leaves, is repeated, and given up | `push` |
//! | where a passive reply is applied | `passive_reply` |
//! | where a token is issued and dies | `token`, `stable_token` |
//! | where 45015 is decided for a customer message | `custom_message` |
//! | menu, staff, users, files, quotas | `menu`, `customer_service`, `fans`, `media`, `quota` |

pub(crate) mod act;
pub(crate) mod bubble;
pub(crate) mod custom_message;
pub mod customer_service;
pub(crate) mod fans;
pub(crate) mod media;
pub(crate) mod menu;
pub(crate) mod network;
pub(crate) mod passive_reply;
pub(crate) mod push;
pub(crate) mod push_xml;
pub(crate) mod quota;
pub mod stable_token;
pub mod token;
pub(crate) mod trigger;
