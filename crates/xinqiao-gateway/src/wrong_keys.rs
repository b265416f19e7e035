//! Slows down peers that try keys.
//!
//! Each peer may be wrong a hundred times at once and ten times a second from then on. What is kept
//! is bounded: when there are too many peers, those that have not been wrong for a while are
//! forgotten, and if none has, all new ones share one allowance.
//!
//! A right key is taken however often its neighbours were wrong: nobody is locked out by a stranger at
//! the same address, or behind the same reverse proxy. No key of ours is short enough to be guessed at
//! any speed; what is slowed down is noise, in the log and in the answers. Apps' keys and
//! administration's are counted apart.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use xinqiao_http::peer_network;

/// Wrong keys at once.
const BURST: u32 = 100;
/// A wrong key is forgiven after this long.
const FORGIVEN: Duration = Duration::from_millis(100);
/// Most peers that are told apart.
const PEERS: usize = 4096;

/// Wrong keys by peer. Only touched by requests that bring one.
#[derive(Debug, Default)]
pub(crate) struct WrongKeys(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    debts: HashMap<IpAddr, Debt>,
    /// When the idle were last looked for.
    swept: Option<Instant>,
}

/// When a peer's wrong keys are all forgiven.
type Debt = Instant;

impl WrongKeys {
    /// A key of this peer was wrong. Whether its allowance lasts.
    pub(crate) fn wrong(&self, peer: IpAddr, now: Instant) -> bool {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Table { debts, swept } = &mut *table;
        let mut peer = peer_network(peer);
        if debts.len() >= PEERS && !debts.contains_key(&peer) {
            if swept.is_none_or(|at| now.duration_since(at) >= Duration::from_secs(1)) {
                debts.retain(|_, debt| owed(*debt, now) > Duration::ZERO);
                *swept = Some(now);
            }
            if debts.len() >= PEERS {
                peer = OTHERS;
            }
        }
        let debt = debts.entry(peer).or_insert(now);
        let before = owed(*debt, now);
        if before >= FORGIVEN * BURST {
            return false;
        }
        *debt = now + before + FORGIVEN;
        true
    }
}

/// Stands for all peers that have no place of their own.
const OTHERS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn owed(debt: Debt, now: Instant) -> Duration {
    debt.saturating_duration_since(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + number).into()
    }

    #[test]
    fn a_peer_is_slowed_down_and_forgiven_with_time() {
        let (keys, now) = (WrongKeys::default(), Instant::now());
        let taken = (0..10_000).filter(|_| keys.wrong(peer(1), now)).count();
        assert_eq!(taken, BURST as usize, "10,000 at once");
        assert!(!keys.wrong(peer(1), now));
        assert!(keys.wrong(peer(2), now), "its neighbour is not concerned");
        let now = now + Duration::from_secs(1);
        let taken = (0..10_000).filter(|_| keys.wrong(peer(1), now)).count();
        assert_eq!(taken, 10, "ten a second from then on");
    }

    #[test]
    fn a_million_peers_need_no_more_memory_than_some_thousand() {
        let (keys, now) = (WrongKeys::default(), Instant::now());
        for number in 0..1_000_000 {
            keys.wrong(peer(number), now);
        }
        assert!(keys.0.lock().unwrap().debts.len() <= PEERS + 1);
        assert!(
            !keys.wrong(peer(999_999), now),
            "strangers share an allowance"
        );
        assert!(keys.wrong(peer(0), now), "who came before is judged alone");
        let now = now + Duration::from_secs(20);
        assert!(keys.wrong(peer(2_000_000), now), "the idle make room");
    }
}
