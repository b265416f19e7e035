//! Where words go: data to standard output, talk to standard error.
//!
//! A closed pipe is not an error of ours (`xinqiao api ls | head`), so failed writes are dropped.

use std::io::{IsTerminal as _, Write as _};

/// One line of data on standard output; false if nobody reads it any more.
pub(crate) fn data(line: impl std::fmt::Display) -> bool {
    writeln!(std::io::stdout().lock(), "{line}").is_ok()
}

/// Whether standard output takes colours: on a terminal, unless `NO_COLOR` says no.
pub(crate) fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal()
}

/// One line of talk on standard error.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
