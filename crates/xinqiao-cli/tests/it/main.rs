//! The binary as its users meet it.

#![expect(clippy::print_stderr, reason = "a check that is left out says why")]

mod catalog;
mod command_line;
mod control;
mod dev;
mod documents;
mod exec;
mod gateway;
mod languages;
mod process;
mod resend;
mod scenario;
mod tls;
mod tools;
