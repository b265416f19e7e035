//! Address ranges: which peers may be called, which proxies are believed.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// One range of addresses, such as `127.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    base: IpAddr,
    prefix: u8,
}

/// Why a text is not an address range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address range; write it like 172.17.0.0/16 or 192.168.1.5")]
pub struct CidrError {
    text: String,
}

impl Cidr {
    /// The range with this many leading bits in common with `base`.
    ///
    /// # Errors
    /// The prefix is longer than the address.
    pub fn new(base: IpAddr, prefix: u8) -> Result<Self, CidrError> {
        let longest = if base.is_ipv4() { 32 } else { 128 };
        if prefix > longest {
            return Err(CidrError {
                text: format!("{base}/{prefix}"),
            });
        }
        Ok(Self { base, prefix })
    }

    /// Whether the address lies in the range; an IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                leading(u128::from(u32::from(base)), 32, self.prefix)
                    == leading(u128::from(u32::from(address)), 32, self.prefix)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                leading(u128::from(base), 128, self.prefix)
                    == leading(u128::from(address), 128, self.prefix)
            }
            _ => false,
        }
    }
}

fn leading(bits: u128, width: u8, prefix: u8) -> u128 {
    if prefix == 0 {
        0
    } else {
        bits >> (width - prefix)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let wrong = || CidrError {
            text: text.to_owned(),
        };
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let base: IpAddr = base.trim().parse().map_err(|_| wrong())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        Self::new(base, prefix.unwrap_or(longest)).map_err(|_| wrong())
    }
}

impl<'de> serde::Deserialize<'de> for Cidr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// Several ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CidrList(Vec<Cidr>);

impl CidrList {
    /// Loopback only: what may be called by default.
    pub fn loopback() -> Self {
        Self(vec![
            Cidr {
                base: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
                prefix: 8,
            },
            Cidr {
                base: IpAddr::V6(Ipv6Addr::LOCALHOST),
                prefix: 128,
            },
        ])
    }

    /// Loopback and the ranges given.
    pub fn loopback_and(more: impl IntoIterator<Item = Cidr>) -> Self {
        let mut list = Self::loopback();
        list.0.extend(more);
        list
    }

    /// Whether there is no range.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the ranges holds the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(address))
    }
}

impl FromIterator<Cidr> for CidrList {
    fn from_iter<I: IntoIterator<Item = Cidr>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}

impl fmt::Display for CidrList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{range}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, address: &str, want: bool) {
        let range: Cidr = range.parse().unwrap();
        assert_eq!(range.contains(address.parse().unwrap()), want);
    }

    #[test]
    fn ranges_hold_what_shares_their_prefix() {
        check("172.17.0.0/16", "172.17.200.1", true);
        check("172.17.0.0/16", "172.18.0.1", false);
        check("0.0.0.0/0", "8.8.8.8", true);
        check("10.0.0.5", "10.0.0.5", true);
        check("10.0.0.5", "10.0.0.6", false);
        check("fd00::/8", "fd12::1", true);
        check("127.0.0.0/8", "::ffff:127.0.0.1", true);
    }

    #[test]
    fn nonsense_is_named() {
        for text in ["", "10.0.0.0/33", "host/8", "10.0.0.0/x"] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert!(error.to_string().contains("address range"));
        }
    }
}
