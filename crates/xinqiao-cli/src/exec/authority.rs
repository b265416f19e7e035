//! The project's certificate authority: it vouches for platform hosts on this machine, nothing else.
//!
//! The key lives in `.xinqiao/ca/`, readable by its owner only, and never leaves the machine. The
//! certificate is name-constrained to the platform hosts and to no address at all, so a program
//! that trusts it cannot be fooled about any other site. Leaves live in memory and last a week.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, SerialNumber, date_time_ymd,
};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use xinqiao_types::shanghai::{self, DAY};
use xinqiao_types::{Clock, Entropy, UnixSeconds};

use super::came::{self, Anybodys};
use crate::hex;
use crate::lang::either;

/// How long an authority is used before a new one takes its place, in days.
const AUTHORITY_DAYS: i64 = 365;
/// An authority with fewer days left is replaced at the next start.
const RENEW_DAYS: i64 = 30;
/// How long a leaf is good, in days; a fresh one is made every day.
const LEAF_DAYS: i64 = 7;

/// What the certificate says; it is rebuilt from this, so nothing has to parse a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Description {
    hosts: Vec<String>,
    serial: String,
    /// Days since 1970.
    from: i64,
    until: i64,
}

/// The authority, ready to answer for platform hosts.
pub(crate) struct Authority {
    folder: PathBuf,
    pem: String,
    der: CertificateDer<'static>,
    hosts: Vec<String>,
    issuer: Issuer<'static, KeyPair>,
    leaf_key: KeyPair,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// host → (day it was made, what to serve).
    leaves: Mutex<HashMap<String, (i64, Arc<ServerConfig>)>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("folder", &self.folder)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Opens the project's authority, or makes one: where none is, where the hosts have changed, or
    /// where it ends soon.
    pub(crate) fn open(
        project: &Path,
        hosts: &[String],
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> anyhow::Result<Self> {
        let folder = project.join("ca");
        let today = clock.unix().0 / DAY;
        let kept = load(&folder).ok().filter(|(description, _)| {
            description.hosts == hosts
                && description.from <= today
                && today + RENEW_DAYS < description.until
        });
        let (description, key) = match kept {
            Some(kept) => kept,
            None => make(&folder, hosts, today, entropy.as_ref())?,
        };
        let params = authority_params(&description)?;
        let certificate = params
            .self_signed(&key)
            .context(either("项目证书", "certificate of the authority"))?;
        let pem = certificate.pem();
        let certificate_path = folder.join("ca.pem");
        // Signing again gives other bytes; the first ones stay, since programs may have read them.
        let pem = match fs::read_to_string(&certificate_path) {
            Ok(kept) if !kept.is_empty() => kept,
            _ => {
                crate::project::write_private(&certificate_path, pem.as_bytes())
                    .with_context(|| crate::project::unwritable(&certificate_path))?;
                pem
            }
        };
        Ok(Self {
            folder,
            der: der_of(&pem)?,
            pem,
            hosts: hosts.to_vec(),
            issuer: Issuer::new(params, key),
            leaf_key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
                .context(either("主机证书的密钥", "key of a leaf"))?,
            clock,
            entropy,
            leaves: Mutex::default(),
        })
    }

    /// Where the authority and what is derived from it live.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// SHA-256 of the public key of every leaf, in Base64: what a browser trusts leaves by that is told of no root. The key is
    /// another at each start.
    pub(crate) fn leaf_fingerprint(&self) -> String {
        use rcgen::PublicKeyData as _;
        let key = self.leaf_key.subject_public_key_info();
        base64_simd::STANDARD.encode_to_string(Sha256::digest(&key))
    }

    /// The certificate, to be trusted.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// What to serve as `host`; only platform hosts get a leaf. Who names no host gets one for all of them.
    pub(crate) fn server_config(&self, host: Option<&str>) -> anyhow::Result<Arc<ServerConfig>> {
        let host = host.unwrap_or_default();
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        anyhow::ensure!(
            host.is_empty() || self.hosts.contains(&host),
            "{}",
            either(
                format!("{host} 不是平台域名"),
                format!("{host} is not a platform host")
            )
        );
        let today = self.clock.unix().0 / DAY;
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((day, config)) = leaves.get(&host)
            && *day == today
        {
            return Ok(config.clone());
        }
        let config = Arc::new(self.leaf(&host, today)?);
        leaves.insert(host, (today, config.clone()));
        Ok(config)
    }

    /// A leaf for this host, or for all where it is empty.
    fn leaf(&self, host: &str, today: i64) -> anyhow::Result<ServerConfig> {
        let names = match host {
            "" => self.hosts.clone(),
            host => vec![host.to_owned()],
        };
        let asks = names.iter().any(|name| came::wants_certificate(name));
        let first = names.first().cloned().unwrap_or_default();
        let mut params = CertificateParams::new(names).context(either("主机证书", "leaf"))?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, first);
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Xinqiao, simulated");
        params.serial_number = Some(serial(self.entropy.as_ref()));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (year, month, day) = date(today - 1);
        params.not_before = date_time_ymd(year, month, day);
        let (year, month, day) = date(today + LEAF_DAYS);
        params.not_after = date_time_ymd(year, month, day);
        let leaf = params
            .signed_by(&self.leaf_key, &self.issuer)
            .context(either("主机证书", "leaf"))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let anybodys = Anybodys(provider.signature_verification_algorithms);
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context(either("TLS 版本", "protocol versions"))?;
        let config = if asks {
            config.with_client_cert_verifier(Arc::new(anybodys))
        } else {
            config.with_no_client_auth()
        };
        let mut config = config
            .with_single_cert(vec![leaf.der().clone(), self.der.clone()], key)
            .context(either("主机证书", "leaf"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn load(folder: &Path) -> anyhow::Result<(Description, KeyPair)> {
    let description = serde_json::from_slice(&fs::read(folder.join("ca.json"))?)?;
    let key = KeyPair::from_pem(&fs::read_to_string(folder.join("key.pem"))?)?;
    Ok((description, key))
}

/// Makes a new authority beside the old one and swaps them, so that nobody sees half of one.
fn make(
    folder: &Path,
    hosts: &[String],
    today: i64,
    entropy: &dyn Entropy,
) -> anyhow::Result<(Description, KeyPair)> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    let fresh = tempfile::Builder::new()
        .prefix("ca-")
        .tempdir_in(parent)
        .with_context(|| crate::project::unwritable(parent))?;
    let description = Description {
        hosts: hosts.to_vec(),
        serial: hex::encode(serial(entropy).as_ref()),
        from: today - 1,
        until: today + AUTHORITY_DAYS,
    };
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        .context(either("项目证书的密钥", "key of the authority"))?;
    let certificate = authority_params(&description)?.self_signed(&key)?;
    let write =
        |name: &str, bytes: &[u8]| crate::project::write_private(&fresh.path().join(name), bytes);
    write("key.pem", key.serialize_pem().as_bytes())?;
    write("ca.pem", certificate.pem().as_bytes())?;
    write("ca.json", &serde_json::to_vec_pretty(&description)?)?;
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| crate::project::unwritable(folder))?;
    }
    match fs::rename(fresh.path(), folder) {
        Ok(()) => {
            let _ = fresh.keep();
            Ok((description, key))
        }
        // Another `exec` was faster: its authority is as good.
        Err(_) if folder.join("ca.json").exists() => load(folder),
        Err(error) => Err(error).with_context(|| crate::project::unwritable(folder)),
    }
}

fn authority_params(description: &Description) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(
        DnType::CommonName,
        format!(
            "Xinqiao project CA {}",
            description.serial.get(..8).unwrap_or_default()
        ),
    );
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Xinqiao, simulated");
    params.serial_number = Some(SerialNumber::from_slice(&hex::decode(&description.serial)));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let (year, month, day) = date(description.from);
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = date(description.until);
    params.not_after = date_time_ymd(year, month, day);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: description
            .hosts
            .iter()
            .map(|host| GeneralSubtree::DnsName(host.clone()))
            .collect(),
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)),
        ],
    });
    Ok(params)
}

