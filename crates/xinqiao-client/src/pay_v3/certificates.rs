//! Downloads the platform's certificates.
//!
//! The first download cannot be verified by what is known; it proves itself: its certificates open with
//! the APIv3 key, and the answer is signed with one of them.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use xinqiao_catalog::id;
#[cfg(feature = "sm")]
use xinqiao_crypto::pay_v3::SmCertificate;
use xinqiao_crypto::pay_v3::{Certificate, KeyRing};

use super::{Merchant, json as parse, verify::signed_headers};
use crate::{client::Client, error::Error, execute::Prepared, transport::Incoming};

/// After how long certificates are asked for again.
pub const REFRESH: Duration = Duration::from_hours(12);

/// How many seconds must lie between two downloads that an unknown serial leads to.
const LEAST_PAUSE: i64 = 60;

/// The download.
pub(super) const DOWNLOAD: &str = id::pay_v3::base::GET_CERTIFICATES;
/// The download of cross-border pay, which stands on another host.
pub(super) const GLOBAL: &str = id::pay_global::base::GET_CERTIFICATES;

/// Whether the request is the download itself.
pub(super) fn is_download(request: &Prepared) -> bool {
    is_sealed(request.envelope.endpoint)
}

/// Whether an answer of the endpoint is sealed with the APIv3 key.
pub(super) fn is_sealed(endpoint: &str) -> bool {
    [DOWNLOAD, GLOBAL].contains(&endpoint)
}

impl Client {
    /// Downloads the platform's certificates now. Calls do it themselves when none is known, when they
    /// meet an unknown serial, and every [`REFRESH`]; a receiver of notices calls it on a timer.
    ///
    /// Cancel safety: the keys are either all replaced or not at all.
    ///
    /// # Errors
    /// The client has no merchant of the third generation, the merchant has no certificates because it is
    /// in public-key mode, or what came does not prove itself.
    pub async fn refresh_platform_certificates(&self) -> Result<(), Error> {
        // The answer is absorbed where it is verified.
        let (endpoint, fields) = match self.merchant() {
            Some(crate::Merchant::V3(merchant)) if merchant.is_sm() => {
                (merchant.0.download, json!({"algorithm_type": "ALL"}))
            }
            Some(crate::Merchant::V3(merchant)) => (merchant.0.download, json!({})),
            _ => (DOWNLOAD, json!({})),
        };
        self.call(endpoint, fields).await.map(drop)
    }
}

impl Merchant {
    /// Makes sure that there is a key to verify an answer with.
    pub(super) async fn have_keys(
        &self,
        client: &Client,
        endpoint: &'static str,
    ) -> Result<(), Error> {
        let now = client.inner.settings.clock.unix();
        let due = |merchant: &Self| {
            let platform = merchant.0.platform.read();
            let platform = platform.unwrap_or_else(PoisonError::into_inner);
            let old = platform
                .asked
                .is_none_or(|asked| now.since(asked).unsigned_abs() >= REFRESH.as_secs());
            (
                platform.ring.is_empty(),
                old && platform.ring.public_key_id().is_none(),
            )
        };
        if due(self) == (false, false) {
            return Ok(());
        }
        let _one = self.0.flight.lock().await;
        let (empty, old) = due(self);
        if !empty && !old {
            return Ok(());
        }
        match client.refresh_platform_certificates().await {
            Ok(()) => Ok(()),
            Err(error) if empty => Err(error),
            Err(error) => {
                tracing::warn!(
                    endpoint, error = %error,
                    "Platform certificates could not be renewed, the known ones stay."
                );
                self.asked(now.0);
                Ok(())
            }
        }
    }

    /// Downloads certificates because a serial is unknown, unless that was just done.
    pub(super) async fn look_for(&self, client: &Client, serial: &str) {
        let _one = self.0.flight.lock().await;
        let now = client.inner.settings.clock.unix();
        let asked = {
            let platform = self.0.platform.read();
            platform.unwrap_or_else(PoisonError::into_inner).asked
        };
        let known = self.platform_keys().knows(serial);
        // A wrong serial must not lead to a download with every call.
        if known || asked.is_some_and(|asked| now.since(asked).abs() < LEAST_PAUSE) {
            return;
        }
        self.asked(now.0);
        if let Err(error) = client.refresh_platform_certificates().await {
            tracing::warn!(error = %error, "Platform certificates could not be downloaded.");
        }
    }

    fn asked(&self, now: i64) {
        let platform = self.0.platform.write();
        platform.unwrap_or_else(PoisonError::into_inner).asked = Some(now.into());
    }

    /// Takes the certificates of a download over, if it proves itself.
    pub(super) fn absorb(
        &self,
        client: &Client,
        endpoint: &'static str,
        incoming: &Incoming,
    ) -> Result<(), Error> {
        let now = client.inner.settings.clock.unix();
        let body = parse(endpoint, &incoming.body)?;
        let mut ring = KeyRing::clone(&self.platform_keys());
        for entry in body["data"].as_array().into_iter().flatten() {
            let pem = self.open_certificate(endpoint, &entry["encrypt_certificate"])?;
            #[cfg(feature = "sm")]
            if let Ok(certificate) = SmCertificate::from_pem(&pem) {
                ring.add_sm_certificate(&certificate);
                continue;
            }
            let certificate = Certificate::from_pem(&pem).map_err(|error| Error::Decode {
                endpoint,
                path: "data.encrypt_certificate".into(),
                source: error.into(),
            })?;
            ring.add_certificate(&certificate);
        }
        let signed = signed_headers(&incoming.headers);
        ring.verify(&signed, &incoming.body, now)
            .map(drop)
            .map_err(|source| Error::Signature { endpoint, source })?;
        let platform = self.0.platform.write();
        let mut platform = platform.unwrap_or_else(PoisonError::into_inner);
        platform.ring = Arc::new(ring);
        platform.asked = Some(now);
        Ok(())
    }

    fn open_certificate(&self, endpoint: &'static str, sealed: &Value) -> Result<String, Error> {
        let text = |name: &str| sealed[name].as_str().unwrap_or_default();
        let (algorithm, nonce) = (text("algorithm"), text("nonce"));
        let wrong = |source| Error::Decode {
            endpoint,
            path: "data.encrypt_certificate".into(),
            source,
        };
        let pem = self
            .open(
                algorithm,
                nonce,
                text("associated_data"),
                text("ciphertext"),
            )
            .map_err(|error| wrong(error.into()))?;
        String::from_utf8(pem).map_err(|error| wrong(error.into()))
    }
}
