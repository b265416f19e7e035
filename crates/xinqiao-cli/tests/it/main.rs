//! The binary as its users meet it.

mod command_line;
mod dev;
mod documents;
mod exec;
mod gateway;
mod process;