/// Year, month and day of a number of days since 1970. When a day begins in UTC, Shanghai has the same date.
fn date(days: i64) -> (i32, u8, u8) {
    shanghai::date(UnixSeconds(days.saturating_mul(DAY)))
}

/// Sixteen bytes that make a positive number.
fn serial(entropy: &dyn Entropy) -> SerialNumber {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn der_of(pem: &str) -> anyhow::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
        let what = either("项目证书", "certificate of the authority");
        anyhow::anyhow!("{what}: {error}")
    })
}

#[cfg(test)]
mod tests {
    use xinqiao_types::{ManualClock, SeededEntropy};

    use super::*;

    fn open(project: &Path, hosts: &[&str], at: i64) -> Authority {
        let hosts: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
        Authority::open(
            project,
            &hosts,
            Arc::new(ManualClock::at(at)),
            Arc::new(SeededEntropy::new(1)),
        )
        .expect("an authority")
    }

    const NOW: i64 = 1_780_000_000;

    #[test]
    fn the_same_authority_is_opened_again() {
        let project = tempfile::tempdir().expect("a folder");
        let first = open(project.path(), &["api.weixin.qq.com"], NOW)
            .pem()
            .to_owned();
        let second = open(project.path(), &["api.weixin.qq.com"], NOW + DAY)
            .pem()
            .to_owned();
        assert_eq!(first, second);
    }

    #[test]
    fn other_hosts_or_age_make_a_new_one() {
        let project = tempfile::tempdir().expect("a folder");
        let first = open(project.path(), &["api.weixin.qq.com"], NOW)
            .pem()
            .to_owned();
        let more = open(
            project.path(),
            &["api.weixin.qq.com", "mp.weixin.qq.com"],
            NOW,
        );
        assert_ne!(first, more.pem());
        let later = open(
            project.path(),
            &["api.weixin.qq.com", "mp.weixin.qq.com"],
            NOW + (AUTHORITY_DAYS - RENEW_DAYS) * DAY,
        );
        assert_ne!(more.pem(), later.pem());
    }

    #[test]
    fn leaves_are_for_platform_hosts_only_and_fresh_every_day() {
        let project = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::at(NOW));
        let authority = Authority::open(
            project.path(),
            &["api.weixin.qq.com".to_owned()],
            clock.clone(),
            Arc::new(SeededEntropy::new(1)),
        )
        .expect("an authority");
        assert!(authority.server_config(Some("example.com")).is_err());
        let first = authority
            .server_config(Some("API.weixin.qq.com"))
            .expect("a leaf");
        let again = authority
            .server_config(Some("api.weixin.qq.com"))
            .expect("a leaf");
        assert!(Arc::ptr_eq(&first, &again));
        clock.advance(DAY);
        let tomorrow = authority
            .server_config(Some("api.weixin.qq.com"))
            .expect("a leaf");
        assert!(!Arc::ptr_eq(&first, &tomorrow));
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let project = tempfile::tempdir().expect("a folder");
        let authority = open(project.path(), &["api.weixin.qq.com"], NOW);
        let mode = fs::metadata(authority.folder().join("key.pem"))
            .expect("a key")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
