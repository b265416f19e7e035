//! The message cipher (消息加解密): AES-256-CBC around random bytes, a length, the message and an id.
//!
//! Plaintext = 16 random bytes ‖ length of the message (4 bytes, big-endian) ‖ message ‖ receiver id,
//! padded by PKCS#7 to a block of **32** bytes. The initialisation vector is the first half of the key.
//!
//! The ciphertext is not authenticated: check the callback's signature first, then decrypt.

use std::{fmt, ops::Range};

use aes::{Aes256Dec, Aes256Enc};
use base64_simd::STANDARD;
use cbc::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, consts::U16};

use crate::{AesKey, constant_time_eq};

/// Random bytes before the message.
pub const RANDOM_LEN: usize = 16;
/// Where the message begins: after the random bytes and the length.
pub const HEAD_LEN: usize = RANDOM_LEN + 4;
/// PKCS#7 pads to this, not to the cipher's own 16.
pub const PAD_BLOCK: usize = 32;
const CIPHER_BLOCK: usize = 16;

/// Which layer of a ciphertext is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// The text is not base64.
    #[error("the ciphertext is not base64")]
    Base64,
    /// Decoded, it is no whole number of blocks.
    #[error("the ciphertext has {found} bytes, which is no multiple of 16")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// The last byte does not tell a padding: mostly the wrong key.
    #[error(
        "the padding is wrong: the ciphertext was made with another EncodingAESKey, or is cut off"
    )]
    Padding,
    /// The length inside points beyond the end: mostly the wrong key.
    #[error("the inner length is {length}, but only {room} bytes are there")]
    InnerLength {
        /// The length that was read.
        length: u32,
        /// The room that there is.
        room: usize,
    },
    /// It was made for somebody else.
    #[error("the message is for `{found}`")]
    ReceiverId {
        /// The id inside, made readable.
        found: String,
    },
}

/// A key, expanded once, and the id that messages must carry.
#[derive(Clone)]
pub struct MessageCipher {
    encrypt: Aes256Enc,
    decrypt: Aes256Dec,
    iv: Array<u8, U16>,
    receiver_id: Box<str>,
}

impl MessageCipher {
    /// Expands the key.
    ///
    /// `receiver_id` is the appid; for a third-party platform its own appid; for WeCom the corpid, the
    /// suite id, or nothing.
    pub fn new(key: &AesKey, receiver_id: &str) -> Self {
        Self {
            encrypt: Aes256Enc::new(key.bytes().into()),
            decrypt: Aes256Dec::new(key.bytes().into()),
            iv: key.iv().into(),
            receiver_id: receiver_id.into(),
        }
    }

    /// The id that messages must carry.
    pub fn receiver_id(&self) -> &str {
        &self.receiver_id
    }

    /// How many base64 characters a message of `length` bytes becomes.
    pub fn encrypted_len(&self, length: usize) -> usize {
        let unpadded = HEAD_LEN + length + self.receiver_id.len();
        STANDARD.encoded_length(unpadded + PAD_BLOCK - unpadded % PAD_BLOCK)
    }

    /// Encrypts a message and appends its base64 text to `out`.
    ///
    /// A message of 4 GiB or more cannot be told by the format; its length is cut to 32 bits.
    pub fn encrypt_into(&self, random: [u8; RANDOM_LEN], message: &[u8], out: &mut String) {
        let unpadded = HEAD_LEN + message.len() + self.receiver_id.len();
        let padding = PAD_BLOCK - unpadded % PAD_BLOCK;
        let mut buffer = Vec::with_capacity(unpadded + padding);
        buffer.extend_from_slice(&random);
        buffer.extend_from_slice(&(message.len() as u32).to_be_bytes());
        buffer.extend_from_slice(message);
        buffer.extend_from_slice(self.receiver_id.as_bytes());
        buffer.resize(unpadded + padding, padding as u8);
        let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(&mut buffer);
        cbc::Encryptor::inner_iv_init(&self.encrypt, &self.iv).encrypt_blocks(blocks);
        STANDARD.encode_append(&buffer, out);
    }

    /// Encrypts a message into a text of its own.
    pub fn encrypt(&self, random: [u8; RANDOM_LEN], message: &[u8]) -> String {
        let mut out = String::with_capacity(self.encrypted_len(message.len()));
        self.encrypt_into(random, message, &mut out);
        out
    }

    /// The same key for another id.
    pub fn with_receiver_id(&self, receiver_id: &str) -> Self {
        Self {
            receiver_id: receiver_id.into(),
            ..self.clone()
        }
    }

    /// Decrypts a base64 text and checks whom it is for.
    pub fn decrypt(&self, base64: &[u8]) -> Result<Plain, DecryptError> {
        self.decrypt_for(base64, |id| {
            constant_time_eq(id, self.receiver_id.as_bytes())
        })
    }

