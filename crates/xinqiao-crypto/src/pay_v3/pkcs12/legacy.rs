//! The encryption of older files: RC2 for certificates, 3DES for keys, under a key that SHA-1 derives.
//!
//! RC2 and two-key 3DES are read and never written.
//!
//! Source: RFC 7292, appendices B and C.

use std::num::NonZeroU32;

use cbc::cipher::{
    Array, BlockCipherDecrypt, BlockModeDecrypt as _, BlockModeEncrypt as _, InnerIvInit as _,
    KeyInit as _, consts::U8,
};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::{INTEGER, KeyError, OBJECT, OCTET_STRING, Reader, SEQUENCE, iterations, unpadded};

/// All algorithms of this kind but for their last number.
const PREFIX: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";
/// 3DES with three keys.
pub(super) const TDES3: [u8; 10] = *b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03";
/// Block of SHA-1, in bytes.
const HASH_BLOCK: usize = 64;
/// What a derived text is for.
const FOR_KEY: u8 = 1;
const FOR_IV: u8 = 2;
const FOR_CHECKSUM: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cipher {
    /// 3DES with three keys.
    Tdes3,
    /// 3DES with two keys.
    Tdes2,
    /// RC2 with 128 bits.
    Rc2128,
    /// RC2 with 40 bits.
    Rc240,
}

/// How something in the file is encrypted.
pub(super) struct Legacy<'a> {
    cipher: Cipher,
    salt: &'a [u8],
    iterations: NonZeroU32,
}

pub(super) fn read(mut algorithm: Reader<'_>) -> Option<Legacy<'_>> {
    let cipher = match algorithm.content(OBJECT)?.strip_prefix(PREFIX)? {
        [3] => Cipher::Tdes3,
        [4] => Cipher::Tdes2,
        [5] => Cipher::Rc2128,
        [6] => Cipher::Rc240,
        _ => return None,
    };
    let mut parameters = algorithm.inside(SEQUENCE)?;
    Some(Legacy {
        cipher,
        salt: parameters.content(OCTET_STRING)?,
        iterations: iterations(parameters.content(INTEGER)?)?,
    })
}

impl Legacy<'_> {
    pub(super) fn decrypt(
        &self,
        sealed: &[u8],
        password: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key = |length| derive(FOR_KEY, length, password, self.salt, self.iterations);
        let iv = derive(FOR_IV, 8, password, self.salt, self.iterations);
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let done = match self.cipher {
            Cipher::Tdes3 => TdesEde3::new_from_slice(&key(24))
                .ok()
                .and_then(|cipher| blocks(&cipher, &iv, &mut buffer)),
            Cipher::Tdes2 => TdesEde2::new_from_slice(&key(16))
                .ok()
                .and_then(|cipher| blocks(&cipher, &iv, &mut buffer)),
            Cipher::Rc2128 => blocks(&Rc2::new_with_eff_key_len(&key(16), 128), &iv, &mut buffer),
            Cipher::Rc240 => blocks(&Rc2::new_with_eff_key_len(&key(5), 40), &iv, &mut buffer),
        };
        done.ok_or(KeyError::Pkcs12)?;
        unpadded(buffer, 8)
    }
}

fn blocks<C: BlockCipherDecrypt<BlockSize = U8>>(
    cipher: &C,
    iv: &[u8],
    buffer: &mut [u8],
) -> Option<()> {
    let (blocks, rest) = Array::<u8, U8>::slice_as_chunks_mut(buffer);
    if blocks.is_empty() || !rest.is_empty() {
        return None;
    }
    let iv = <&Array<u8, U8>>::try_from(iv).ok()?;
    cbc::Decryptor::inner_iv_init(cipher, iv).decrypt_blocks(blocks);
    Some(())
}

/// Encrypts with three-key 3DES.
pub(super) fn encrypt(
    plain: &[u8],
    password: &str,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Option<Vec<u8>> {
    let key = derive(FOR_KEY, 24, password, salt, iterations);
    let iv = derive(FOR_IV, 8, password, salt, iterations);
    let cipher = TdesEde3::new_from_slice(&key).ok()?;
    let padding = 8 - plain.len() % 8;
    // Made at once in its full length, so that nothing of it is left behind.
    let mut buffer = Zeroizing::new(vec![padding as u8; plain.len() + padding]);
    buffer[..plain.len()].copy_from_slice(plain);
    let (blocks, _) = Array::<u8, U8>::slice_as_chunks_mut(&mut buffer);
    let iv = <&Array<u8, U8>>::try_from(&iv[..]).ok()?;
    cbc::Encryptor::inner_iv_init(&cipher, iv).encrypt_blocks(blocks);
    Some(buffer.to_vec())
}

/// The key of the file's checksum.
pub(super) fn checksum_key(
    password: &str,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Zeroizing<Vec<u8>> {
    derive(FOR_CHECKSUM, 20, password, salt, iterations)
}

/// Derives a text from a password (appendix B.2), with SHA-1.
fn derive(
    purpose: u8,
    length: usize,
    password: &str,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Zeroizing<Vec<u8>> {
    // The password in two bytes a character, closed with a zero.
    let wide = password.encode_utf16().chain([0]);
    let wide: Zeroizing<Vec<u8>> = Zeroizing::new(wide.flat_map(u16::to_be_bytes).collect());
    let filled = |text: &[u8]| -> Vec<u8> {
        let length = text.len().div_ceil(HASH_BLOCK) * HASH_BLOCK;
        text.iter().copied().cycle().take(length).collect()
    };
    let mut input = Zeroizing::new(filled(salt));
    input.extend(filled(&wide));
    let mut out = Zeroizing::new(Vec::with_capacity(length + 20));
    while out.len() < length {
        let mut hash = Sha1::new_with_prefix([purpose; HASH_BLOCK])
            .chain_update(&*input)
            .finalize();
        for _ in 1..iterations.get() {
            hash = Sha1::digest(hash);
        }
        out.extend_from_slice(&hash);
        // Each block of the input is raised by the hash, as a number, and by one.
        for block in input.chunks_exact_mut(HASH_BLOCK) {
            let mut carry = 1_u16;
            for (at, byte) in block.iter_mut().enumerate().rev() {
                let sum = u16::from(*byte) + u16::from(hash[at % hash.len()]) + carry;
                *byte = (sum & 0xff) as u8;
                carry = sum >> 8;
            }
        }
    }
    out.truncate(length);
    out
}
