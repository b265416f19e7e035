//! A tower service and extractors that receive WeChat callbacks in a Rust app.
