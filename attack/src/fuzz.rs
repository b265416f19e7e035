//! Fuzz targets: everything that reads bytes of others, as functions of bytes.
//!
//! A target panics when something does not hold: what was read is written and read again to the same, what was sealed
//! opens, nothing real leaves. `fuzz/` runs them with a fuzzer, a stable test feeds the committed seeds through them.

mod answers;
mod calls;
mod codec;
mod message;
mod pay;
mod records;
#[cfg(feature = "servers")]
mod servers;

/// A function that takes any bytes, by the name of its seeds' folder.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("xml", message::xml),
    ("envelope", message::envelope),
    ("codec", codec::codec),
    ("answer", answers::answer),
    ("encrypted_data", answers::encrypted_data),
    ("call", calls::call),
    ("address", calls::address),
    ("key_file", pay::key_file),
    ("pkcs12", pay::pkcs12),
    ("notice_v2", pay::notice_v2),
    ("notice_v3", pay::notice_v3),
    ("bill", pay::bill),
    #[cfg(feature = "servers")]
    ("configuration", servers::configuration),
    #[cfg(feature = "servers")]
    ("multipart", servers::multipart),
    #[cfg(feature = "servers")]
    ("relay", servers::relay),
];

/// Runs one target.
///
/// # Panics
/// Something does not hold, or no target has this name.
pub fn run(name: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.expect("the name of a target");
    target(data);
}
