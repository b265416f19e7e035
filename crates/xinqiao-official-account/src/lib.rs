//! Official account (公众号) endpoints.
