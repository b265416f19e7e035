//! The demo app that xinqiao dev starts when no app is given.
