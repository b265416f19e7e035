//! Which refusals are written to the log one by one: the first few of each rule and peer.
//!
//! Whoever sends a million wrong requests shall not write a million lines, nor hide others' lines among them.
//! What is not written is counted, and written as a sum. Metrics count everything; this counts nothing for them.

use std::{
    collections::HashMap,
    mem,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::peer::peer_network;

/// Lines of one rule and peer in a period.
const EACH: u64 = 5;
/// Lines of one rule in a period, of all peers together.
const TOGETHER: u64 = 200;
/// Peers of one rule that are told apart in a period.
const TOLD_APART: usize = 1024;
/// Peers that the sum names.
const NAMED: usize = 20;

/// Counts within a period, which ends with [`RefusalLog::sums`].
#[derive(Debug, Default)]
pub struct RefusalLog(Mutex<HashMap<&'static str, Refusals>>);

/// Of one rule.
#[derive(Debug, Default)]
struct Refusals {
    written: u64,
    peers: HashMap<IpAddr, Count>,
    /// Of peers that are not told apart.
    others: u64,
}

#[derive(Debug, Default)]
struct Count {
    written: u64,
    unwritten: u64,
}

/// Refusals that were not written one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalSum {
    /// The rule that they broke.
    pub rule: &'static str,
    /// Whose they were; none for many peers together. IPv6 by its /64.
    pub peer: Option<IpAddr>,
    /// How many.
    pub count: u64,
}

impl RefusalLog {
    /// Counts a refusal, and says whether it is to be written.
    pub fn admits(&self, rule: &'static str, peer: IpAddr) -> bool {
        let peer = peer_network(peer);
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusals = rules.entry(rule).or_default();
        if refusals.peers.len() >= TOLD_APART && !refusals.peers.contains_key(&peer) {
            refusals.others += 1;
            return false;
        }
        let own = refusals.peers.entry(peer).or_default();
        if own.written >= EACH || refusals.written >= TOGETHER {
            own.unwritten += 1;
            return false;
        }
        own.written += 1;
        refusals.written += 1;
        true
    }

    /// Ends the period: what was not written in it. Call it once a minute and write what it says.
    pub fn sums(&self) -> Vec<RefusalSum> {
        let rules = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut sums = Vec::new();
        for (rule, refusals) in rules {
            let mut peers: Vec<(u64, IpAddr)> = refusals
                .peers
                .into_iter()
                .filter(|(_, count)| count.unwritten > 0)
                .map(|(peer, count)| (count.unwritten, peer))
                .collect();
            peers.sort_unstable();
            let mut others = refusals.others;
            let few = peers.split_off(peers.len().saturating_sub(NAMED));
            others += peers.iter().map(|(count, _)| count).sum::<u64>();
            for (count, peer) in few.into_iter().rev() {
                let peer = Some(peer);
                sums.push(RefusalSum { rule, peer, count });
            }
            if others > 0 {
                sums.push(RefusalSum {
                    rule,
                    peer: None,
                    count: others,
                });
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn the_first_of_each_rule_and_peer_are_written() {
        let log = RefusalLog::default();
        let written = (0..1000).filter(|_| log.admits("a", peer(1))).count();
        assert_eq!(written as u64, EACH);
        assert!(log.admits("a", peer(2)) && log.admits("b", peer(1)));
        let sum = RefusalSum {
            rule: "a",
            peer: Some(peer(1)),
            count: 1000 - EACH,
        };
        assert_eq!(log.sums(), [sum]);
        assert!(log.admits("a", peer(1)), "a new period");
        assert_eq!(log.sums(), []);
    }

    #[test]
    fn a_million_peers_cost_no_memory_and_no_log() {
        let log = RefusalLog::default();
        let written = (0..1_000_000).filter(|n| log.admits("a", peer(*n))).count();
        assert_eq!(written as u64, TOGETHER);
        assert_eq!(log.0.lock().unwrap()["a"].peers.len(), TOLD_APART);
        assert!(
            log.admits("b", peer(2_000_000)),
            "another rule is not hidden"
        );
        let sums = log.sums();
        assert_eq!(sums.len(), NAMED + 1);
        let unwritten: u64 = sums.iter().map(|sum| sum.count).sum();
        assert_eq!(unwritten, 1_000_000 - TOGETHER);
    }
}
