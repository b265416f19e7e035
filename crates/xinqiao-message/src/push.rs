//! One callback on its way to an app, without the way: what its answer means, and what comes next.
//!
//! [`judge`] looks at an HTTP answer as the platform does. [`Attempts`] decides, after each try,
//! whether there is another. Neither sends anything or reads a clock.
//!
//! Source: the platform's pages on message push; that an HTTP status other than 200 and a redirect
//! are failures that are tried again, and what counts as illegal, is observed.

mod attempts;
mod judge;

pub use attempts::{Attempts, GaveUp, Next, Outcome, Policy};
pub use judge::{Answer, Context, Judgement, Speaker, Warning, judge};
