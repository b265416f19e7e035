//! The credential of business pay (微企付).
//!
//! Requests are signed with the platform's (平台商) private key, answers verified with the public key of the
//! operator (TBEP). Sensitive fields are encrypted with SM4 under a key that is made for each request and
//! travels with it; that needs the feature `sm`.
//!
//! Notices of this product are not verified here: how they are signed is not described in public.
//!
//! Source: the operator's PHP SDK (`Entpay\\Mse\\Client`), version 3.16.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use serde_json::Value;
use xinqiao_crypto::{
    pay_business::{ALGORITHM, header_field},
    pay_v3::{KeyError, PrivateKey, PublicKey, Request, VerifyError, answer_message},
};
use xinqiao_types::MchId;

use crate::{
    answer::Answer,
    client::Client,
    error::{AnswerCode, ApiError, Error},
    execute::Prepared,
    merchant::{HeadProof, secret_header},
    pay_v3::{Marks, is_file, target},
    transport::{Incoming, Outgoing},
};

const PROOF: HeaderName = HeaderName::from_static("tbep-authorization");
#[cfg(feature = "sm")]
const ENCRYPTION: HeaderName = HeaderName::from_static("tbep-encrypt");
const ENTERPRISE: HeaderName = HeaderName::from_static("enterprise-authorization");

/// A platform of business pay. Cheap to clone.
#[derive(Clone)]
pub struct Platform(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    id: MchId,
    serial: String,
    key: PrivateKey,
    operator_serial: String,
    operator_key: PublicKey,
    enterprise: Option<Enterprise>,
}

#[derive(Clone)]
struct Enterprise {
    id: String,
    serial: String,
    key: PrivateKey,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("pay_business::Platform")
            .field("id", &self.0.id)
            .field("serial", &self.0.serial)
            .finish_non_exhaustive()
    }
}

impl Platform {
    /// A platform with its id, the serial of its certificate and its private key (PEM), and the operator's
    /// serial and public key (PEM), as the operator's console shows them.
    ///
    /// # Errors
    /// One of the keys is no RSA key in PEM.
    pub fn new(
        id: impl Into<MchId>,
        serial: impl Into<String>,
        private_key: &str,
        operator_serial: impl Into<String>,
        operator_key: &str,
    ) -> Result<Self, KeyError> {
        Ok(Self(Arc::new(Inner {
            id: id.into(),
            serial: serial.into(),
            key: PrivateKey::from_pem(private_key)?,
            operator_serial: operator_serial.into(),
            operator_key: PublicKey::from_pem(operator_key)?,
            enterprise: None,
        })))
    }

    /// Signs for an enterprise too, with its id, the serial of its certificate and its private key (PEM).
    ///
    /// # Errors
    /// The key is no RSA key in PEM.
    pub fn with_enterprise(
        mut self,
        id: impl Into<String>,
        serial: impl Into<String>,
        private_key: &str,
    ) -> Result<Self, KeyError> {
        Arc::make_mut(&mut self.0).enterprise = Some(Enterprise {
            id: id.into(),
            serial: serial.into(),
            key: PrivateKey::from_pem(private_key)?,
        });
        Ok(self)
    }

    /// The platform's id.
    pub fn id(&self) -> &MchId {
        &self.0.id
    }

