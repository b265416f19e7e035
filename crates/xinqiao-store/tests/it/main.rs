//! The store through its public calls: what only an SQLite store has to keep.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod given;
mod open;
mod sqlite;

pub(crate) use given::*;
pub(crate) use xinqiao_store::Location;

pub(crate) async fn open(location: Location) -> xinqiao_store::Store {
    open_as(xinqiao_store::NodeId::default(), location).await
}

pub(crate) fn file(path: &std::path::Path) -> Location {
    Location::File(path.join("store.db"))
}
