//! What the gateway must know of the platform by itself: which hosts there are, and which tokens they know.
//! Everything else comes from the catalog.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value;
use xinqiao_catalog::{
    hosts,
    model::{AuthKind, Bearing, Endpoint, Host},
};

/// One listening port, and the platform hosts that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Face {
    /// The first port, which may face the internet: callbacks, and platform calls of apps with an
    /// issued key; administration for whoever brings its key.
    Native,
    /// A port or socket of its own for administration. Serves what the first port serves too.
    Admin,
    /// `api.weixin.qq.com` and its mirrors.
    Api,
    /// `qyapi.weixin.qq.com`.
    Work,
    /// `api.mch.weixin.qq.com` and its mirrors.
    Pay,
    /// Pages: `open`, `mp`, `file`.
    Pages,
}

/// `api.weixin.qq.com`: official accounts, mini programs and third-party platforms.
const API_HOST: &str = "api.weixin.qq.com";

/// `qyapi.weixin.qq.com`: WeCom.
const WORK_HOST: &str = "qyapi.weixin.qq.com";

/// Whether an endpoint on a host takes a token of that bearing as a credential of `kind`.
pub(crate) fn takes(endpoint: &Endpoint, host: &str, bearing: Bearing, kind: AuthKind) -> bool {
    let wanted = match bearing {
        Bearing::Account | Bearing::Corp => AuthKind::AccessToken,
        Bearing::Component => AuthKind::ComponentAccessToken,
        Bearing::Suite => AuthKind::SuiteAccessToken,
        Bearing::Provider => AuthKind::ProviderAccessToken,
        Bearing::Carried => return false,
    };
    knows(host, bearing) && kind == wanted && endpoint.auth.kind == wanted
}

/// Whether a host knows tokens of that bearing; nobody else shall see one.
pub(crate) fn knows(host: &str, bearing: Bearing) -> bool {
    match bearing {
        Bearing::Account | Bearing::Component => is_api(host),
        Bearing::Corp | Bearing::Suite | Bearing::Provider => is_work(host),
        Bearing::Carried => false,
    }
}

/// Whether an endpoint is served under that host's name.
pub(crate) fn is_on(endpoint: &Endpoint, host: &str) -> bool {
    xinqiao_catalog::host(host).is_some_and(|known| known.canonical == endpoint.host)
}

fn is_work(host: &str) -> bool {
    xinqiao_catalog::host(host).is_some_and(|known| known.canonical == WORK_HOST)
}

/// The code of an answer of the platform's, wherever it is not well-formed; nothing if it has none.
pub(crate) fn errcode(body: &[u8]) -> Option<i64> {
    let (code, _) = envelope(body)?;
    code.as_i64().or_else(|| code.as_str()?.parse().ok())
}

/// Code and message of an answer of the platform's.
pub(crate) fn envelope(body: &[u8]) -> Option<(Value, Value)> {
    xinqiao_wire::response::envelope(body, "errcode", "errmsg")
}

impl Face {
    /// The five ports in a row.
    pub(crate) const PORTS: [Self; 5] =
        [Self::Native, Self::Api, Self::Work, Self::Pay, Self::Pages];

    /// The face that the catalog names so.
    fn of(host: &Host) -> Self {
        match host.face {
            "api" => Self::Api,
            "work" => Self::Work,
            "pay" => Self::Pay,
            "pages" => Self::Pages,
            _ => Self::Native,
        }
    }

    /// Whether it is one of the proxy's ports, for the apps' network.
    pub(crate) fn is_proxy(self) -> bool {
        !matches!(self, Self::Native | Self::Admin)
    }

    /// The host that a request is for when its `Host` header names none.
    pub(crate) fn default_host(self) -> &'static str {
        hosts()
            .iter()
            .find(|host| Self::of(host) == self)
            .map_or(API_HOST, |host| host.name)
    }
}

/// Whether a host knows the tokens of accounts and third-party platforms.
fn is_api(host: &str) -> bool {
    xinqiao_catalog::host(host).is_some_and(|known| {
        known.canonical == API_HOST || known.name.ends_with(".api.weixin.qq.com")
    })
}

/// The name in a `Host` header, without port and final dot.
fn host_name(header: &str) -> &str {
    let name = match header.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => header,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a `Host` header names a machine by address or as this one, so that it may be us.
pub(crate) fn is_address(header: &str) -> bool {
    let name = host_name(header);
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

/// The platform host that a `Host` header names.
pub(crate) fn platform_host(header: &str) -> Option<&'static str> {
    let name = host_name(header);
    // Most requests name this machine; they need not ask the catalog.
    if is_address(name) {
        return None;
    }
    xinqiao_catalog::host(name).map(|host| host.name)
}

/// Real host → origin of the port that stands for it.
pub(crate) fn endpoints(origin_of: impl Fn(Face) -> String) -> BTreeMap<String, String> {
    hosts()
        .iter()
        .map(|host| (host.name.to_owned(), origin_of(Face::of(host))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_names_a_platform_host() {
        assert_eq!(
            platform_host("api.weixin.qq.com"),
            Some("api.weixin.qq.com")
        );
        assert_eq!(
            platform_host("API.weixin.qq.com:443"),
            Some("api.weixin.qq.com")
        );
        assert_eq!(
            platform_host("api.weixin.qq.com.:443"),
            Some("api.weixin.qq.com")
        );
        assert_eq!(platform_host("127.0.0.1:8610"), None);
        assert_eq!(platform_host("api.weixin.qq.com.evil.example"), None);
    }

    #[test]
    fn every_face_but_the_native_one_has_hosts() {
        for face in Face::PORTS.into_iter().skip(1) {
            assert!(
                hosts().iter().any(|host| Face::of(host) == face),
                "{face:?}"
            );
        }
        assert!(
            hosts().iter().all(|host| Face::of(host) != Face::Native),
            "a face of the catalog is unknown"
        );
        assert_eq!(Face::Native.default_host(), API_HOST);
        assert_eq!(Face::Pay.default_host(), "api.mch.weixin.qq.com");
    }

    #[test]
    fn tokens_go_to_hosts_that_know_them() {
        let of_api = [Bearing::Account, Bearing::Component];
        let of_work = [Bearing::Corp, Bearing::Suite, Bearing::Provider];
        for (host, api, work) in [
            ("api.weixin.qq.com", true, false),
            ("sh.api.weixin.qq.com", true, false),
            ("file.api.weixin.qq.com", true, false),
            ("qyapi.weixin.qq.com", false, true),
            ("chatbot.weixin.qq.com", false, false),
            ("api.mch.weixin.qq.com", false, false),
            ("x", false, false),
        ] {
            for bearing in of_api {
                assert_eq!(knows(host, bearing), api, "{host} {bearing:?}");
            }
            for bearing in of_work {
                assert_eq!(knows(host, bearing), work, "{host} {bearing:?}");
            }
            assert!(!knows(host, Bearing::Carried), "{host}");
        }
    }
}
