//! Durable storage of the gateway.
