//! Fields that travel encrypted: names, numbers of cards and papers, phone numbers.
//!
//! A typed request says itself where they are; of a call with free JSON the catalog says it.

use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;
use xinqiao_catalog::{Field, Product, type_def};
#[cfg(feature = "sm")]
use xinqiao_crypto::pay_v3::SmPublicKey;
use xinqiao_crypto::pay_v3::{EncryptError, PublicKey};
use xinqiao_types::UnixSeconds;
use xinqiao_wire::{Record, sensitive};

use super::{KeyRing, Merchant, SERIAL, Signer, bytes, certificates, json};
use crate::{
    client::Client,
    error::{Error, Refusal},
    execute::Prepared,
};

/// What says where the encrypted fields of a JSON text are.
#[derive(Clone, Copy)]
pub(crate) enum Marks<'a> {
    /// The record that was, or is to be, written.
    Record(&'a dyn Record),
    /// The catalog.
    Catalog(Product, &'a [Field]),
}

impl Marks<'_> {
    pub(crate) fn visit(self, value: &mut Value, with: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Record(record) => sensitive::visit(record, value, with),
            Self::Catalog(product, fields) => visit(product, fields, value, with),
        }
    }

    /// Whether there may be any, told without the JSON.
    pub(crate) fn may_be_in(self) -> bool {
        match self {
            Self::Record(record) => sensitive::is_in(record),
            Self::Catalog(product, fields) => marked(product, fields, &mut Vec::new()),
        }
    }
}

/// Whether a shape marks a field, at any depth.
fn marked(product: Product, fields: &[Field], seen: &mut Vec<u32>) -> bool {
    fields.iter().any(|field| {
        let below = field.ty.named().filter(|id| !seen.contains(&id.0));
        field.encrypted
            || below.is_some_and(|id| {
                seen.push(id.0);
                type_def(product, id).is_some_and(|def| marked(product, &def.shape.fields, seen))
            })
    })
}

/// Calls `with` for every text that the catalog marks as encrypted.
fn visit(product: Product, fields: &[Field], value: &mut Value, with: &mut dyn FnMut(&mut String)) {
    let Value::Object(object) = value else {
        return;
    };
    for field in fields {
        let Some(value) = object.get_mut(field.name) else {
            continue;
        };
        let def = field.ty.named().and_then(|id| type_def(product, id));
        below(
            product,
            field,
            def.map(|def| &*def.shape.fields),
            value,
            with,
        );
    }
}

fn below(
    product: Product,
    field: &Field,
    fields: Option<&[Field]>,
    value: &mut Value,
    with: &mut dyn FnMut(&mut String),
) {
    match (value, fields) {
        (Value::Array(items), _) => {
            for item in items {
                below(product, field, fields, item, with);
            }
        }
        (Value::String(text), _) if field.encrypted && !text.is_empty() => with(text),
        (value @ Value::Object(_), Some(fields)) => visit(product, fields, value, with),
        _ => {}
    }
}

/// The platform's key that fields are encrypted with.
enum Sealer<'k> {
    Rsa(&'k PublicKey),
    #[cfg(feature = "sm")]
    Sm(&'k SmPublicKey),
}

impl Sealer<'_> {
    fn encrypt(&self, plain: &str) -> Result<String, EncryptError> {
        match self {
            Self::Rsa(key) => key.encrypt(plain),
            #[cfg(feature = "sm")]
            Self::Sm(key) => key.encrypt(plain),
        }
    }
}

impl Merchant {
    /// The platform's key of the merchant's own family of algorithms, with its name.
    fn sealer<'k>(&self, ring: &'k KeyRing, now: UnixSeconds) -> Option<(&'k str, Sealer<'k>)> {
        match &self.0.signer {
            Signer::Rsa(_) => {
                let (serial, key) = ring.for_encryption(now)?;
                Some((serial, Sealer::Rsa(key)))
            }
            #[cfg(feature = "sm")]
            Signer::Sm(_) => {
                let (serial, key) = ring.for_sm_encryption(now)?;
                Some((serial, Sealer::Sm(key)))
            }
        }
    }

    /// Encrypts the marked fields of a request with the platform's key, and names that key.
    pub(crate) async fn seal(
        &self,
        client: &Client,
        marks: Marks<'_>,
        request: &mut Prepared,
    ) -> Result<(), Error> {
        if request.signed.is_some() || request.body.is_empty() || !marks.may_be_in() {
            return Ok(());
        }
        let endpoint = request.envelope.endpoint;
        let mut value = json(endpoint, &request.body.concat())?;
        let mut found = false;
        marks.visit(&mut value, &mut |_| found = true);
        if !found {
            return Ok(());
        }
        self.have_keys(client, endpoint).await?;
        let ring = self.platform_keys();
        let now = client.inner.settings.clock.unix();
        let Some((serial, key)) = self.sealer(&ring, now) else {
            return Err(Error::Credential {
                endpoint,
                reason:
                    "no key of the platform is valid now, and fields must be encrypted with one"
                        .into(),
            });
        };
        let mut refused = None;
        marks.visit(&mut value, &mut |text| match key.encrypt(text) {
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
        request.body = bytes(&value).into();
        Ok(())
    }

    /// Decrypts the marked fields of an answer with the merchant's private key; a new body, if there were
    /// any.
    pub(crate) async fn unseal(
        &self,
        endpoint: &'static str,
        marks: Marks<'_>,
        body: &[u8],
    ) -> Result<Option<Bytes>, Error> {
        // A certificate is sealed with the APIv3 key, and was opened when the answer was proved.
        if body.is_empty() || certificates::is_sealed(endpoint) || !marks.may_be_in() {
            return Ok(None);
        }
        let mut value = json(endpoint, body)?;
        let mut sealed = Vec::new();
        marks.visit(&mut value, &mut |text| sealed.push(text.clone()));
        if sealed.is_empty() {
            return Ok(None);
        }
        let signer = self.0.signer.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let all = sealed.iter().map(|text| signer.decrypt(text));
            all.collect::<Result<Vec<_>, _>>()
        });
        let opened = opened.await.expect("decrypting does not panic");
        let opened = opened.map_err(|error| Error::Decode {
            endpoint,
            path: "".into(),
            source: error.into(),
        })?;
        let mut opened = opened.into_iter();
        marks.visit(&mut value, &mut |text| {
            if let Some(plain) = opened.next() {
                *text = plain;
            }
        });
        Ok(Some(bytes(&value)))
    }
}
