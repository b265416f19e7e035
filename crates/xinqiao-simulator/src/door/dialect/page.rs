//! What a browser loads: a page, or another address.

use super::Written;

pub(crate) fn show(html: String) -> Written {
    Written::new(200)
        .header("content-type", "text/html; charset=utf-8")
        .body(html)
}

pub(crate) fn redirect(to: String) -> Written {
    Written::new(302).header("location", to)
}
