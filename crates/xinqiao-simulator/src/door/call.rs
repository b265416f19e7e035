//! A call of an app to the platform, and what the platform says.

use std::{borrow::Cow, net::IpAddr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::kernel::{Command, Refused, Turn, files::Content};

/// A call of an app to the platform.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlatformCall {
    /// Platform host.
    pub(crate) host: Cow<'static, str>,
    #[serde(with = "method")]
    pub(crate) method: Method,
    /// Path, percent-encoded as sent.
    pub(crate) path: String,
    /// Query without `?`.
    pub(crate) query: String,
    #[serde(with = "pairs")]
    pub(crate) headers: HeaderMap,
    #[serde(with = "base64")]
    pub(crate) body: Bytes,
    /// Who called.
    pub(crate) peer: IpAddr,
    #[serde(default, skip_serializing_if = "Arrival::is_plain")]
    pub(crate) arrival: Arrival,
}

/// How a call came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Arrival {
    /// Over HTTP as it is, where nobody can show a certificate.
    #[default]
    Plain,
    /// Over TLS.
    Tls {
        /// The certificate that the caller showed, whose key it has proved to hold: DER in Base64.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<String>,
    },
}

impl Arrival {
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

impl PlatformCall {
    /// A header, by its name in lower case; nothing where it is no text.
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        std::str::from_utf8(self.headers.get(name)?.as_bytes()).ok()
    }

    /// Where the caller found the platform: under its real name, which is reached over TLS, or at an address here.
    pub(crate) fn origin(&self) -> String {
        match self.header("host") {
            Some(host) if host != self.host && self.arrival.is_plain() => format!("http://{host}"),
            Some(host) if host != self.host => format!("https://{host}"),
            _ => format!("https://{}", self.host),
        }
    }
}

/// What the platform says.
#[derive(Debug, Default)]
pub(crate) struct PlatformAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Content,
    /// Wait so long before saying it.
    pub(crate) delay_ms: u64,
    /// Say nothing and close the connection.
    pub(crate) drop: bool,
}

impl Command for Box<PlatformCall> {
    const NAME: &'static str = "door.call";
    const WAS: &'static str = "call";
    type Answer = Box<PlatformAnswer>;

    fn run(self, turn: &mut Turn<'_>) -> Result<Box<PlatformAnswer>, Refused> {
        Ok(Box::new(super::answer(turn, *self)))
    }
}

/// Headers as texts, for people and journals.
pub(crate) fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    { headers.iter() }
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

mod method {
    use super::{Deserialize, Deserializer, Error, Method, Serializer};

    pub(super) fn serialize<S: Serializer>(method: &Method, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(method.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
        let text = String::deserialize(from)?;
        Method::from_bytes(text.as_bytes()).map_err(D::Error::custom)
    }
}

mod pairs {
    use super::{
        Deserialize, Deserializer, Error, HeaderMap, HeaderName, HeaderValue, Serialize,
        Serializer, texts,
    };

    pub(super) fn serialize<S: Serializer>(headers: &HeaderMap, to: S) -> Result<S::Ok, S::Error> {
        texts(headers).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<HeaderMap, D::Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in Vec::<(String, String)>::deserialize(from)? {
            let name = HeaderName::try_from(name).map_err(D::Error::custom)?;
            let value = HeaderValue::try_from(value).map_err(D::Error::custom)?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}

mod base64 {
    use super::{Bytes, Deserializer, Serializer};
    use crate::accounts::files::base64;

    pub(super) fn serialize<S: Serializer>(body: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        base64::serialize(body, to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        base64::deserialize(from).map(Bytes::from)
    }
}
