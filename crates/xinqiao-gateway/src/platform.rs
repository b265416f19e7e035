//! What the gateway must know of the platform by itself: which hosts there are, and the few
//! endpoints that issue tokens. Everything else comes from the catalog.

use std::collections::BTreeMap;

use xinqiao_catalog::{id::official_account::base, model::Endpoint};

/// One listening port, and the platform hosts that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Face {
    /// Native interface and inlet; platform hosts by `Host` header.
    Native,
    /// `api.weixin.qq.com` and its mirrors.
    Api,
    /// `qyapi.weixin.qq.com`.
    Work,
    /// `api.mch.weixin.qq.com` and its mirrors.
    Pay,
    /// Pages: `open`, `mp`, `file`.
    Pages,
}

/// `api.weixin.qq.com`: where tokens come from.
pub(crate) const API_HOST: &str = "api.weixin.qq.com";

/// Hosts and the port that stands for them; the first of a face is its default.
const HOSTS: &[(&str, Face)] = &[
    (API_HOST, Face::Api),
    ("api2.weixin.qq.com", Face::Api),
    ("sh.api.weixin.qq.com", Face::Api),
    ("sz.api.weixin.qq.com", Face::Api),
    ("hk.api.weixin.qq.com", Face::Api),
    ("qyapi.weixin.qq.com", Face::Work),
    ("api.mch.weixin.qq.com", Face::Pay),
    ("api2.mch.weixin.qq.com", Face::Pay),
    ("api2.wechatpay.cn", Face::Pay),
    ("apihk.mch.weixin.qq.com", Face::Pay),
    ("apius.mch.weixin.qq.com", Face::Pay),
    ("fraud.mch.weixin.qq.com", Face::Pay),
    ("open.weixin.qq.com", Face::Pages),
    ("mp.weixin.qq.com", Face::Pages),
    ("file.api.weixin.qq.com", Face::Pages),
    ("open.work.weixin.qq.com", Face::Pages),
    ("login.work.weixin.qq.com", Face::Pages),
    ("payapp.weixin.qq.com", Face::Pay),
];

/// An endpoint that hands out the account's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Issuing {
    /// The classic token.
    Token,
    /// The stable token.
    StableToken,
}

/// Whether an endpoint hands out the account's token.
pub(crate) fn issuing(endpoint: &Endpoint) -> Option<Issuing> {
    match endpoint.id {
        base::TOKEN => Some(Issuing::Token),
        base::STABLE_TOKEN => Some(Issuing::StableToken),
        _ => None,
    }
}

/// Where the stable token is fetched: a path on [`API_HOST`].
pub(crate) fn stable_token() -> &'static str {
    xinqiao_catalog::endpoint(base::STABLE_TOKEN)
        .map(|endpoint| endpoint.path)
        .expect("the catalog has every id that it names")
}

impl Face {
    pub(crate) const ALL: [Self; 5] = [Self::Native, Self::Api, Self::Work, Self::Pay, Self::Pages];

    /// The host that a request is for when its `Host` header names none.
    pub(crate) fn default_host(self) -> &'static str {
        HOSTS
            .iter()
            .find(|(_, face)| *face == self)
            .map_or(API_HOST, |(host, _)| host)
    }
}

/// The port that stands for a host.
pub(crate) fn face_of(host: &str) -> Face {
    HOSTS
        .iter()
        .find(|(known, _)| *known == host)
        .map_or(Face::Native, |(_, face)| *face)
}

/// The platform host that a `Host` header names.
pub(crate) fn platform_host(header: &str) -> Option<&'static str> {
    let name = header.rsplit_once(':').map_or(header, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            header
        }
    });
    HOSTS
        .iter()
        .find(|(host, _)| host.eq_ignore_ascii_case(name))
        .map(|(host, _)| *host)
}

/// Real host → origin of the port that stands for it.
pub(crate) fn endpoints(origin_of: impl Fn(Face) -> String) -> BTreeMap<String, String> {
    HOSTS
        .iter()
        .map(|(host, face)| ((*host).to_owned(), origin_of(*face)))
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
        assert_eq!(platform_host("127.0.0.1:8610"), None);
        assert_eq!(platform_host("api.weixin.qq.com.evil.example"), None);
    }

    #[test]
    fn every_face_but_the_native_one_has_hosts() {
        for face in Face::ALL.into_iter().skip(1) {
            assert!(HOSTS.iter().any(|(_, other)| *other == face), "{face:?}");
        }
        assert_eq!(Face::Native.default_host(), API_HOST);
    }
}
