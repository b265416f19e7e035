//! Which host names are the platform's, and what stands for each of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::Context as _;
use http::Uri;
use http::uri::PathAndQuery;

use crate::lang::either;

/// Domains whose hosts are never passed on: a call to a host that nothing stands for must fail
/// here, not reach the real platform.
const PLATFORM_DOMAINS: [&str; 3] = ["weixin.qq.com", "wechatpay.cn", "businesspay.qq.com"];

/// Host that something on this machine stands for → origin: the platform's, and an app's own.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    origins: BTreeMap<String, Origin>,
}

/// What stands for a platform host: an authority, and a path prefix where the other side uses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    authority: String,
    prefix: String,
    /// An app's: it hears by which scheme its page was asked for, as from any proxy in front of it.
    tells_scheme: bool,
}

/// Where a connection to a host belongs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// A host that something stands for: the platform's, or one of the app's own.
    Platform(&'a Origin),
    /// A platform host that nothing stands for.
    Missing,
    /// This machine.
    Loopback,
    /// Anything else.
    Elsewhere,
}

impl Hosts {
    /// Reads the map of a ready file. Only plain origins make sense: they are on this machine.
    pub(crate) fn parse(endpoints: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let mut origins = BTreeMap::new();
        for (host, origin) in endpoints {
            let uri: Uri = origin.parse().with_context(|| no_origin(host, origin))?;
            let authority = uri
                .authority()
                .filter(|_| uri.scheme_str() == Some("http"))
                .with_context(|| no_origin(host, origin))?;
            origins.insert(
                host.to_ascii_lowercase(),
                Origin {
                    authority: authority.to_string(),
                    prefix: uri.path().trim_end_matches('/').to_owned(),
                    tells_scheme: false,
                },
            );
        }
        Ok(Self { origins })
    }

    /// Adds a host of an app's own, in lower case; `origin` is `http://host:port`.
    pub(crate) fn add_app(&mut self, host: &str, origin: &str) -> anyhow::Result<()> {
        let one = BTreeMap::from([(host.to_owned(), origin.to_owned())]);
        for (host, origin) in Self::parse(&one)?.origins {
            let tells_scheme = true;
            self.origins.insert(
                host,
                Origin {
                    tells_scheme,
                    ..origin
                },
            );
        }
        Ok(())
    }

    /// Whether a name is the platform's or this machine's, so that no app's pages are under it.
    pub(crate) fn are_known(host: &str) -> bool {
        let nothing = Self {
            origins: BTreeMap::new(),
        };
        nothing.place(host) != Place::Elsewhere
    }

    /// The names, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        self.origins.keys().cloned().collect()
    }

    /// Where `host` belongs.
    pub(crate) fn place(&self, host: &str) -> Place<'_> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(origin) = self.origins.get(&host) {
            return Place::Platform(origin);
        }
        if PLATFORM_DOMAINS.iter().any(|domain| within(&host, domain)) {
            return Place::Missing;
        }
        if is_loopback(&host) {
            return Place::Loopback;
        }
        Place::Elsewhere
    }
}

impl Origin {
    /// The address of a request at this origin; path and query stay byte for byte.
    pub(crate) fn uri(&self, target: Option<&PathAndQuery>) -> Result<Uri, http::Error> {
        let path = target.map_or("/", PathAndQuery::as_str);
        let path = if path.starts_with('/') { path } else { "/" };
        Uri::builder()
            .scheme("http")
            .authority(self.authority.as_str())
            .path_and_query(format!("{}{path}", self.prefix))
            .build()
    }

    /// Its host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether it hears by which scheme it was asked.
    pub(crate) fn tells_scheme(&self) -> bool {
        self.tells_scheme
    }
}

fn no_origin(host: &str, origin: &str) -> String {
    either(
        format!("就绪文件里 {host} 的地址 `{origin}` 不是 http://主机:端口"),
        format!("endpoint of {host}: `{origin}` is not http://host:port"),
    )
}

/// Whether `host` is `domain` or a name under it.
pub(crate) fn within(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    within(bare, "localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::parse(&BTreeMap::from([
            (
                "api.weixin.qq.com".to_owned(),
                "http://127.0.0.1:8601".to_owned(),
            ),
            (
                "qyapi.weixin.qq.com".to_owned(),
                "http://127.0.0.1:8600/work/".to_owned(),
            ),
        ]))
        .expect("two good origins")
    }

    #[test]
    fn names_are_compared_without_case_and_final_dot() {
        let hosts = hosts();
        assert!(matches!(
            hosts.place("API.weixin.qq.com."),
            Place::Platform(_)
        ));
        assert_eq!(hosts.place("pypi.org"), Place::Elsewhere);
        assert_eq!(hosts.place("weixin.qq.com.evil.example"), Place::Elsewhere);
        assert_eq!(hosts.place("notweixin.qq.com"), Place::Elsewhere);
    }

    #[test]
    fn a_platform_host_without_a_stand_in_is_never_elsewhere() {
        let hosts = hosts();
        assert_eq!(hosts.place("api2.weixin.qq.com"), Place::Missing);
        assert_eq!(hosts.place("api.wechatpay.cn"), Place::Missing);
    }

    #[test]
    fn this_machine_is_known_by_name_and_by_address() {
        let hosts = hosts();
        for name in ["localhost", "app.localhost", "127.0.0.9", "[::1]", "::1"] {
            assert_eq!(hosts.place(name), Place::Loopback, "{name}");
        }
    }

    #[test]
    fn path_and_query_stay_as_they_are() {
        let hosts = hosts();
        let Place::Platform(origin) = hosts.place("qyapi.weixin.qq.com") else {
            panic!("known host")
        };
        let target: PathAndQuery = "/cgi-bin/a%2Fb?x='|&y=%7e".parse().expect("a target");
        let uri = origin.uri(Some(&target)).expect("a uri");
        assert_eq!(
            uri.to_string(),
            "http://127.0.0.1:8600/work/cgi-bin/a%2Fb?x='|&y=%7e"
        );
    }

    #[test]
    fn an_origin_that_is_no_origin_is_named() {
        let error = Hosts::parse(&BTreeMap::from([(
            "api.weixin.qq.com".to_owned(),
            "nowhere".to_owned(),
        )]))
        .expect_err("not an origin");
        assert!(
            format!("{error:#}").contains("api.weixin.qq.com"),
            "{error:#}"
        );
    }
}
