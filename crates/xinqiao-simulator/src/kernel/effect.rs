//! What a turn wants done outside. The shell does it, after the turn.

use super::row::LateRow;

/// Something to be done outside.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Carry out this attempt of a push; its outcome comes back as a command.
    Send { delivery: u64, attempt: u8 },
    /// Show this row.
    Row(Box<LateRow>),
    /// A chat changed.
    Chat { user: String, account: String },
    /// The clock was moved.
    Clock,
    /// Accounts changed.
    Accounts,
    /// Users changed.
    Users,
    /// A delivery came to its end.
    Settled,
    /// The world was replaced: forget traffic.
    Replaced,
}
