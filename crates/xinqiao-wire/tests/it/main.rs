//! The codec against serde's derives, its round trips, its leniency, and what it does with hostile input.

mod bill;
mod differential;
mod forms;
mod groups;
mod hostile;
mod lenient;
mod open;
mod repeats;
mod response;
mod round_trip;
mod shapes;