    /// Decrypts a base64 text that may be for one of several; `accepts` knows their ids.
    pub fn decrypt_for(
        &self,
        base64: &[u8],
        accepts: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Plain, DecryptError> {
        let plain = self.decrypt_for_anyone(base64)?;
        if accepts(plain.receiver_id()) {
            Ok(plain)
        } else {
            let found = String::from_utf8_lossy(plain.receiver_id());
            Err(DecryptError::ReceiverId {
                found: found.chars().take(64).collect(),
            })
        }
    }

    /// Decrypts without looking at the id: only for [`MessageCipher::decrypt`] and for explanations.
    fn decrypt_for_anyone(&self, base64: &[u8]) -> Result<Plain, DecryptError> {
        let mut buffer = STANDARD
            .decode_to_vec(base64)
            .map_err(|_| DecryptError::Base64)?;
        self.decrypt_blocks(&mut buffer)?;
        let padding = usize::from(*buffer.last().ok_or(DecryptError::Length { found: 0 })?);
        let padded = buffer.len();
        if padding == 0 || padding > PAD_BLOCK || padding > padded {
            return Err(DecryptError::Padding);
        }
        let end = padded - padding;
        if buffer[end..]
            .iter()
            .any(|byte| usize::from(*byte) != padding)
        {
            return Err(DecryptError::Padding);
        }
        let Some((head, _)) = buffer[..end].split_first_chunk::<HEAD_LEN>() else {
            return Err(DecryptError::InnerLength { length: 0, room: 0 });
        };
        let length = u32::from_be_bytes([head[16], head[17], head[18], head[19]]);
        let room = end - HEAD_LEN;
        if length as usize > room {
            return Err(DecryptError::InnerLength { length, room });
        }
        let message = HEAD_LEN..HEAD_LEN + length as usize;
        let receiver_id = message.end..end;
        Ok(Plain {
            buffer,
            message,
            receiver_id,
        })
    }

    fn decrypt_blocks(&self, buffer: &mut [u8]) -> Result<(), DecryptError> {
        if buffer.is_empty() || !buffer.len().is_multiple_of(CIPHER_BLOCK) {
            return Err(DecryptError::Length {
                found: buffer.len(),
            });
        }
        let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(buffer);
        cbc::Decryptor::inner_iv_init(&self.decrypt, &self.iv).decrypt_blocks(blocks);
        Ok(())
    }

    /// Looks at the beginning of a ciphertext that did not decrypt, to say why it did not.
    ///
    /// Whole blocks are decrypted, however the text ends. Returns nothing if not even two blocks are
    /// there. What it returns is not verified and serves explanations only.
    pub fn glimpse(&self, base64: &[u8]) -> Option<Glimpse> {
        let clean = base64
            .iter()
            .position(|byte| !is_base64(*byte))
            .unwrap_or(base64.len());
        let clean = &base64[..clean - clean % 4];
        let mut buffer = STANDARD.decode_to_vec(clean).ok()?;
        let whole = buffer.len() - buffer.len() % CIPHER_BLOCK;
        buffer.truncate(whole);
        if whole < 2 * CIPHER_BLOCK {
            return None;
        }
        self.decrypt_blocks(&mut buffer).ok()?;
        let length = u32::from_be_bytes([buffer[16], buffer[17], buffer[18], buffer[19]]);
        Some(Glimpse {
            length: length as usize,
            room: whole - HEAD_LEN,
            readable: matches!(buffer[HEAD_LEN], b'<' | b'{' | 0xef),
        })
    }

    /// The inner length of a ciphertext, and everything behind it: the message and the id together.
    ///
    /// What it returns is not verified and serves explanations only.
    pub fn glimpse_whole(&self, base64: &[u8]) -> Option<(usize, Vec<u8>)> {
        let plain = self.decrypt_for_anyone(base64).ok()?;
        let content = plain.buffer[HEAD_LEN..plain.receiver_id.end].to_vec();
        Some((plain.message.len(), content))
    }
}

/// The beginning of a ciphertext that did not decrypt as a whole. Not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glimpse {
    /// The inner length that was read.
    pub length: usize,
    /// How many bytes are there.
    pub room: usize,
    /// Whether the message seems to begin with XML or JSON, as it does under the right key only.
    pub readable: bool,
}

impl Glimpse {
    /// Whether the key is right and the text was cut off.
    pub const fn is_cut(self) -> bool {
        self.readable && self.length > self.room && self.length < (1 << 24)
    }

    /// Whether the key is right.
    pub const fn fits(self) -> bool {
        self.readable && self.length < (1 << 24)
    }
}

/// Writes base64 as everybody reads it.
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode_to_string(bytes)
}

/// Decodes standard base64 with its padding; for explanations of what went wrong.
pub fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode_to_vec(text).ok()
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

impl fmt::Debug for MessageCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageCipher")
            .field("receiver_id", &self.receiver_id)
            .finish_non_exhaustive()
    }
}

/// A decrypted message. Made only by a [`MessageCipher`], after the receiver id was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain {
    buffer: Vec<u8>,
    message: Range<usize>,
    receiver_id: Range<usize>,
}

impl Plain {
    /// The message.
    pub fn message(&self) -> &[u8] {
        &self.buffer[self.message.clone()]
    }

    /// The message, moved to the front of the buffer that it was decrypted in.
    pub fn into_message(mut self) -> Vec<u8> {
        self.buffer.truncate(self.message.end);
        self.buffer.drain(..self.message.start);
        self.buffer
    }

    /// The 16 bytes before it.
    pub fn random(&self) -> &[u8] {
        &self.buffer[..RANDOM_LEN]
    }

    /// Whom it is for.
    pub fn receiver_id(&self) -> &[u8] {
        &self.buffer[self.receiver_id.clone()]
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plain({} bytes)", self.message.len())
    }
}

#[cfg(test)]
mod tests;
