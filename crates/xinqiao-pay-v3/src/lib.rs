//! WeChat Pay API v3 endpoints.