    pub(crate) async fn sign(
        &self,
        client: &Client,
        request: &Prepared,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        let timestamp = client.inner.settings.clock.unix().0;
        let nonce = client.nonce();
        let body = match &request.signed {
            Some(part) => part.to_vec(),
            None => outgoing.body.concat(),
        };
        let message = Request {
            method: request.method,
            target: target(&outgoing.url),
            timestamp,
            nonce: &nonce,
            body: &body,
        };
        let (message, inner) = (message.message(), Arc::clone(&self.0));
        let signed = tokio::task::spawn_blocking(move || {
            let signature = inner.key.sign(&message);
            let enterprise = inner.enterprise.as_ref().map(|enterprise| {
                // The enterprise signs the bytes of the platform's signature.
                let raw = xinqiao_crypto::decode_base64(signature.as_bytes());
                enterprise.key.sign(&raw.unwrap_or_default())
            });
            (signature, enterprise)
        });
        let (signature, enterprise) = signed.await.expect("signing does not panic");
        let text = format!(
            "platform_id=\"{}\",nonce=\"{nonce}\",timestamp=\"{timestamp}\",\
             platform_serial_number=\"{}\",signature=\"{signature}\",\
             signature_algorithm=\"{ALGORITHM}\"",
            self.0.id.as_str(),
            self.0.serial,
        );
        let refuse = |reason: &str| Error::Credential {
            endpoint,
            reason: reason.into(),
        };
        let value = secret_header(&text)
            .ok_or_else(|| refuse("the platform's id or serial is no text for a header"))?;
        outgoing.headers.insert(header::AUTHORIZATION, value);
        if let (Some(enterprise), Some(signature)) = (&self.0.enterprise, enterprise) {
            let text = format!(
                "ent_id=\"{}\",enterprise_serial_number=\"{}\",signature=\"{signature}\",\
                 signature_algorithm=\"{ALGORITHM}\"",
                enterprise.id, enterprise.serial,
            );
            let value = secret_header(&text)
                .ok_or_else(|| refuse("the enterprise's id or serial is no text for a header"))?;
            outgoing.headers.insert(ENTERPRISE, value);
        }
        Ok(())
    }

    pub(crate) fn check(&self, request: &Prepared, incoming: &Incoming) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        let success = (200..300).contains(&incoming.status);
        if let Some(failure) = failure(endpoint, incoming) {
            return Err(failure);
        }
        if !success {
            return Ok(());
        }
        let body: &[u8] = if is_file(request) {
            b""
        } else {
            &incoming.body
        };
        self.prove(endpoint, &incoming.headers, body)
    }

    /// WECHAT: of a file only that it comes from the operator is signed, not its bytes.
    pub(crate) fn check_head(
        &self,
        request: &Prepared,
        headers: &HeaderMap,
    ) -> Result<HeadProof, Error> {
        self.prove(request.envelope.endpoint, headers, b"")
            .map(|()| HeadProof::None)
    }

    fn prove(&self, endpoint: &'static str, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
        let proof = headers.get(PROOF).and_then(|value| value.to_str().ok());
        let unproved = |source| Error::Signature { endpoint, source };
        let proof = proof.ok_or_else(|| unproved(VerifyError::Missing("TBEP-Authorization")))?;
        let field = |name| header_field(proof, name);
        let serial = field("tbep_serial_number");
        if !serial.is_empty() && serial != self.0.operator_serial {
            let serial = serial.to_owned();
            return Err(unproved(VerifyError::UnknownKey { serial }));
        }
        let message = answer_message(field("timestamp"), field("nonce"), body);
        let verdict = self.0.operator_key.verify(&message, field("signature"));
        verdict
            .map(drop)
            .map_err(|_| unproved(VerifyError::Mismatch))
    }
}

/// The failure that an answer words, if it is one.
fn failure(endpoint: &'static str, incoming: &Incoming) -> Option<Error> {
    let answer = xinqiao_wire::response::value(&incoming.body).ok()?;
    let error = answer.get("error")?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = AnswerCode::Word(text("code").into());
    let trace = answer.get("trace_id").and_then(Value::as_str);
    let mut failure = ApiError::new(endpoint, code, text("desc"), incoming.status);
    failure.rid = trace.map(xinqiao_types::Rid::new);
    Some(Error::Api(Box::new(failure)))
}

#[cfg(feature = "sm")]
mod fields {
    use xinqiao_crypto::pay_business::{ENCRYPTION as ALGORITHM, FieldKey};

    use super::{
        Answer, Bytes, Client, ENCRYPTION, Error, Marks, Platform, Prepared, header_field,
    };
    use crate::{
        error::Refusal,
        pay_v3::{bytes, json},
    };

