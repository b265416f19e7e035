//! Signatures and ciphers of the WeChat platform. Bytes in, bytes out.
//!
//! This crate knows how things are signed and encrypted, never what they mean: it reads no XML and no
//! JSON, opens no socket and asks no clock. Random bytes and times are arguments.
//!
//! Invariants:
//! * A verification returns a proof ([`Genuine`], [`message::Plain`]), never a `bool`.
//! * Whatever came from outside is compared with a secret or a signature in constant time.
//! * The receiver id inside a callback's ciphertext is always checked.
//! * A key prints as `***` and is wiped when dropped.

pub mod aes_key;
pub mod base64;
pub mod callback;
pub mod card;
pub mod chatbot;
mod compare;
pub mod encrypted_data;
mod hex;
pub mod jssdk;
pub mod message;
pub mod pay_business;
pub mod pay_v2;
pub mod pay_v3;
pub mod secure_api;
pub mod session;

pub use aes_key::{AesKey, AesKeyError};
pub use base64::Base64Fault;
pub use compare::{Genuine, Mismatch, constant_time_eq};
pub use hex::Hex;
pub use message::{DecryptError, MessageCipher, Plain, decode_base64, encode_base64};
