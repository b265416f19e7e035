//! Fields that travel encrypted: names, numbers of cards and papers, phone numbers.

use bytes::Bytes;
use http::HeaderValue;
use xinqiao_wire::{Record, sensitive};

use super::{Merchant, SERIAL, bytes, json};
use crate::{
    client::Client,
    error::{Error, Refusal},
    execute::Prepared,
};

impl Merchant {
    /// Encrypts the marked fields of a request with the platform's key, and names that key.
    pub(crate) async fn seal(
        &self,
        client: &Client,
        record: &dyn Record,
        request: &mut Prepared,
    ) -> Result<(), Error> {
        if request.signed.is_some() || !sensitive::is_in(record) {
            return Ok(());
        }
        let endpoint = request.envelope.endpoint;
        self.have_keys(client, endpoint).await?;
        let ring = self.platform_keys();
        let now = client.inner.settings.clock.unix();
        let Some((serial, key)) = ring.for_encryption(now) else {
            return Err(Error::Credential {
                endpoint,
                reason:
                    "no key of the platform is valid now, and fields must be encrypted with one"
                        .into(),
            });
        };
        let mut value = json(endpoint, &request.body.concat())?;
        let mut refused = None;
        sensitive::visit(record, &mut value, &mut |text| match key.encrypt(text) {
            Ok(sealed) => *text = sealed,
            Err(error) => refused = Some(error),
        });
        if let Some(error) = refused {
            return Err(Error::Preflight {
                endpoint,
                reason: Refusal::Request(error.to_string().into()),
            });
        }
        if HeaderValue::from_str(serial).is_ok() {
            request
                .headers
                .push((SERIAL.as_str().to_owned(), serial.to_owned()));
        }
        request.body = vec![bytes(&value)];
        Ok(())
    }

    /// Decrypts the marked fields of an answer with the merchant's private key.
    pub(crate) async fn unseal(
        &self,
        endpoint: &'static str,
        record: &dyn Record,
        body: &[u8],
    ) -> Result<Option<Bytes>, Error> {
        if body.is_empty() || !sensitive::is_in(record) {
            return Ok(None);
        }
        let mut value = json(endpoint, body)?;
        let mut sealed = Vec::new();
        sensitive::visit(record, &mut value, &mut |text| sealed.push(text.clone()));
        let key = self.0.key.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let all = sealed.iter().map(|text| key.decrypt(text));
            all.collect::<Result<Vec<_>, _>>()
        });
        let opened = opened.await.expect("decrypting does not panic");
        let opened = opened.map_err(|error| Error::Decode {
            endpoint,
            path: "".into(),
            source: error.into(),
        })?;
        let mut opened = opened.into_iter();
        sensitive::visit(record, &mut value, &mut |text| {
            if let Some(plain) = opened.next() {
                *text = plain;
            }
        });
        Ok(Some(bytes(&value)))
    }
}