    impl Platform {
        /// Encrypts the marked fields of a request under a key that is made for it.
        pub(crate) fn seal(
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
            // Letters and digits, as the operator's own program makes them.
            let text = || -> [u8; 16] {
                let word = client.nonce();
                std::array::from_fn(|index| word.as_bytes()[index])
            };
            let (key, iv) = (text(), text());
            let cipher = FieldKey::new(key, iv);
            let mut any = false;
            marks.visit(&mut value, &mut |text| {
                any = true;
                *text = cipher.encrypt(text);
            });
            if !any {
                return Ok(());
            }
            let refuse = |reason: String| Error::Preflight {
                endpoint,
                reason: Refusal::Request(reason.into()),
            };
            let ascii = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let sealed = self.0.operator_key.encrypt(&ascii(&key));
            let sealed = sealed.map_err(|error| refuse(error.to_string()))?;
            let header = format!(
                "enc_key=\"{sealed}\",iv=\"{}\",tbep_serial_number=\"{}\",algorithm=\"{ALGORITHM}\"",
                xinqiao_crypto::encode_base64(&iv),
                self.0.operator_serial,
            );
            request
                .headers
                .push((ENCRYPTION.as_str().to_owned(), header));
            request.body = bytes(&value).into();
            Ok(())
        }

        /// Decrypts the marked fields of an answer with the key that came with it.
        pub(crate) async fn unseal(
            &self,
            endpoint: &'static str,
            marks: Marks<'_>,
            answer: &Answer,
        ) -> Result<Option<Bytes>, Error> {
            let header = answer.headers.get(ENCRYPTION);
            let Some(header) = header.and_then(|value| value.to_str().ok()) else {
                return Ok(None);
            };
            let wrong = |source| Error::Decode {
                endpoint,
                path: "TBEP-Encrypt".into(),
                source,
            };
            let field = |name| header_field(header, name);
            let key = match (&self.0.enterprise, field("ent_id")) {
                (Some(enterprise), id) if id == enterprise.id => enterprise.key.clone(),
                _ => self.0.key.clone(),
            };
            let sealed = field("enc_key").to_owned();
            let opened = tokio::task::spawn_blocking(move || key.decrypt(&sealed)).await;
            let opened = opened.expect("decrypting does not panic");
            let key = opened.map_err(|error| wrong(error.into()))?;
            let iv = xinqiao_crypto::decode_base64(field("iv").as_bytes()).unwrap_or_default();
            let (Ok(key), Ok(iv)) = (key.as_bytes().try_into(), iv.try_into()) else {
                return Err(wrong("a key or a vector has not 16 bytes".into()));
            };
            let cipher = FieldKey::new(key, iv);
            let mut value = json(endpoint, &answer.body)?;
            let mut failed = None;
            marks.visit(&mut value, &mut |text| match cipher.decrypt(text) {
                Ok(plain) => *text = plain,
                Err(error) => failed = Some(error),
            });
            match failed {
                Some(error) => Err(wrong(error.into())),
                None => Ok(Some(bytes(&value))),
            }
        }
    }
}

#[cfg(not(feature = "sm"))]
impl Platform {
    #[expect(clippy::unused_self, reason = "with `sm` it is used")]
    pub(crate) fn seal(
        &self,
        _client: &Client,
        marks: Marks<'_>,
        request: &mut Prepared,
    ) -> Result<(), Error> {
        let endpoint = request.envelope.endpoint;
        let mut found = false;
        if request.signed.is_none() && !request.body.is_empty() && marks.may_be_in() {
            let mut value = crate::pay_v3::json(endpoint, &request.body.concat())?;
            marks.visit(&mut value, &mut |_| found = true);
        }
        if !found {
            return Ok(());
        }
        Err(Error::Credential {
            endpoint,
            reason: "fields of this call must be encrypted with SM4: turn the feature `sm` on"
                .into(),
        })
    }

    #[expect(clippy::unused_async, reason = "with `sm` it waits")]
    pub(crate) async fn unseal(
        &self,
        _endpoint: &'static str,
        _marks: Marks<'_>,
        _answer: &Answer,
    ) -> Result<Option<Bytes>, Error> {
        Ok(None)
    }
}
