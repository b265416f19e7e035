//! The codec against serde's derives, and its round trips.

mod differential;
mod lenient;
mod round_trip;
mod shapes;
