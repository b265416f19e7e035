//! The machine under everything: tables, turns, time, chance. It knows no product, no account, no wire.
//!
//! [`world::World`] is rows of tables and nothing else; [`turn::Turn`] carries one command out on it. What there is
//! to remember and to do is declared by features ([`feature::Feature`]) and found through the house
//! ([`feature::House`]).
//!
//! Must always hold:
//! * nothing here reads a clock, draws a chance that the seed does not fix, or does input or output, but for [`files`], which
//!   reads what lies on the disk;
//! * what falls due before a command is done before it, in order, each at its own second;
//! * ordered maps only; nothing depends on a hash;
//! * no command costs more than O(log n + page), reset and import excepted.

pub(crate) mod chance;
pub(crate) mod clock;
pub(crate) mod command;
pub(crate) mod declared;
pub(crate) mod effect;
pub(crate) mod export;
pub(crate) mod feature;
pub(crate) mod files;
pub(crate) mod key;
pub(crate) mod packed;
pub(crate) mod route;
pub(crate) mod row;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod turn;
pub(crate) mod world;

pub(crate) use self::{
    command::{Command, Refused},
    effect::Effect,
    feature::{Feature, House},
    key::Id,
    table::Table,
    turn::Turn,
    world::World,
};
