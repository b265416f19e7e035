//! Whose request this is: for limits and logs, never for rights.
//!
//! The peer is the other end of the connection. Behind a proxy that the operator trusts it is the right-most
//! address in `X-Forwarded-For` that is not such a proxy's: what stands further left was written by strangers.
//! `Forwarded` is read only where no `X-Forwarded-For` came, because proxies pass on what they do not set.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, HeaderName, header};

use crate::cidr::CidrList;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whom trusted proxies named, where that is somebody else than the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vouched(pub(crate) IpAddr);

/// The address that a request counts for; `0.0.0.0` for one that came over no connection of ours.
///
/// Use it for limits and logs only: it proves nothing about who asks.
pub fn peer_of<B>(request: &http::Request<B>) -> IpAddr {
    peer_in(request.extensions())
}

/// [`peer_of`], from a request's extensions.
pub fn peer_in(extensions: &Extensions) -> IpAddr {
    if let Some(vouched) = extensions.get::<Vouched>() {
        return vouched.0;
    }
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
            info.0.ip().to_canonical()
        })
}

/// What an address counts as where peers are counted: IPv6 by its /64, since one machine has all of that.
pub fn peer_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
    }
}

/// Whom the trusted proxies between name. `None` if the connection itself is the peer's.
#[doc(hidden)]
pub fn vouched(connected: IpAddr, headers: &HeaderMap, trusted: &CidrList) -> Option<IpAddr> {
    if trusted.is_empty() || !trusted.contains(connected) {
        return None;
    }
    let nearest_first: Vec<Option<IpAddr>> = if headers.contains_key(X_FORWARDED_FOR) {
        entries(headers, &X_FORWARDED_FOR).map(address).collect()
    } else {
        entries(headers, &header::FORWARDED)
            .map(|entry| {
                entry
                    .split(';')
                    .filter_map(|pair| pair.split_once('='))
                    .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
                    .and_then(|(_, value)| address(value.trim().trim_matches('"')))
            })
            .collect()
    };
    let mut last = None;
    for entry in nearest_first {
        // What a trusted proxy could not name ends the way back: further left nobody vouches.
        let Some(address) = entry else { break };
        last = Some(address);
        if !trusted.contains(address) {
            break;
        }
    }
    last
}

/// The entries of a list header, the nearest proxy's first.
fn entries<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap_or(""))
        .collect();
    lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map(str::trim)
        // Longer ways than this are made up.
        .take(32)
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse()
        .ok()
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(connected: &str, headers: &[(&str, &str)], want: Option<&str>) {
        let trusted: CidrList = ["10.0.0.0/8", "2001:db8:1::/48"]
            .into_iter()
            .map(|range| range.parse().unwrap())
            .collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        let got = vouched(connected.parse().unwrap(), &map, &trusted);
        assert_eq!(got, want.map(|want| want.parse().unwrap()));
    }

    #[test]
    fn only_a_trusted_proxy_names_the_peer() {
        check("192.0.2.9", &[("x-forwarded-for", "198.51.100.1")], None);
        check("127.0.0.1", &[("x-forwarded-for", "198.51.100.1")], None);
        check("10.0.0.1", &[], None);
        let named = Some("198.51.100.1");
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.1")], named);
        check(
            "::ffff:10.0.0.1",
            &[("x-forwarded-for", "198.51.100.1")],
            named,
        );
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts() {
        let named = Some("198.51.100.1");
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "1.1.1.1, 198.51.100.1")],
            named,
        );
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "1.1.1.1,198.51.100.1 , 10.9.9.9")],
            named,
        );
        check(
            "10.0.0.1",
            &[
                ("x-forwarded-for", "1.1.1.1"),
                ("x-forwarded-for", "198.51.100.1"),
            ],
            named,
        );
        check(
            "10.0.0.1",
            &[(
                "x-forwarded-for",
                "1.1.1.1, 198.51.100.1:4711, 2001:db8:1::5",
            )],
            named,
        );
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "10.1.1.1, 10.2.2.2")],
            Some("10.1.1.1"),
        );
    }

    #[test]
    fn what_a_proxy_could_not_name_ends_the_way_back() {
        check("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, unknown")], None);
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "1.1.1.1, _hidden, 10.0.0.2")],
            Some("10.0.0.2"),
        );
        check("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, ")], None);
    }

    #[test]
    fn forwarded_counts_only_without_the_older_header() {
        let forwarded = (
            "forwarded",
            "for=1.1.1.1, for=\"[2001:DB8:2::7]:4711\";proto=https",
        );
        check("10.0.0.1", &[forwarded], Some("2001:db8:2::7"));
        check(
            "10.0.0.1",
            &[("forwarded", "proto=http;For=192.0.2.60;by=203.0.113.43")],
            Some("192.0.2.60"),
        );
        check(
            "10.0.0.1",
            &[forwarded, ("x-forwarded-for", "198.51.100.1")],
            Some("198.51.100.1"),
        );
    }

    #[test]
    fn one_machine_of_ipv6_counts_once() {
        let network = |text: &str| peer_network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
