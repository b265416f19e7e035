//! The client core: transport, credentials, retry.
