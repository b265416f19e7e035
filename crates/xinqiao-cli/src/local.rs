//! Calls to what runs on this machine: the control interface and the gateway's own interface.
//!
//! Never through a proxy, JSON both ways, and a refusal becomes the other side's own words. [`accepts`] only looks whether
//! anybody is there.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::fail::Fail;
use crate::lang::Lang;

/// Longest wait for an answer; a trigger waits for three attempts of five seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a connection may take to be accepted.
const A_MOMENT: Duration = Duration::from_secs(3);

/// Whether something accepts connections at an `http` address.
pub(crate) async fn accepts(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let Some(host) = uri.host() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let connect = tokio::net::TcpStream::connect((host, uri.port_u16().unwrap_or(80)));
    matches!(tokio::time::timeout(A_MOMENT, connect).await, Ok(Ok(_)))
}

/// A client for loopback. One that could do TLS would read every certificate of the system first.
#[derive(Clone, Debug)]
pub(crate) struct Local(Client<HttpConnector, Full<Bytes>>, Lang);

impl Local {
    /// A client that ignores proxy variables.
    pub(crate) fn new(lang: Lang) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector), lang)
    }

    /// One call; an empty answer is null.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<Value, Fail> {
        let mut request = Request::builder().method(method).uri(url);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Full::default, |body| body.to_string().into());
        let request = request
            .body(body)
            .map_err(|error| self.silence(url, error.into()))?;
        let exchange = async {
            let response = self.0.request(request).await?;
            let status = response.status();
            let bytes = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, bytes))
        };
        let answered = tokio::time::timeout(PATIENCE, exchange).await;
        let answered = answered.map_err(|_| self.late(url))?;
        let (status, bytes) = answered.map_err(|error| self.silence(url, error))?;
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null));
        }
        let words = serde_json::from_slice::<Value>(&bytes)
            .ok()
            .and_then(|answer| {
                answer
                    .pointer("/error/message")?
                    .as_str()
                    .map(str::to_owned)
            })
            .unwrap_or_else(|| String::from_utf8_lossy(&bytes).trim().to_owned());
        // Not built, or asked for wrongly: the caller has to change the call.
        let code = if status.is_client_error() || status.as_u16() == 501 {
            2
        } else {
            1
        };
        Err(Fail {
            message: format!("{words} (HTTP {})", status.as_u16()),
            code,
        })
    }

    /// What is at an address, as text.
    pub(crate) async fn text(&self, url: &str) -> Result<String, Fail> {
        let uri: http::Uri = { url.parse() }
            .map_err(|error: http::uri::InvalidUri| self.silence(url, error.into()))?;
        let exchange = async {
            let response = self.0.get(uri).await?;
            anyhow::ensure!(response.status().is_success(), "HTTP {}", response.status());
            anyhow::Ok(response.into_body().collect().await?.to_bytes())
        };
        let answered = tokio::time::timeout(PATIENCE, exchange).await;
        let answered = answered.map_err(|_| self.late(url))?;
        let bytes = answered.map_err(|error| self.silence(url, error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// No answer, or a broken one.
    fn silence(&self, url: &str, error: anyhow::Error) -> Fail {
        let Self(_, lang) = self;
        Fail::failed(match lang {
            Lang::Zh => format!("{url} 没有应答，或应答中断"),
            Lang::En => format!("no answer from {url}: {error:#}"),
        })
    }

    fn late(&self, url: &str) -> Fail {
        let Self(_, lang) = self;
        Fail::failed(match lang {
            Lang::Zh => format!("{url} 在一分钟内没有应答"),
            Lang::En => format!("no answer from {url} within a minute"),
        })
    }
}
