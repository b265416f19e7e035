//! Verifies answers.

use http::HeaderMap;
use sha1::{Digest as _, Sha1};
use xinqiao_crypto::{
    Genuine, Hex,
    pay_v3::{Signed, VerifyError, statement_body},
};

use super::{Merchant, certificates, is_file};
use crate::{
    client::Client, error::Error, execute::Prepared, merchant::HeadProof, transport::Incoming,
};

/// The header that stands in for the body of an overseas statement.
const STATEMENT: &str = "wechatpay-statement-sha1";

/// Takes the signature of an answer or a notice from its headers; a missing header is empty.
pub fn signed_headers(headers: &HeaderMap) -> Signed<'_> {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    Signed {
        timestamp: text("wechatpay-timestamp"),
        nonce: text("wechatpay-nonce"),
        signature: text("wechatpay-signature"),
        serial: text("wechatpay-serial"),
        scheme: text("wechatpay-signature-type"),
    }
}

/// WECHAT: of an overseas statement its hash is signed, as JSON that is never sent.
fn statement(headers: &HeaderMap) -> Option<&str> {
    headers.get(STATEMENT)?.to_str().ok()
}

impl Merchant {
    /// Proves that the platform signed these bytes; an unknown serial leads to one download of its
    /// certificates, at most once a minute.
    ///
    /// Cancel safety: the keys are either all replaced or not at all.
    ///
    /// # Errors
    /// It did not, or the key that it names is not the platform's.
    pub async fn verify_or_refresh(
        &self,
        client: &Client,
        signed: &Signed<'_>,
        body: &[u8],
    ) -> Result<Genuine, VerifyError> {
        let now = client.inner.settings.clock.unix();
        match self.verify(signed, body, now) {
            Err(VerifyError::UnknownKey { serial }) => {
                self.look_for(client, &serial).await;
                self.verify(signed, body, now)
            }
            verdict => verdict,
        }
    }

    pub(crate) async fn check(
        &self,
        client: &Client,
        request: &Prepared,
        incoming: &Incoming,
    ) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        let success = (200..300).contains(&incoming.status);
        let signed = signed_headers(&incoming.headers);
        // A failure of some server in between is not the platform's and says so itself; a file is not
        // signed, and its hash was.
        if signed.signature.is_empty() && (!success || is_file(request)) {
            return Ok(());
        }
        if success && certificates::is_download(request) {
            return self.absorb(client, endpoint, incoming);
        }
        let body = match statement(&incoming.headers) {
            Some(hash) => {
                let found = Hex::<40>::from(<[u8; 20]>::from(Sha1::digest(&incoming.body)));
                if !found.as_str().eq_ignore_ascii_case(hash) {
                    let source = VerifyError::Mismatch;
                    return Err(Error::Signature { endpoint, source });
                }
                statement_body(hash).into_bytes().into()
            }
            None => incoming.body.clone(),
        };
        self.prove(client, endpoint, &signed, &body).await
    }

    /// As [`Self::check`], for a file that is still arriving.
    pub(crate) async fn check_head(
        &self,
        client: &Client,
        request: &Prepared,
        headers: &HeaderMap,
    ) -> Result<HeadProof, Error> {
        let endpoint = request.envelope.endpoint;
        let signed = signed_headers(headers);
        match statement(headers) {
            _ if signed.signature.is_empty() && is_file(request) => Ok(HeadProof::None),
            Some(hash) => {
                let body = statement_body(hash);
                self.prove(client, endpoint, &signed, body.as_bytes())
                    .await?;
                Ok(HeadProof::Sha1(hash.to_owned()))
            }
            None => Ok(HeadProof::Whole),
        }
    }

    async fn prove(
        &self,
        client: &Client,
        endpoint: &'static str,
        signed: &Signed<'_>,
        body: &[u8],
    ) -> Result<(), Error> {
        let verdict = self.verify_or_refresh(client, signed, body).await;
        if verdict == Err(VerifyError::Probe) {
            tracing::debug!(
                endpoint,
                "The platform probed whether signatures are checked."
            );
        }
        verdict
            .map(drop)
            .map_err(|source| Error::Signature { endpoint, source })
    }
}
