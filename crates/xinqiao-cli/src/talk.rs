//! Where words go: data to standard output, talk to standard error.
//!
//! A closed pipe is not an error of ours (`xinqiao api ls | head`), so failed writes are dropped.

use std::io::Write as _;

/// One line of data on standard output; false if nobody reads it any more.
pub(crate) fn data(line: impl std::fmt::Display) -> bool {
    writeln!(std::io::stdout().lock(), "{line}").is_ok()
}

/// One line of talk on standard error.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
