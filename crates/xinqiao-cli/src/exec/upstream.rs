//! The proxy that this machine already uses for the outside world, if any.
//!
//! `exec` takes the place of that proxy in the child's environment, so connections that are none of
//! our business must go on through it.

use std::io;

use base64_simd::STANDARD as BASE64;
use http::Uri;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::hosts::within;
use crate::lang::either;

/// Longest answer to CONNECT that is read.
const ANSWER_LIMIT: usize = 8 * 1024;

/// What the environment says about proxies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream {
    proxy: Option<Proxy>,
    exceptions: Vec<String>,
}

#[derive(Clone, Debug)]
struct Proxy {
    authority: String,
    /// The value of `Proxy-Authorization`.
    login: Option<String>,
}

impl Upstream {
    /// Reads `HTTPS_PROXY` and `NO_PROXY`, lower case first as curl does.
    pub(crate) fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let find = |names: [&str; 2]| {
            names
                .iter()
                .filter_map(|name| variable(name))
                .find(|value| !value.trim().is_empty())
        };
        let proxy = find(["https_proxy", "HTTPS_PROXY"])
            .map(|value| Proxy::parse(&value))
            .transpose()?;
        let exceptions = find(["no_proxy", "NO_PROXY"])
            .unwrap_or_default()
            .split(',')
            .map(|entry| entry.trim().trim_start_matches('.').to_ascii_lowercase())
            .filter(|entry| !entry.is_empty())
            .collect();
        Ok(Self { proxy, exceptions })
    }

    /// Opens a connection to a host that is none of the platform's.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match &self.proxy {
            Some(proxy) if !self.is_exception(bare) => proxy.connect(host, port).await,
            _ => TcpStream::connect((bare, port)).await,
        }
    }

    fn is_exception(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.exceptions
            .iter()
            .any(|entry| entry == "*" || within(&host, entry))
    }
}

impl Proxy {
    fn parse(value: &str) -> anyhow::Result<Self> {
        let text = if value.contains("://") {
            value.to_owned()
        } else {
            format!("http://{value}")
        };
        let uri: Uri = text.parse().map_err(|_| {
            anyhow::anyhow!(either(
                "HTTPS_PROXY 不是地址",
                "HTTPS_PROXY is not an address"
            ))
        })?;
        let scheme = uri.scheme_str().unwrap_or("nameless");
        anyhow::ensure!(
            scheme == "http",
            "{}",
            either(
                format!("HTTPS_PROXY 是 {scheme} 代理；exec 只能经过 http:// 的代理"),
                format!(
                    "HTTPS_PROXY is a {scheme} proxy; exec can only go on through an http:// one"
                ),
            )
        );
        let authority = uri.authority().ok_or_else(|| {
            anyhow::anyhow!(either("HTTPS_PROXY 里没有主机", "HTTPS_PROXY has no host"))
        })?;
        let (login, place) = match authority.as_str().rsplit_once('@') {
            Some((login, place)) => (
                Some(format!("Basic {}", BASE64.encode_to_string(login))),
                place,
            ),
            None => (None, authority.as_str()),
        };
        let authority = if authority.port().is_some() {
            place.to_owned()
        } else {
            format!("{place}:80")
        };
        Ok(Self { authority, login })
    }

    async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        if let Some(login) = &self.login {
            request.push_str("Proxy-Authorization: ");
            request.push_str(login);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;
        // One byte at a time: what follows the blank line belongs to the tunnel.
        let mut answer = Vec::with_capacity(256);
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= ANSWER_LIMIT {
                return Err(io::Error::other(either(
                    "外层代理的应答太长",
                    "the outer proxy's answer is too long",
                )));
            }
            answer.push(stream.read_u8().await?);
        }
        let line = answer
            .split(|byte| *byte == b'\r')
            .next()
            .unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        if line.split(' ').nth(1) == Some("200") {
            Ok(stream)
        } else {
            Err(io::Error::other(either(
                format!("外层代理的应答是 `{line}`"),
                format!("the outer proxy answered `{line}`"),
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(pairs: &[(&str, &str)]) -> anyhow::Result<Upstream> {
        Upstream::from_environment(|name| {
            pairs
                .iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn a_proxy_with_a_login_and_exceptions() {
        let found = upstream(&[
            ("HTTPS_PROXY", "http://me:secret@proxy.example:3128"),
            ("NO_PROXY", ".corp.example, localhost"),
        ])
        .expect("a good proxy");
        let proxy = found.proxy.as_ref().expect("a proxy");
        assert_eq!(proxy.authority, "proxy.example:3128");
        assert_eq!(proxy.login.as_deref(), Some("Basic bWU6c2VjcmV0"));
        assert!(found.is_exception("git.corp.example"));
        assert!(!found.is_exception("corp.example.org"));
    }

    #[test]
    fn a_kind_of_proxy_that_cannot_be_chained_is_named() {
        let error = upstream(&[("https_proxy", "socks5://127.0.0.1:1080")]).expect_err("not http");
        assert!(error.to_string().contains("socks5"), "{error}");
    }

    #[test]
    fn no_variable_means_straight() {
        assert!(upstream(&[]).expect("nothing").proxy.is_none());
    }
}
