//! The master key: 32 bytes that seal everything else, held in memory only.
//!
//! It comes from the environment, from a file that nobody else may read, or, in development, from a
//! file that is made on the first start. Sub-keys are derived by HKDF-SHA256 with a label each, so
//! the master key itself seals nothing directly.

use std::{fmt, io::Write as _, path::Path};

use aws_lc_rs::{digest, hkdf};
use xinqiao_types::Entropy;

use crate::{MasterKeyError, Sealer};

/// The key that seals every other key.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

impl MasterKey {
    /// Reads 64 hexadecimal digits; white space around them is ignored.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let form = || MasterKeyError::Form {
            length: text.chars().count(),
        };
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(form());
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| form())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| form())?;
        }
        if key == [0; 32] {
            return Err(MasterKeyError::Zero);
        }
        Ok(Self(key))
    }

    /// Reads the key from a file that only its owner may read.
    pub fn from_file(path: &Path) -> Result<Self, MasterKeyError> {
        let file = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(file)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path).map_err(file)?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(MasterKeyError::Exposed {
                    path: path.to_owned(),
                    mode,
                });
            }
        }
        Self::parse(&text)
    }

    /// Reads the key from a file, or makes the file (mode 0600) with a new key. For development.
    pub fn load_or_generate(path: &Path, entropy: &dyn Entropy) -> Result<Self, MasterKeyError> {
        if path.exists() {
            return Self::from_file(path);
        }
        let file = |source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(file)?;
        }
        let key = Self::generate(entropy);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut out = options.open(path).map_err(file)?;
        let mut text = String::with_capacity(65);
        for byte in key.0 {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
        out.write_all(text.as_bytes())
            .and_then(|()| out.sync_all())
            .map_err(file)?;
        Ok(key)
    }

    /// A new key, for a store that does not outlive the process.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self(key)
    }

    /// Tells keys apart without giving anything away: eight hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let derived = self.derive("fingerprint");
        let hash = digest::digest(&digest::SHA256, &derived);
        hash.as_ref()
            .iter()
            .take(4)
            .fold(String::with_capacity(8), |mut text, byte| {
                use std::fmt::Write as _;
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    /// A sealer whose key is derived for this purpose only.
    pub fn sealer(&self, label: &str) -> Sealer {
        Sealer::new(&self.derive(label))
    }

    /// 32 bytes for this purpose only.
    pub(crate) fn derive(&self, label: &str) -> [u8; 32] {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"xinqiao");
        let mut key = [0; 32];
        salt.extract(&self.0)
            .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .expect("32 bytes is what HKDF-SHA256 gives in one block");
        key
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_types::SystemEntropy;

    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        assert!(MasterKey::parse(&"0f".repeat(32)).is_ok());
        assert!(matches!(
            MasterKey::parse("0f"),
            Err(MasterKeyError::Form { length: 2 })
        ));
        assert!(MasterKey::parse(&"zz".repeat(32)).is_err());
        let zeros = MasterKey::parse(&"00".repeat(32));
        assert!(matches!(zeros, Err(MasterKeyError::Zero)));
    }

    #[test]
    fn a_generated_key_file_is_private_and_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        let first = MasterKey::load_or_generate(&path, &SystemEntropy).unwrap();
        let second = MasterKey::load_or_generate(&path, &SystemEntropy).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(
                MasterKey::from_file(&path),
                Err(MasterKeyError::Exposed { .. })
            ));
        }
    }

    #[test]
    fn labels_give_different_keys() {
        let key = MasterKey::parse(&"07".repeat(32)).unwrap();
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_eq!(format!("{key:?}"), "MasterKey(***)");
    }
}
