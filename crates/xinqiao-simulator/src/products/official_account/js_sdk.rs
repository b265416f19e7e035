//! Pages in the phone (JS-SDK): the tickets that sign them.
//!
//! * [`ticket`]: tickets of accounts.

pub(super) mod ticket;
