//! A call of an app to the platform, and what the platform says.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    accounts::files::base64,
    kernel::{Command, Refused, Turn},
};

/// A call of an app to the platform.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlatformCall {
    /// Platform host.
    pub(crate) host: String,
    pub(crate) method: String,
    /// Path, percent-encoded as sent.
    pub(crate) path: String,
    /// Query without `?`.
    pub(crate) query: String,
    /// Headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    #[serde(with = "base64")]
    pub(crate) body: Vec<u8>,
    /// Who called.
    pub(crate) peer: IpAddr,
}

impl PlatformCall {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Where the caller found the platform: under its real name, which is reached over TLS, or at an address here.
    pub(crate) fn origin(&self) -> String {
        match self.header("host") {
            Some(host) if host != self.host => format!("http://{host}"),
            _ => format!("https://{}", self.host),
        }
    }
}

/// What the platform says.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlatformAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: bytes::Bytes,
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
        Ok(Box::new(super::answer(turn, &self)))
    }
}
